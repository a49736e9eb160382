// Dubbo 2: what docs/protocols/dubbo.md shows. Server and client stand in one program.
#include "hello.h"
#include "sofa/rpc/client.h"

using namespace sofa;

rpc::Task<Result<void>> run() {
  // region: dubbo
  auto server = co_await rpc::or_return(rpc::Server{}.port(0, {"dubbo"}).add(make_hello(), {.version = "2.0"}).start());

  const std::string target = fmt::format("dubbo://{}", server->address().to_string());
  auto hello = co_await rpc::or_return(rpc::connect<Hello>(target, {.version = "2.0"}));
  fmt::print("{}\n", co_await rpc::or_return(hello->hello("dubbo")));
  // endregion
  co_return co_await server->stop();
}

int main() { return io::run(run(), {.shards = 1}); }
