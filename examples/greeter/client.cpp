// C++: greeter-client [tri://127.0.0.1:12200]; bolt:// works, too.
#include "sofa/rpc/client.h"
#include "greeter.sofa.h"

using namespace sofa;

rpc::Task<Result<void>> greet(std::string target) {
  // region: call
  auto greeter = co_await rpc::or_return(rpc::connect<acme::greeter::Greeter>(target));
  acme::greeter::GreetRequest request;
  request.set_name("C++");
  auto reply = co_await rpc::or_return(greeter->greet(request));
  fmt::print("{}\n", reply.text());
  // endregion
  co_return {};
}

int main(int argc, char** argv) { return rpc::run_client(argc, argv, "tri://127.0.0.1:12200", greet); }
