// app-name-client [tri://127.0.0.1:12200]; bolt:// works, too.
#include "sofa/rpc/client.h"
#include "app_name.sofa.h"

namespace {

using namespace sofa;

rpc::Task<Result<void>> greet(std::string target) {
  auto service = co_await rpc::or_return(rpc::connect<app_name::AppName>(target));
  app_name::GreetRequest request;
  request.set_name("world");
  auto reply = co_await rpc::or_return(service->greet(request));
  fmt::print("{}\n", reply.text());
  co_return {};
}

}  // namespace

int main(int argc, char** argv) { return rpc::run_client(argc, argv, "tri://127.0.0.1:12200", greet); }
