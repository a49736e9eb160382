#pragma once
// What requests hold of their server's budget: of one its unfinished body, of a connection the heads.

#include "sofa/base/error.h"
#include "sofa/http/exchange.h"
#include "sofa/transport/byte_budget.h"

namespace sofa::http::detail {

/// Belongs to an exchange.
class HeldBody {
 public:
  /// `budget` outlives it, or the call of let_go(); null: no bound.
  explicit HeldBody(transport::ByteBudget* budget) : budget_(budget), held_(budget) {}
  /// As Exchange::hold.
  Result<void> hold(size_t bytes) {
    if (held_.hold(bytes)) return {};
    return fail(
        Code::resource_exhausted,
        "{} bytes of a request came, but the unfinished requests of all connections have {} bytes already (max_half_frame_bytes {}); try later",
        bytes, budget_->held(), budget_->most());
  }
  void let_go() { held_.hold(0); }

 private:
  const transport::ByteBudget* const budget_;
  transport::HeldBytes held_;
};

/// What a request's head takes.
inline size_t head_size(const RequestHead& head) { return head.headers.list_size() + head.target.size() + head.authority.size(); }

/// Of all exchanges of one connection: a head has tens of bytes on the wire, when HPACK's table has the rest, and kilobytes here.
class HeldHeads {
 public:
  explicit HeldHeads(transport::ByteBudget* budget) : held_(budget) {}
  /// False: there is no room, and nothing is held.
  bool add(size_t bytes) {
    if (held_.hold(bytes_ + bytes)) return bytes_ += bytes, true;
    held_.hold(bytes_);
    return false;
  }
  void drop(size_t bytes) { held_.hold(bytes_ -= bytes); }

 private:
  transport::HeldBytes held_;
  size_t bytes_ = 0;
};

}  // namespace sofa::http::detail
