// http1-server: an HTTP/1.1 port for clients that no one here wrote. `http1-server --port 0` prints `ready pid=N port=P` when it listens.

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdio>

#include "sofa/base/flags.h"
#include "sofa/http/content_coding.h"
#include "sofa/http/router.h"
#include "sofa/http/server.h"
#include "sofa/http/static_files.h"
#include "sofa/http/websocket.h"
#include "sofa/io/runtime.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/port.h"

namespace {

using namespace sofa;

struct Flags {
  uint16_t port = 0;
  uint32_t head_timeout_ms = 10'000;
  uint32_t body_stall_ms = 30'000;
  uint32_t idle_ms = 90'000;
  uint64_t max_body = UINT64_MAX;
  uint32_t max_header_list = 64 << 10;
  uint32_t max_target = 16 << 10;
  uint32_t max_requests = 1'000'000;
  uint64_t max_message = uint64_t{16} << 20;
  bool context_takeover = false;
  std::string tls_certificate;
  std::string tls_key;

  static auto describe(Description<Flags>& d) {
    d.doc("Serves HTTP/1.1 on 127.0.0.1 until SIGTERM or SIGINT.");
    d.field("port", &Flags::port).doc("0 picks a free one");
    d.field("head_timeout_ms", &Flags::head_timeout_ms).doc("for a head, from its first byte");
    d.field("body_stall_ms", &Flags::body_stall_ms).doc("without a byte of a body");
    d.field("idle_ms", &Flags::idle_ms).doc("without a request");
    d.field("max_body", &Flags::max_body).doc("bytes of a request's body");
    d.field("max_header_list", &Flags::max_header_list).doc("bytes of a head");
    d.field("max_target", &Flags::max_target).doc("bytes of a target");
    d.field("max_requests", &Flags::max_requests).doc("of one connection");
    d.field("max_message", &Flags::max_message).doc("bytes of a message of WebSocket");
    d.field("context_takeover", &Flags::context_takeover).doc("WebSocket keeps compression windows between messages");
    d.field("tls_certificate", &Flags::tls_certificate).doc("PEM file: TLS beside plain connections");
    d.field("tls_key", &Flags::tls_key).doc("PEM file of its private key");
  }

  http::Http1Options options() const {
    http::Http1Options options;
    options.limits.head_timeout = std::chrono::milliseconds(head_timeout_ms);
    options.limits.body_stall_timeout = std::chrono::milliseconds(body_stall_ms);
    options.limits.idle_timeout = std::chrono::milliseconds(idle_ms);
    options.limits.max_header_list = max_header_list;
    options.limits.max_target = max_target;
    options.max_body = max_body;
    options.max_requests = max_requests;
    return options;
  }
};

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Sends back what comes, while it comes.
io::Task<Result<void>> echo(http::Exchange& exchange, http::Body& body) {
  http::Headers headers;
  for (const std::string_view name : {"content-type", "content-length"}) {
    if (const auto value = exchange.request().headers.get(name)) headers.add(name, *value);
  }
  co_await io::or_return(exchange.send_response(200, headers, false));
  for (;;) {
    Bytes part = co_await io::or_return(body.read());
    if (part.empty()) break;
    co_await io::or_return(body.write(std::move(part)));
  }
  co_return exchange.send_trailers(body.trailers());
}

io::Task<Result<void>> big(http::Exchange& exchange, http::Body& body) {
  uint64_t left = number(exchange.context().parameters.get("bytes"));
  co_await io::or_return(exchange.send_response(200, {{"content-length", std::to_string(left)}}, left == 0));
  const Bytes block = Bytes::copy_of(std::string(64 << 10, 'x'));
  while (left > 0) {
    const size_t n = std::min<uint64_t>(left, block.size());
    left -= n;
    co_await io::or_return(body.write(block.slice(0, n), left == 0));
  }
  co_return Result<void>{};
}

io::Task<Result<void>> slow(http::Exchange& exchange, http::Body&) {
  co_await io::or_return(io::sleep_for(std::chrono::milliseconds(number(exchange.context().parameters.get("ms")))));
  co_return http::respond_text(exchange, 200, exchange.context().parameters.get("ms"));
}

/// Chunks, then a trailer.
io::Task<Result<void>> stream(http::Exchange& exchange, http::Body& body) {
  const uint64_t count = number(exchange.context().parameters.get("count"));
  co_await io::or_return(exchange.send_response(200, {{"content-type", "text/plain"}}, false));
  for (uint64_t i = 0; i < count; ++i) co_await io::or_return(body.write(Bytes::copy_of(fmt::format("line {}\n", i))));
  co_return exchange.send_trailers({{"x-lines", std::to_string(count)}});
}

/// Takes a body of at most ten bytes, and says so before it is sent.
class Small final : public http::Handler {
 public:
  bool wants_body(const http::RequestHead& head) const override { return number(head.headers.get_or("content-length")) <= 10; }
  void handle(http::ExchangePtr exchange) override {
    const bool taken = wants_body(exchange->request());
    [[maybe_unused]] const auto sent = http::respond_text(*exchange, taken ? 200 : 413, taken ? "taken" : "ten bytes are taken");
  }
};

/// Sends back each message, until the goodbye.
io::Task<void> chat(std::unique_ptr<http::WebSocket> socket) {
  for (;;) {
    auto message = co_await socket->read();
    if (!message || !*message) co_return;
    if (!co_await socket->write(std::move(**message))) co_return;
  }
}

io::Task<Result<std::unique_ptr<transport::Port>>> listen(http::Http1Protocol& http1, const Flags& flags) {
  transport::PortOptions options{.option_name = "--port"};
  if (!flags.tls_certificate.empty()) {
    options.tls =
        co_await io::or_return(io::TlsServerContext::open({.certificates = {{.certificate = flags.tls_certificate, .key = flags.tls_key}}}));
  }
  co_return co_await transport::Port::open(io::Address::of("127.0.0.1", flags.port), {&http1}, std::move(options));
}

io::Task<int> serve(Flags flags) {
  http::Router router;
  std::atomic<uint64_t> posts{0};
  Small small;
  router.get("/hello", [](http::ExchangePtr exchange) { [[maybe_unused]] const auto sent = http::respond_text(*exchange, 200, "hello"); });
  router.get("/users/{id}", [](http::ExchangePtr exchange) {
    [[maybe_unused]] const auto sent = http::respond_text(*exchange, 200, exchange->context().parameters.get("id"));
  });
  router.get("/files/{path...}", [](http::ExchangePtr exchange) {
    [[maybe_unused]] const auto sent = http::respond_text(*exchange, 200, exchange->context().parameters.get("path"));
  });
  router.add("*", "/echo", echo);
  router.get("/big/{bytes}", big);
  router.get("/slow/{ms}", slow);
  router.get("/stream/{count}", stream);
  router.post("/small", small);
  router.get("/dropped", [](const http::ExchangePtr&) {});
  router.post("/count", [&posts](http::ExchangePtr exchange) {
    [[maybe_unused]] const auto sent = http::respond_text(*exchange, 200, std::to_string(++posts));
  });
  io::TaskGroup chats;
  router.get("/chat", [&chats, &flags](http::ExchangePtr exchange) {
    auto socket = http::WebSocket::accept(std::move(exchange), {.max_message = flags.max_message, .context_takeover = flags.context_takeover});
    if (socket) chats.spawn("chat", chat(std::move(*socket)));
  });
  http::StaticFiles files;
  files.add("index.html", "text/html", Bytes::copy_of("<p>" + std::string(100'000, 'a')));
  router.get("/static/{path...}", files);
  http::ContentCodings codings(router);
  http::Http1Protocol http1(codings, flags.options(), http::Http2Options());
  auto port = co_await listen(http1, flags);
  if (!port) {
    fmt::print(stderr, "cannot start: {}\n", port.error());
    co_return 1;
  }
  fmt::print("ready pid={} port={}\n", ::getpid(), (*port)->local().port());
  std::fflush(stdout);
  (void)co_await io::until_cancelled();
  io::Scope stopping(&io::Shard::current().root_scope(), "stop");
  const auto stopped = co_await (*port)->stop().in(stopping);
  co_await router.stop_shard().in(stopping);
  [[maybe_unused]] const auto joined = co_await chats.join();
  co_return stopped ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  const auto parsed = parse_flags(argc, argv, flags);
  if (const auto code = exit_code_of(parsed)) return *code;
  return io::run(serve(flags), {.shards = 1});
}
