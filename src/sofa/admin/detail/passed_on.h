#pragma once
// Requests that come through the platform: it has asked its gate, and says who asks.

#include "sofa/http/middleware.h"

namespace sofa::admin::detail {

/// The header that names the user; only requests over an attachment are read for it.
inline constexpr std::string_view kUserHeader = "x-sofa-user";

class PassedOn final : public http::Middleware {
 public:
  using Middleware::Middleware;
  void handle(http::ExchangePtr exchange) override {
    exchange->context().principal = exchange->request().headers.get_or(kUserHeader, "platform");
    next().handle(std::move(exchange));
  }
};

}  // namespace sofa::admin::detail
