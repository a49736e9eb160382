// bench-server --port P: what the benchmarks call, on one port of all protocols: EchoService over Bolt, Dubbo and Triple, Echo over gRPC, and over
// HTTP a text, a kilobyte and users.
#include "sofa/rpc/server.h"
#include "echo.sofa.h"
#include "echo_api.h"
#include "sofa/rest/api.h"
#include "user_api.h"

namespace {

using namespace sofa;
using google::protobuf::StringValue;

std::shared_ptr<bench::pb::Echo> make_proto_echo() {
  auto echo = std::make_shared<bench::pb::Echo>();
  echo->call = [](StringValue text) { return text; };
  echo->talk = [](rpc::Reader<StringValue>& in, rpc::Writer<StringValue>& out) -> rpc::Task<Result<void>> {
    while (auto text = co_await rpc::or_return(in.read())) co_await rpc::or_return(out.write(std::move(*text)));
    co_return Result<void>();
  };
  return echo;
}

/// A constant, as nginx returns it.
void add_text(http::Router& router, std::string_view path, std::string text) {
  router.get(path, [body = Bytes::copy_of(text)](http::ExchangePtr exchange) { (void)http::respond(*exchange, 200, "text/plain", body); });
}

}  // namespace

int main(int argc, char** argv) {
  auto echo = std::make_shared<EchoService>();
  echo->echo = [](std::string text) { return text; };

  rest::Api users(rest::About{.title = "Users", .version = "1"});
  users.get("/users/{id}", [](bench::UserId asked) { return bench::user_of(asked.id); });
  users.post("/users", [](bench::User user) { return user; });

  auto router = std::make_shared<http::Router>();
  add_text(*router, "/plain", "hello, world\n");
  add_text(*router, "/kilobyte", std::string(1024, 'x'));
  router->set_fallback(users);
  return rpc::serve(argc, argv, rpc::Server{}.port(12200).add(echo).add(make_proto_echo()).http(router));
}
