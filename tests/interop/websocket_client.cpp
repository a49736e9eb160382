// websocket-client: our WebSocket client against a server that no one here wrote. `websocket-client HOST:PORT` checks that its messages come back,
// says "bye", and prints how the server said goodbye.

#include <cstdio>

#include "sofa/base/flags.h"
#include "sofa/http/websocket.h"
#include "sofa/io/runtime.h"
#include "sofa/io/tls.h"

namespace {

using namespace sofa;

struct Options {
  std::string path = "/";
  std::string tls_ca;
  bool compress = true;
  bool context_takeover = false;

  static auto describe(Description<Options>& d) {
    d.doc("Talks to a WebSocket server that sends back what it gets, in as many fragments as it likes, until \"bye\".");
    d.field("path", &Options::path).doc("of the request");
    d.field("tls_ca", &Options::tls_ca).doc("PEM file of who signs servers' certificates: connect over TLS");
    d.field("compress", &Options::compress).doc("offer permessage-deflate");
    d.field("context_takeover", &Options::context_takeover).doc("keep compression windows between messages");
  }
};

io::Task<Result<io::Stream>> connect(const io::Address& server, const std::string& tls_ca) {
  if (tls_ca.empty()) co_return co_await io::Stream::connect(server);
  const auto tls = co_await io::or_return(io::TlsClientContext::open({.ca = tls_ca, .alpn = {"http/1.1"}}));
  co_return co_await io::tls_connect(server, *tls);
}

/// How many of the messages did not come back as they were.
io::Task<Result<int>> send_and_compare(http::WebSocket& socket) {
  int wrong = 0;
  for (const size_t size : {0, 1, 125, 126, 1000, 65535, 65536, 1'000'000}) {
    for (const auto kind : {http::WebSocket::Kind::text, http::WebSocket::Kind::binary}) {
      const Bytes data = Bytes::copy_of(std::string(size, 'x'));
      co_await io::or_return(socket.write({kind, data}));
      const auto back = co_await io::or_return(socket.read());
      if (!back || back->kind != kind || !(back->data == data)) ++wrong;
    }
  }
  co_return wrong;
}

io::Task<Result<int>> talk(http::ClientConnection& connection, std::string authority, const Options& options) {
  http::RequestHead request;
  request.authority = std::move(authority);
  request.target = options.path;
  auto socket = co_await io::or_return(
      http::WebSocket::connect(connection, std::move(request), {.compress = options.compress, .context_takeover = options.context_takeover}));
  const int wrong = co_await io::or_return(send_and_compare(*socket));
  co_await io::or_return(socket->write_text("bye"));
  while (co_await io::or_return(socket->read())) {
  }
  fmt::print("chat compressed={} wrong={} code={} reason={}\n", socket->compresses(), wrong, socket->peer_close_code(), socket->peer_close_reason());
  co_return wrong == 0 ? 0 : 1;
}

io::Task<Result<int>> run(std::string server, Options options) {
  io::Stream stream = co_await io::or_return(connect(co_await io::or_return(io::Address::parse(server)), options.tls_ca));
  auto connection = co_await io::or_return(http::connect_http1(std::move(stream)));
  auto done = co_await talk(*connection, server, options);
  co_await connection->close();
  co_return done;
}

io::Task<int> report(std::string server, Options options) {
  const auto done = co_await run(std::move(server), std::move(options));
  if (!done) fmt::print(stderr, "{}\n", done.error());
  co_return done.value_or(1);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = parse_flags(argc, argv, options, {.positional_name = "HOST:PORT", .max_positional = 1});
  if (!flags || flags->help || flags->positional.empty()) {
    fmt::print(flags ? stdout : stderr, "{}\n", flags ? flags->help_text : flags.error().to_string());
    return flags && flags->help ? 0 : 2;
  }
  return io::run(report(flags->positional.front(), options), {.shards = 1});
}
