// greeter-server [--port 12200]: one port for the clients of five languages beside this file.
#include "sofa/rpc/server.h"
#include "greeter.sofa.h"
#include "sofa/grpc_services/protobuf_json.h"
#include "sofa/grpc_services/reflection.h"

using namespace sofa;
using acme::greeter::GreetReply, acme::greeter::GreetRequest;

int main(int argc, char** argv) {
  auto greeter = std::make_shared<acme::greeter::Greeter>();
  greeter->greet = [](GreetRequest request) -> Result<GreetReply> {
    if (request.name().empty()) return fail(Code::invalid_argument, "the field 'name' is empty: who is to be greeted?");
    GreetReply reply;
    reply.set_text("hello " + request.name());
    return reply;
  };
  return rpc::serve(argc, argv, grpc::with_reflection(rpc::Server{}.port(12200).add(greeter).json(grpc::protobuf_json())));
}
