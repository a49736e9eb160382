#pragma once
// What has happened last on the platform: processes that came and went, whether they take traffic, what was changed through it. A bounded ring in
// memory; the log has it for longer.

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/description.h"

namespace sofa::platform {

struct Happening {
  std::string id{};
  int64_t at_ms = 0;
  std::string severity{};  ///< info, warn, error
  std::string kind{};      ///< attached, gone, readiness, configuration
  std::string process{};   ///< its id
  std::string subject{};   ///< what of it; empty: the process itself
  std::string message{};   ///< a sentence
  static void describe(Description<Happening>& d);
};

/// Any shard.
class Happenings {
 public:
  /// `clock` outlives it.
  explicit Happenings(const Clock& clock, size_t most = 200) : clock_(clock), most_(most) {}
  /// Gives it an id and the time.
  void add(Happening happening);
  /// Newest first.
  std::vector<Happening> latest(size_t most) const;

 private:
  const Clock& clock_;
  const size_t most_;
  mutable std::mutex mutex_;
  uint64_t added_ = 0;
  std::deque<Happening> ring_;  // oldest first
};

}  // namespace sofa::platform
