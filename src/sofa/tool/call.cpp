// sofa call TARGET [SERVICE.METHOD [ARGUMENTS]]

#include "sofa/io/shard.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/json_tree.h"
#include "sofa/tool/outcome.h"

namespace sofa::tool {

namespace {

struct CallOptions : CallFlags, OutputFlags {
  static void describe(Description<CallOptions>& d) {
    d.inherit<OutputFlags>();
    d.inherit<CallFlags>();
  }
};

/// Prints each message as it comes, and tells an error at the end.
io::Task<Exit> converse(Callee& callee, Input& input, OutputFormat format, Terminal& terminal) {
  const auto print = [&](const std::string& json) { print_document(is_document(format) ? json : indented(json), format, terminal); };
  const auto done = co_await callee.converse(input, print);
  co_return done ? Exit::ok : show_failure(done.error(), format, terminal);
}

io::Task<Exit> call_once(Callee& callee, const CallPlan& plan, OutputFormat format, Terminal& terminal) {
  const Clock& clock = io::Shard::current().clock();
  Answer answer;
  const Instant begun = clock.now_monotonic();
  const auto done = co_await callee.call(&answer);
  co_return show_outcome(plan, done, answer, clock.now_monotonic() - begun, format, terminal);
}

io::Task<Exit> run_call(const CallPlan& plan, OutputFormat format, Terminal& terminal) {
  Input input(plan.arguments);
  auto callee = co_await Callee::open(plan, input);
  if (!callee) {
    const Exit exit = show_failure(callee.error(), format, terminal);
    co_return callee.error().code() == Code::invalid_argument ? Exit::wrong_usage : exit;
  }
  const Exit exit =
      (*callee)->streams() ? co_await converse(**callee, input, format, terminal) : co_await call_once(**callee, plan, format, terminal);
  co_await (*callee)->close();
  co_return exit;
}

void print_services(const std::vector<ServiceMethods>& services, OutputFormat format, Terminal& terminal) {
  if (is_document(format)) return print_document(services_json(services), format, terminal);
  for (const ServiceMethods& service : services) {
    terminal.print_line(terminal.paint(Colour::bold, service.service));
    for (const auto& [method, signature] : service.methods) terminal.print_line(fmt::format("  {}{}", method, signature));
  }
}

io::Task<Exit> list(const Target& target, const CallOptions& options, Terminal& terminal) {
  auto services = co_await list_services(target, options);
  if (!services) co_return show_failure(services.error(), options.output, terminal);
  print_services(*services, options.output, terminal);
  co_return Exit::ok;
}

Exit call(Arguments<CallOptions>& given, Terminal& terminal) {
  const auto wrong = [&terminal](const Error& error) {
    terminal.complain(error.to_string());
    return Exit::wrong_usage;
  };
  if (given.positional.size() == 1) {
    const auto target = parse_target(given.positional[0], given.options);
    return target ? run_on_shard(list(*target, given.options, terminal)) : wrong(target.error());
  }
  const auto plan = make_plan(given.positional, given.options);
  return plan ? run_on_shard(run_call(*plan, given.options.output, terminal)) : wrong(plan.error());
}

constexpr std::string_view kAbout = R"(Calls a method and prints its result as JSON.

  sofa call 127.0.0.1:12200 com.acme.Hello.hello '["world"]'
  sofa call bolt://127.0.0.1:12200 'com.acme.Users:1.0:blue.find(long,List<String>)' '[7, ["a", "b"]]'
  sofa call grpc://127.0.0.1:12200 acme.Greeter.Greet '{"name": "world"}'
  sofa call http://127.0.0.1:12200 'GET /orders/{id}' '{"id": 1}'
  sofa call grpc://127.0.0.1:12200

A method of Java types takes ARGUMENTS as a JSON list with one item for each parameter; without types in the method's name they are guessed from the
items. A method of a .proto takes a message as a JSON mapping; one that streams takes a message a line and prints its answers as they come. '-' reads
ARGUMENTS from standard input. A route of REST takes its parameters and the members of its body by name. Without a method the services of the server
are listed, if it has gRPC's reflection, and of an http:// target the routes of its OpenAPI.)";

}  // namespace

Command call_command() {
  return command<CallOptions, call>({.name = "call",
                                     .usage = "TARGET [SERVICE.METHOD [ARGUMENTS]]",
                                     .summary = "calls a method of a service and prints its result",
                                     .about = kAbout,
                                     .least = 1,
                                     .most = 3});
}

}  // namespace sofa::tool
