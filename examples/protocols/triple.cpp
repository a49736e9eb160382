// Triple: what docs/protocols/triple.md shows. Server and client stand in one program.
#include "hello.h"
#include "sofa/rpc/client.h"

using namespace sofa;

rpc::Task<Result<void>> run() {
  // region: triple
  auto server = co_await rpc::or_return(rpc::Server{}.port(0, {"h2"}).add(make_hello()).start());

  auto hello = co_await rpc::or_return(rpc::connect<Hello>(fmt::format("tri://{}", server->address().to_string())));
  fmt::print("{}\n", co_await rpc::or_return(hello->hello("triple")));
  // endregion
  co_return co_await server->stop();
}

int main() { return io::run(run(), {.shards = 1}); }
