// A client of several providers: what docs/protocols/sofarpc.md shows. Servers and client stand in one program.
#include "hello.h"
#include "sofa/rpc/client.h"

using namespace sofa;

rpc::Task<Result<void>> run() {
  auto one = co_await rpc::or_return(rpc::Server{}.port(0).add(make_hello()).start());
  auto other = co_await rpc::or_return(rpc::Server{}.port(0).add(make_hello()).start());
  // region: client
  const std::string providers = fmt::format("bolt://{}?weight=10,bolt://{}?weight=90", one->address().to_string(), other->address().to_string());
  auto hello = co_await rpc::or_return(rpc::connect<Hello>(providers, {.app = "shop",
                                                                       .timeout = std::chrono::milliseconds(500),
                                                                       .retries = 2,  // the service bears a call twice
                                                                       .balancer = "weightRoundRobin",
                                                                       .outliers = {.consecutive_failures = 5}}));
  fmt::print("{}\n", co_await rpc::or_return(hello->hello("sofarpc")));

  co_await rpc::or_return(one->stop());  // no call fails for it
  for (int i = 0; i < 10; ++i) co_await rpc::or_return(hello->hello("the other"));
  // endregion
  co_return co_await other->stop();
}

int main() { return io::run(run(), {.shards = 1}); }
