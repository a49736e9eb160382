// Bolt: what docs/protocols/bolt.md shows. Server and client stand in one program.
#include "hello.h"
#include "sofa/rpc/client.h"

using namespace sofa;

rpc::Task<Result<void>> run() {
  // region: bolt
  auto server = co_await rpc::or_return(rpc::Server{}.port(0, {"bolt"}).add(make_hello(), {.unique_id = "blue"}).start());

  const std::string target = fmt::format("bolt://{}", server->address().to_string());
  auto hello = co_await rpc::or_return(rpc::connect<Hello>(target, {.unique_id = "blue"}));
  rpc::CallResponse response;
  auto answer = co_await rpc::or_return(hello->hello.with({.timeout = std::chrono::seconds(1), .response = &response})("bolt"));
  fmt::print("{} from {}\n", answer, response.address == server->address() ? "the server" : "somebody else");
  // endregion
  co_return co_await server->stop();
}

int main() { return io::run(run(), {.shards = 1}); }
