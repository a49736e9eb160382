// sofa top TARGET

#include "sofa/base/json.h"
#include "sofa/io/scope.h"
#include "sofa/rpc/client.h"
#include "sofa/tool/call_plan.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/outcome.h"
#include "sofa/tool/top_view.h"
#include "sofa_rpc/v1/calls.sofa.h"

namespace sofa::tool {

namespace {

namespace pb = rpc::v1;

struct TopOptions {
  bool once = false;
  double interval = 1;
  int methods = 20;
  int slowest = 5;
  double timeout = 3;
  OutputFormat output = OutputFormat::text;

  static void describe(Description<TopOptions>& d) {
    d.field("once", &TopOptions::once).doc("show what was since the server began, and end");
    d.field("interval", &TopOptions::interval).alias("i").range(0.1L, 3600).unit("seconds").doc("between two snapshots");
    d.field("methods", &TopOptions::methods).alias("n").range(1, 10'000).doc("rows of the table");
    d.field("slowest", &TopOptions::slowest).alias("s").range(1, 1000).doc("slowest calls that are shown");
    d.field("timeout", &TopOptions::timeout).alias("t").range(0.001L, 86'400).unit("seconds").doc("how long the first answer may take");
    d.field("output", &TopOptions::output).alias("o").doc("how it is printed; json: one line for each snapshot");
  }
};

void show(const Top& top, const TopOptions& options, Terminal& terminal) {
  constexpr std::string_view kHomeAndClear = "\x1b[H\x1b[2J";
  if (options.output == OutputFormat::json) {
    const auto json = to_json(top);
    return terminal.print_line(json ? *json : json.error().to_string());
  }
  const bool redraw = terminal.interactive() && !options.once;
  terminal.print((redraw ? std::string(kHomeAndClear) : std::string()) + top_text(top, static_cast<size_t>(options.methods), terminal) +
                 (redraw || options.once ? "" : "\n"));
}

io::Task<Result<void>> watch(const std::string& address, const TopOptions& options, Terminal& terminal) {
  const Duration patience = seconds(options.timeout);
  auto calls = co_await io::or_return(rpc::connect<pb::Calls>("grpc://" + address, {.timeout = patience, .connect_timeout = patience}));
  pb::WatchRequest request;
  request.set_interval_ms(static_cast<uint32_t>(options.interval * 1000));
  pb::SlowestRequest most;
  most.set_most(static_cast<uint32_t>(options.slowest));
  auto snapshots = co_await io::or_return(calls->watch(request));
  for (;;) {
    const auto snapshot = co_await io::or_return(io::with_timeout(patience + seconds(options.interval), snapshots.read()));
    if (!snapshot) co_return fail(Code::unavailable, "{} shows no more snapshots", address);
    const auto slowest = co_await io::or_return(calls->slowest(most));
    show(make_top(*snapshot, slowest), options, terminal);
    if (options.once) co_return Result<void>();
  }
}

io::Task<Exit> run_top(std::string address, const TopOptions& options, Terminal& terminal) {
  const auto done = co_await watch(address, options, terminal);
  if (done) co_return Exit::ok;
  const Exit exit = exit_of(done.error());
  if (exit == Exit::interrupted) co_return exit;
  terminal.complain(error_text(done.error()));
  if (done.error().code() == Code::unimplemented) {
    terminal.note("The server shows no calls: it is no server of this project, or count_calls or show_calls of its ServerOptions is off.");
  }
  co_return exit;
}

Exit top(Arguments<TopOptions>& given, Terminal& terminal) {
  const auto target = Target::parse(given.positional.at(0));
  if (!target) {
    terminal.complain(target.error().to_string());
    return Exit::wrong_usage;
  }
  if (target->secure) {
    terminal.complain(
        fmt::format("'{}' asks for TLS, which 'sofa top' does not speak yet; name the server as {}", given.positional.at(0), target->address));
    return Exit::wrong_usage;
  }
  return run_on_shard(run_top(target->address, given.options, terminal));
}

constexpr std::string_view kAbout =
    "Shows the calls of a running server of this project, by method: rates, errors, latencies, and in which stages the time goes; then the slowest "
    "calls of "
    "the last minutes. A bar has a letter for each part of the time: arrive, queue, filters, deserialize, implementation, serialize; for a "
    "client's calls "
    "choose, connect, wait, too.\n\n"
    "  sofa top 127.0.0.1:12200\n"
    "  sofa top 127.0.0.1:12200 --once -o json | jq '.methods[] | {method, p99_us}'\n\n"
    "Servers show it to peers of their own machine alone, unless ServerOptions::show_calls says otherwise.";

}  // namespace

Command top_command() {
  return command<TopOptions, top>({.name = "top",
                                   .usage = "TARGET",
                                   .summary = "shows the calls of a running server, live: rates, latencies, stages, the slowest",
                                   .about = kAbout,
                                   .least = 1,
                                   .most = 1});
}

}  // namespace sofa::tool
