#pragma once
// What every answer tells a browser, so that a page of ours cannot be framed, nor run what is not ours.

#include "sofa/http/middleware.h"

namespace sofa::admin::detail {

inline constexpr std::string_view kPolicy =
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
/// The page of the API's description has its script and style inside.
inline constexpr std::string_view kPolicyOfDocs =
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors "
    "'none'";

/// Adds to each answer what it does not say itself.
class PageHeaders final : public http::Middleware {
 public:
  using Middleware::Middleware;
  void handle(http::ExchangePtr exchange) override;
};

}  // namespace sofa::admin::detail
