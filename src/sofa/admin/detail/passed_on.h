#pragma once
// Requests that come through the platform: it knows who asks, and has asked its gate whether they may look into processes at all. What they may do
// there the gate of this program decides.

#include "sofa/http/middleware.h"

namespace sofa::admin::detail {

/// The header that names the user; only requests over an attachment are read for it.
inline constexpr std::string_view kUserHeader = "x-sofa-user";
/// The id of the token that they came with, whose roles may be fewer than the user's.
inline constexpr std::string_view kTokenHeader = "x-sofa-token";
/// What they may by the platform's gate, with commas between: for a program without a gate.
inline constexpr std::string_view kPermissionsHeader = "x-sofa-permissions";
/// Any value: a page asks that may not change anything (Principal::read_only).
inline constexpr std::string_view kReadOnlyHeader = "x-sofa-read-only";

/// The platform asks for itself, not for a user: no user is called so.
inline constexpr std::string_view kPlatformItself = "(platform)";
/// What it then may in every program, whatever the gate there says: to see how the program does, which is the permission of /v1/figures alone.
inline constexpr std::string_view kOfPlatformItself = "figures:read";

class PassedOn final : public http::Middleware {
 public:
  using Middleware::Middleware;
  void handle(http::ExchangePtr exchange) override {
    exchange->context().principal = exchange->request().headers.get_or(kUserHeader, kPlatformItself);
    next().handle(std::move(exchange));
  }
};

}  // namespace sofa::admin::detail
