// SOFARPC's HTTP, which curl speaks too: what docs/protocols/http.md shows. Server and client stand in one program.
#include "hello.h"
#include "sofa/rpc/client.h"

using namespace sofa;

rpc::Task<Result<void>> run() {
  // region: http
  auto server = co_await rpc::or_return(rpc::Server{}.port(0).add(make_hello()).start());  // of all protocols

  for (const char* protocol : {"http", "h2c"}) {
    auto hello = co_await rpc::or_return(rpc::connect<Hello>(fmt::format("{}://{}", protocol, server->address().to_string())));
    fmt::print("{}\n", co_await rpc::or_return(hello->hello(protocol)));
  }
  // endregion
  co_return co_await server->stop();
}

int main() { return io::run(run(), {.shards = 1}); }
