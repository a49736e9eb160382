// A SOFARPC client: hello-client [bolt://127.0.0.1:12200]
#include "sofa/rpc/client.h"

using namespace sofa;

struct Hello : rpc::Interface {
  static constexpr std::string_view kName = "com.acme.Hello";
  rpc::Method<std::string(std::string)> hello{this, "hello"};
};

rpc::Task<Result<void>> greet(std::string target) {
  auto service = co_await rpc::or_return(rpc::connect<Hello>(target));
  auto answer = co_await rpc::or_return(service->hello("world"));
  fmt::print("{}\n", answer);
  co_return {};
}

int main(int argc, char** argv) { return rpc::run_client(argc, argv, "bolt://127.0.0.1:12200", greet); }
