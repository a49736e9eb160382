// http2-server: HTTP/2, HTTP/1.1 and Bolt on one port, for clients that no one here wrote. `http2-server --port 0` prints `ready pid=N port=P` when
// it listens.

#include <unistd.h>

#include <cstdio>

#include "plain_pages.h"
#include "sofa/base/flags.h"
#include "sofa/http/server.h"
#include "sofa/io/runtime.h"
#include "sofa/transport/bolt_protocol.h"
#include "sofa/transport/port.h"

namespace {

using namespace sofa;

struct Flags {
  uint16_t port = 0;

  static auto describe(Description<Flags>& d) {
    d.doc("Serves HTTP/2 and HTTP/1.1 beside Bolt on 127.0.0.1 until SIGTERM or SIGINT; GET and POST of / are answered.");
    d.field("port", &Flags::port).doc("0 picks a free one");
  }
};

io::Task<int> serve(Flags flags) {
  interop::PlainPages pages;
  const transport::Handlers no_calls;
  transport::BoltProtocol bolt(no_calls);
  http::Http2Protocol http2(pages);
  http::Http1Protocol http1(pages);
  auto port = co_await transport::Port::open(io::Address::of("127.0.0.1", flags.port), {&bolt, &http2, &http1}, {.option_name = "--port"});
  if (!port) {
    fmt::print(stderr, "cannot start: {}\n", port.error());
    co_return 1;
  }
  fmt::print("ready pid={} port={}\n", ::getpid(), (*port)->local().port());
  std::fflush(stdout);
  while (co_await io::sleep_for(std::chrono::hours(24))) {
  }
  // The scope of main is cancelled; stopping needs one that is not.
  io::Scope stopping(&io::Shard::current().root_scope(), "stop");
  const auto stopped = co_await (*port)->stop().in(stopping);
  co_return stopped ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  const auto parsed = parse_flags(argc, argv, flags);
  if (!parsed) {
    fmt::print(stderr, "{}\n", parsed.error());
    return 2;
  }
  if (parsed->help) {
    fmt::print("{}", parsed->help_text);
    return 0;
  }
  return io::run(serve(flags), {.shards = 1});
}
