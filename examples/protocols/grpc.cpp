// gRPC with streams both ways: what docs/protocols/grpc.md shows. Server and client stand in one program.
#include "greeter.sofa.h"
#include "sofa/grpc_services/reflection.h"
#include "sofa/rpc/in_process.h"

using namespace sofa;
using namespace std::chrono_literals;
using acme::greeter::Greeter, acme::greeter::GreetReply, acme::greeter::GreetRequest;

rpc::Task<Result<void>> run() {
  // region: grpc
  auto greeter = std::make_shared<Greeter>();
  greeter->greet = [](GreetRequest) -> Result<GreetReply> { return fail(Code::unimplemented, "one at a time is too slow: call GreetAll"); };
  greeter->greet_all = [](rpc::Reader<GreetRequest>& in, rpc::Writer<GreetReply>& out) -> rpc::Task<Result<void>> {
    while (auto request = co_await rpc::or_return(in.read())) {
      GreetReply reply;
      reply.set_text("hello " + request->name());
      co_await rpc::or_return(out.write(std::move(reply)));
    }
    co_return {};
  };
  auto server = co_await rpc::or_return(grpc::with_reflection(rpc::Server{}.port(0).add(greeter)).start());

  auto client = co_await rpc::or_return(rpc::connect<Greeter>(fmt::format("grpc://{}", server->address().to_string())));
  auto call = co_await rpc::or_return(client->greet_all());
  for (const char* name : {"Ann", "Bob"}) {
    GreetRequest request;
    request.set_name(name);
    co_await rpc::or_return(call.write(request));
  }
  co_await rpc::or_return(call.finish_writes());
  while (auto reply = co_await rpc::or_return(call.read())) fmt::print("{}\n", reply->text());
  // endregion
  co_return co_await server->stop();
}

rpc::Task<Result<void>> run_in_process() {
  // region: in_process
  auto greeter = std::make_shared<Greeter>();
  greeter->greet = [](rpc::Context& context, GreetRequest request) {
    GreetReply reply;
    reply.set_text(fmt::format("{} {}", context.header("x-greeting"), request.name()));
    return reply;
  };
  auto client = co_await rpc::or_return(rpc::connect_in_process(greeter, {.service = {.exclude = {"greetAll"}}}));
  GreetRequest request;
  request.set_name("Cid");
  const GreetReply reply = co_await rpc::or_return(client->greet.with({.timeout = 1s, .headers = {{"x-greeting", "good evening"}}})(request));
  fmt::print("{}\n", reply.text());
  // endregion
  co_return {};
}

rpc::Task<Result<void>> run_both() {
  co_await rpc::or_return(run());
  co_return co_await run_in_process();
}

int main() { return io::run(run_both(), {.shards = 1}); }
