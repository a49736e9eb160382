#include "application.h"

#include "greeter.h"
#include "sofa/boot/grpc_health.h"
#include "sofa/grpc_services/protobuf_json.h"
#include "sofa/grpc_services/reflection.h"

namespace app_name {

namespace {

using namespace sofa;

/// JSON and reflection for the .proto, so that curl and grpcurl know it.
rpc::Server with_proto_tools(rpc::Server server) { return grpc::with_reflection(std::move(server).json(grpc::protobuf_json())); }

void add_routes(rpc::RestRoutes& routes, const rpc::ServiceId& id) { routes.get("/greetings/{name}", &GreetingRoutes::greet, id); }

}  // namespace

void assemble(boot::Application& app) {
  app.component<ConfiguredGreetings>("greetings").provides<Greetings>();
  app.component<Greeter>("greeter").provides<AppName>().on(boot::bolt, boot::triple, boot::http).provides<GreetingRoutes>().routes(add_routes);
  app.on_publish([](rpc::Server server, boot::Readiness&, auto) { return with_proto_tools(std::move(server)); });
  boot::with_grpc_health(app);
}

}  // namespace app_name
