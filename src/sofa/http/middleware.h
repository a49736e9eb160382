#pragma once
// Middlewares: Handlers that stand before another one. Written inside out, the first to see a request comes last:
//
//   http::Cors cors(router, {.origins = {"https://app.example"}});
//   http::Authenticator authenticated(cors, check_token);
//   http::Limits limited(authenticated, {.max_in_flight = 1000});
//   http::AccessLog logged(limited);
//   http::Http1Protocol http1(logged);
//
// Each is shared by all shards and outlives the protocols that use it; the next handler outlives it.

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/log.h"
#include "sofa/http/exchange.h"

namespace sofa::http {

/// A Handler before another one.
class Middleware : public Handler {
 public:
  explicit Middleware(Handler& next) : next_(next) {}
  bool wants_body(const RequestHead& head) const override { return next_.wants_body(head); }

 protected:
  Handler& next() const { return next_; }

 private:
  Handler& next_;
};

/// One line an exchange, when it has ended: peer, method, target, route, status, bytes of the answer's body, microseconds, principal; `ended=no` when
/// it was given up before its end. Level info in the logging space.
class AccessLog final : public Middleware {
 public:
  explicit AccessLog(Handler& next, std::string_view space = "access") : Middleware(next), log_(space) {}
  void handle(ExchangePtr exchange) override;

 private:
  const Logger log_;
};

struct CorsOptions {
  std::vector<std::string> origins{};                                                 ///< "https://app.example"; "*" allows every origin
  std::vector<std::string> methods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};  ///< allowed beyond the simple ones
  std::vector<std::string> headers{"content-type"};                                   ///< allowed of a request; "*": all that are asked for
  std::vector<std::string> exposed{};                                                 ///< of a response
  bool credentials = false;                     ///< cookies and authorization are allowed; not with the origin "*"
  Duration max_age = std::chrono::minutes(10);  ///< how long a browser keeps the answer of a preflight
};

/// Cross-origin requests of browsers (Fetch standard, "CORS protocol"): answers preflights, and adds what browsers ask for to answers. Requests of
/// other origins are served without it, so that the browser keeps the answer from the page.
class Cors final : public Middleware {
 public:
  /// Credentials with the origin "*" end the program with a sentence: every page could then act as its user.
  Cors(Handler& next, CorsOptions options);
  void handle(ExchangePtr exchange) override;

 private:
  bool allows(std::string_view origin) const;
  void answer_preflight(Exchange& exchange, std::string_view origin) const;
  void add_origin(Headers& headers, std::string_view origin) const;
  class CorsExchange;

  const CorsOptions options_;
  const bool any_origin_;
};

struct LimitsOptions {
  uint32_t max_in_flight = 10'000;                 ///< exchanges on all shards whose request is whole, or whose answer has begun; over it 503
                                                   ///< with retry-after
  uint64_t max_body = uint64_t{64} << 20;          ///< bytes of a request's body; over it 413
  Duration retry_after = std::chrono::seconds(1);  ///< told with 503
};

/// Bounds what the handlers behind it get.
class Limits final : public Middleware {
 public:
  Limits(Handler& next, LimitsOptions options = {}) : Middleware(next), options_(options) {}
  void handle(ExchangePtr exchange) override;
  bool wants_body(const RequestHead& head) const override;
  uint32_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

 private:
  class LimitedExchange;
  bool is_full() const { return in_flight() >= options_.max_in_flight; }
  void refuse(Exchange& exchange) const;
  const LimitsOptions options_;
  std::atomic<uint32_t> in_flight_{0};
};

/// Lets through what its hook accepts.
class Authenticator final : public Middleware {
 public:
  /// The principal of a request, from its head, its peer and its certificate; unauthenticated answers 401 with `challenge`, permission_denied 403,
  /// any other error as status_of() has it. Must not block.
  using Hook = std::function<Result<std::string>(Exchange& exchange)>;

  /// `challenge`: the www-authenticate header of 401, 'Bearer realm="orders"'.
  Authenticator(Handler& next, Hook hook, std::string challenge = "Bearer")
      : Middleware(next), hook_(std::move(hook)), challenge_(std::move(challenge)) {}
  void handle(ExchangePtr exchange) override;

 private:
  const Hook hook_;
  const std::string challenge_;
};

}  // namespace sofa::http
