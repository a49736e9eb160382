#pragma once
// Which requests of browsers a server takes (docs/protocols/http.md, section 3).

#include <string>
#include <vector>

#include "sofa/http/middleware.h"

namespace sofa::http {

struct PageGuardOptions {
  std::vector<std::string> origins{};  ///< pages of other origins that may ask: "https://app.example"; "*": all
  std::vector<std::string> hosts{};    ///< names, beside localhost, by which programs on the server's own machine reach it; "*": any
};

/// Keeps pages of browsers from what they may not ask, as browsers let them send what looks like a link or a form to any server:
///   a request of a foreign page (origin.h) is answered 403, unless it is a navigation or the handshake of a WebSocket, which has rules of its own;
///   one of this machine under a name that is none of its names is answered 421: a page may have pointed a name of its own here ("DNS rebinding").
/// Handlers behind it that change something by GET refuse navigations themselves. gRPC over HTTP/2 passes: no page can send it unasked.
class PageGuard final : public Middleware {
 public:
  PageGuard(Handler& next, PageGuardOptions options) : Middleware(next), options_(std::move(options)) {}
  void handle(ExchangePtr exchange) override;
  bool wants_body(const RequestHead& head) const override { return !is_foreign(head) && Middleware::wants_body(head); }

 private:
  bool is_foreign(const RequestHead& head) const;

  const PageGuardOptions options_;
};

}  // namespace sofa::http
