// greeter-server [--port 12200]: one port for the clients of five languages beside this file.
#include "sofa/rpc/server.h"
#include "greeter.sofa.h"
#include "sofa/grpc_services/protobuf_json.h"
#include "sofa/grpc_services/reflection.h"

using namespace sofa;
using acme::greeter::GreetReply, acme::greeter::GreetRequest;

GreetReply hello(const GreetRequest& request) {
  GreetReply reply;
  reply.set_text("hello " + request.name());
  return reply;
}

int main(int argc, char** argv) {
  auto greeter = std::make_shared<acme::greeter::Greeter>();
  greeter->greet = [](GreetRequest request) -> Result<GreetReply> {
    if (request.name().empty()) return fail(Code::invalid_argument, "the field 'name' is empty: who is to be greeted?");
    return hello(request);
  };
  greeter->greet_all = [](rpc::Reader<GreetRequest>& in, rpc::Writer<GreetReply>& out) -> rpc::Task<Result<void>> {
    while (auto request = co_await rpc::or_return(in.read())) co_await rpc::or_return(out.write(hello(*request)));
    co_return {};
  };
  return rpc::serve(argc, argv, grpc::with_reflection(rpc::Server{}.port(12200).add(greeter).json(grpc::protobuf_json())));
}
