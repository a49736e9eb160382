#pragma once
// What one request's unfinished body holds of its server's budget.

#include "sofa/base/error.h"
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

}  // namespace sofa::http::detail
