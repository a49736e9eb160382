// bench-echo-server --port P: the benchmark's echo over Bolt on one shard.
#include "echo_api.h"
#include "sofa/rpc/server.h"

int main(int argc, char** argv) {
  auto service = std::make_shared<EchoService>();
  service->echo = [](std::string text) { return text; };
  return sofa::rpc::serve(argc, argv, sofa::rpc::Server{}.port(12200).add(service));
}
