#include "sofa/http/middleware.h"

#include "sofa/http/detail/http1_writer.h"
#include "sofa/http/detail/text.h"
#include "sofa/http/filter.h"
#include "sofa/http/origin.h"
#include "sofa/http/router.h"
#include "sofa/io/shard.h"

namespace sofa::http {

namespace {

class LoggedExchange final : public ExchangeFilter {
 public:
  LoggedExchange(ExchangePtr inner, const Logger& log)
      : ExchangeFilter(std::move(inner)), log_(log), begun_(io::Shard::current().clock().now_monotonic()) {}
  ~LoggedExchange() override {
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(io::Shard::current().clock().now_monotonic() - begun_);
    log_.info("request", {{"peer", peer().to_string()},
                          {"method", request().method},
                          {"target", request().target},
                          {"route", context().route},
                          {"status", status_},
                          {"bytes", bytes_},
                          {"us", took.count()},
                          {"principal", context().principal},
                          {"ended", ended_ ? "yes" : "no"}});
  }

  Result<void> send_response(int status, const Headers& headers, bool end) override {
    auto sent = inner().send_response(status, headers, end);
    if (sent && status >= 200) status_ = status;
    return note(std::move(sent), 0, end);
  }
  Result<void> send_data(Bytes data, bool end) override {
    const size_t size = data.size();
    return note(inner().send_data(std::move(data), end), size, end);
  }
  Result<void> send_trailers(const Headers& trailers) override { return note(inner().send_trailers(trailers), 0, true); }

 private:
  Result<void> note(Result<void> sent, size_t bytes, bool end) {
    if (!sent) return sent;
    bytes_ += bytes;
    ended_ = ended_ || end;
    return sent;
  }

  const Logger& log_;
  const Instant begun_;
  int status_ = 0;
  uint64_t bytes_ = 0;
  bool ended_ = false;
};

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

}  // namespace

void AccessLog::handle(ExchangePtr exchange) {
  if (!log_.enabled(LogLevel::info)) return next().handle(std::move(exchange));
  next().handle(std::make_unique<LoggedExchange>(std::move(exchange), log_));
}

// ---------------------------------------------------------------- CORS

class Cors::CorsExchange final : public ExchangeFilter {
 public:
  CorsExchange(ExchangePtr inner, const Cors& cors) : ExchangeFilter(std::move(inner)), cors_(cors) {}
  Result<void> send_response(int status, const Headers& headers, bool end) override {
    if (status < 200) return inner().send_response(status, headers, end);
    Headers with = headers;
    cors_.add_origin(with, request().headers.get_or("origin"));
    if (!cors_.options_.exposed.empty()) with.set("access-control-expose-headers", joined(cors_.options_.exposed));
    return inner().send_response(status, with, end);
  }

 private:
  const Cors& cors_;
};

Cors::Cors(Handler& next, CorsOptions options)
    : Middleware(next), options_(std::move(options)), any_origin_(detail::contains(options_.origins, "*")) {
  if (!any_origin_ || !options_.credentials) return;
  fmt::print(stderr, "CORS with the origin '*' cannot allow credentials: name the origins\n");
  std::abort();
}

bool Cors::allows(std::string_view origin) const { return has_origin(options_.origins, origin); }

void Cors::add_origin(Headers& headers, std::string_view origin) const {
  headers.set("access-control-allow-origin", any_origin_ ? "*" : origin);
  if (!any_origin_) headers.add("vary", "origin");
  if (options_.credentials) headers.set("access-control-allow-credentials", "true");
}

void Cors::answer_preflight(Exchange& exchange, std::string_view origin) const {
  Headers headers;
  add_origin(headers, origin);
  headers.set("access-control-allow-methods", joined(options_.methods));
  const std::string_view asked = exchange.request().headers.get_or("access-control-request-headers");
  const bool all = detail::contains(options_.headers, "*");
  if (!all || !asked.empty()) headers.set("access-control-allow-headers", all ? std::string(asked) : joined(options_.headers));
  headers.set("access-control-max-age", std::to_string(std::chrono::duration_cast<std::chrono::seconds>(options_.max_age).count()));
  [[maybe_unused]] const auto sent = exchange.send_response(204, headers, true);
}

void Cors::handle(ExchangePtr exchange) {
  const RequestHead& head = exchange->request();
  const auto origin = head.headers.get("origin");
  if (!origin || !allows(*origin)) return next().handle(std::move(exchange));
  if (head.method == "OPTIONS" && head.headers.contains("access-control-request-method")) return answer_preflight(*exchange, *origin);
  next().handle(std::make_unique<CorsExchange>(std::move(exchange), *this));
}

// ---------------------------------------------------------------- limits

/// Counts itself, and the bytes of the body on their way to the sink.
class Limits::LimitedExchange final : public RunningFilter {
 public:
  LimitedExchange(ExchangePtr inner, Limits& limits) : RunningFilter(std::move(inner)), limits_(limits) {}
  ~LimitedExchange() override {
    if (counted_) limits_.in_flight_.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  bool may_begin() override { return !limits_.is_full(); }
  void begin() override {
    counted_ = true;
    limits_.in_flight_.fetch_add(1, std::memory_order_relaxed);
  }
  void refuse() override { limits_.refuse(inner()); }
  void on_data(ByteSpan data) override {
    received_ += data.size();
    if (received_ <= limits_.options_.max_body) return SinkFilter::on_data(data);
    MessageSink* sink = std::exchange(sink_, nullptr);
    inner().set_sink(nullptr);
    const std::string sentence = fmt::format("the body is longer than {} bytes (max_body)", limits_.options_.max_body);
    if (head_sent() || !respond_text(inner(), 413, sentence)) inner().reset(Reset::enhance_your_calm);
    if (sink != nullptr) sink->on_abort(Error(Code::resource_exhausted, sentence));
  }

  Limits& limits_;
  uint64_t received_ = 0;
  bool counted_ = false;
};

bool Limits::wants_body(const RequestHead& head) const {
  return detail::content_length(head.headers).value_or(0) <= options_.max_body && !is_full() && next().wants_body(head);
}

void Limits::refuse(Exchange& exchange) const {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options_.retry_after).count();
  [[maybe_unused]] const auto sent =
      respond_text(exchange, 503, fmt::format("{} requests run already (max_in_flight): try again later", options_.max_in_flight),
                   {{"retry-after", std::to_string(seconds)}});
}

void Limits::handle(ExchangePtr exchange) {
  if (is_full()) return refuse(*exchange);
  if (const auto length = detail::content_length(exchange->request().headers); length && *length > options_.max_body) {
    [[maybe_unused]] const auto sent =
        respond_text(*exchange, 413, fmt::format("the body has {} bytes; {} are taken (max_body)", *length, options_.max_body));
    return;
  }
  next().handle(std::make_unique<LimitedExchange>(std::move(exchange), *this));
}

// ---------------------------------------------------------------- who asks

void Authenticator::handle(ExchangePtr exchange) {
  auto principal = hook_(*exchange);
  if (principal) {
    exchange->context().principal = std::move(*principal);
    return next().handle(std::move(exchange));
  }
  const Error& error = principal.error();
  Headers headers;
  if (error.code() == Code::unauthenticated) headers.add("www-authenticate", challenge_);
  [[maybe_unused]] const auto sent = respond_text(*exchange, status_of(error.code()), error.message(), std::move(headers));
}

}  // namespace sofa::http
