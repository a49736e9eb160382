// sofa call TARGET SERVICE.METHOD [ARGUMENTS]

#include "sofa/io/shard.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/outcome.h"

namespace sofa::tool {

namespace {

struct CallOptions : CallFlags {
  OutputFormat output = OutputFormat::text;

  static void describe(Description<CallOptions>& d) {
    d.field("output", &CallOptions::output).alias("o").doc("how the answer is printed");
    d.inherit<CallFlags>();
  }
};

io::Task<Exit> call_once(const CallPlan& plan, OutputFormat format, Terminal& terminal) {
  const Clock& clock = io::Shard::current().clock();
  Answer answer;
  auto callee = co_await Callee::open(plan);
  if (!callee) {
    const bool misread = callee.error().code() == Code::invalid_argument;
    const Exit exit = show_outcome(plan, forward_error(callee), answer, Duration::zero(), format, terminal);
    co_return misread ? Exit::wrong_usage : exit;
  }
  const Instant begun = clock.now_monotonic();
  const auto done = co_await (*callee)->call(&answer);
  co_return show_outcome(plan, done, answer, clock.now_monotonic() - begun, format, terminal);
}

Exit call(Arguments<CallOptions>& given, Terminal& terminal) {
  auto plan = make_plan(given.positional, given.options);
  if (!plan) {
    terminal.complain(plan.error().to_string());
    return Exit::wrong_usage;
  }
  return run_on_shard(call_once(*plan, given.options.output, terminal));
}

constexpr std::string_view kAbout =
    "Calls a method and prints its result as JSON.\n\n"
    "  sofa call 127.0.0.1:12200 com.acme.Hello.hello '[\"world\"]'\n"
    "  sofa call bolt://127.0.0.1:12200 'com.acme.Users:1.0:blue.find(long,java.util.List<String>)' '[7, [\"a\", \"b\"]]'\n\n"
    "ARGUMENTS is a JSON list with one item for each parameter, '-' reads it from standard input. Without types in the method's name they are "
    "guessed "
    "from the arguments.";

}  // namespace

Command call_command() {
  return command<CallOptions, call>({.name = "call",
                                     .usage = "TARGET SERVICE.METHOD [ARGUMENTS]",
                                     .summary = "calls a method of a service and prints its result",
                                     .about = kAbout,
                                     .least = 2,
                                     .most = 3});
}

}  // namespace sofa::tool
