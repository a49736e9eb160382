// WebSocket beside the services of a port: what docs/protocols/websocket.md shows. Server and client stand in one program.
#include "sofa/http/websocket.h"
#include "sofa/http/router.h"
#include "sofa/io/runtime.h"
#include "sofa/rpc/server.h"

using namespace sofa;

/// Gives every message back until the peer closes.
io::Task<void> echo(std::unique_ptr<http::WebSocket> socket) {
  while (auto message = co_await socket->read()) {
    if (!*message || !co_await socket->write(std::move(**message))) break;
  }
}

io::Task<Result<void>> talk(const io::Address& server) {
  // region: client
  auto stream = co_await io::or_return(io::Stream::connect(server));
  auto connection = co_await io::or_return(http::connect_http1(std::move(stream)));
  auto socket = co_await io::or_return(http::WebSocket::connect(*connection, {.authority = server.to_string(), .target = "/echo"}));
  co_await io::or_return(socket->write_text("hello"));
  if (auto message = co_await io::or_return(socket->read())) fmt::print("{}\n", message->data.text());
  co_await io::or_return(socket->close());
  // endregion
  socket.reset();
  co_await connection->close();
  co_return Result<void>();
}

io::Task<Result<void>> run() {
  // region: server
  io::TaskGroup sockets;
  auto router = std::make_shared<http::Router>();
  router->get("/echo", [&](http::ExchangePtr exchange) {
    if (auto socket = http::WebSocket::accept(std::move(exchange))) sockets.spawn("echo", echo(std::move(*socket)));
  });
  auto server = co_await io::or_return(rpc::Server{}.port(0).http(router).start());
  // endregion
  co_await io::or_return(talk(server->address()));
  co_await io::or_return(sockets.join());
  co_return co_await server->stop();
}

int main() { return io::run(run(), {.shards = 1}); }
