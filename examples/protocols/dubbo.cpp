// Dubbo 2: what docs/protocols/dubbo.md shows. Server and client stand in one program.
#include "hello.h"
#include "sofa/rpc/client.h"

using namespace sofa;

rpc::Task<Result<void>> run() {
  // region: dubbo
  // Dubbo's services have a version or none, and a group, which is the unique id here.
  auto server = co_await rpc::or_return(rpc::Server{}.port(0, {"dubbo"}).add(make_hello(), {.version = "1.0", .unique_id = "blue"}).start());

  const std::string target = fmt::format("dubbo://{}", server->address().to_string());
  auto hello = co_await rpc::or_return(rpc::connect<Hello>(target, {.version = "1.0", .unique_id = "blue"}));
  fmt::print("{}\n", co_await rpc::or_return(hello->hello("dubbo")));
  // endregion
  co_return co_await server->stop();
}

int main() { return io::run(run(), {.shards = 1}); }
