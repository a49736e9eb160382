#pragma once
// A bounded number of places, of which each is given back at its end. Any shard.

#include <atomic>
#include <cstddef>

#include "sofa/base/error.h"

namespace sofa::admin::detail {

class Places {
 public:
  explicit Places(size_t most) : most_(most) {}

  class Place {
   public:
    explicit Place(Places& of) : of_(of), given_(of.taken_.fetch_add(1, std::memory_order_relaxed) < of.most_) {}
    ~Place() { of_.taken_.fetch_sub(1, std::memory_order_relaxed); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    /// Whether there was one left.
    Result<void> given() const {
      if (given_) return {};
      return fail(Code::unavailable, "{} streams of events are open, as many as may be; close one", of_.most_);
    }

   private:
    Places& of_;
    const bool given_;
  };

 private:
  const size_t most_;
  std::atomic<size_t> taken_{0};
};

}  // namespace sofa::admin::detail
