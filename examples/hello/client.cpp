// A SOFARPC client: hello-client [bolt://127.0.0.1:12200]
#include "sofa/rpc/client.h"
#include "sofa/io/runtime.h"

using namespace sofa;

struct Hello : rpc::Interface {
  static constexpr std::string_view kName = "com.acme.Hello";
  rpc::Method<std::string(std::string)> hello{this, "hello"};
};

rpc::Task<Result<std::string>> ask(std::string target) {
  auto service = co_await rpc::or_return(rpc::connect<Hello>(target));
  co_return co_await service->hello("world");
}

rpc::Task<int> run(std::string target) {
  auto answer = co_await ask(target);
  fmt::print("{}\n", answer ? *answer : answer.error().to_string());
  co_return answer ? 0 : 1;
}

int main(int argc, char** argv) { return io::run(run(argc > 1 ? argv[1] : "bolt://127.0.0.1:12200")); }
