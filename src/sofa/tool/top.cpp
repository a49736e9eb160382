// sofa top TARGET

#include "sofa/base/json.h"
#include "sofa/io/scope.h"
#include "sofa/rpc/client.h"
#include "sofa/tool/call_plan.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/local_process.h"
#include "sofa/tool/outcome.h"
#include "sofa/tool/top_view.h"
#include "sofa_rpc/v1/calls.sofa.h"

namespace sofa::tool {

namespace {

namespace pb = rpc::v1;

struct TopOptions : TlsFlags, OutputFlags {
  bool once = false;
  double interval = 1;
  int methods = 20;
  int slowest = 5;
  double timeout = 3;

  static void describe(Description<TopOptions>& d) {
    d.field("once", &TopOptions::once).doc("show what was since the server began, and end");
    d.field("interval", &TopOptions::interval).alias("i").range(0.1L, 3600).unit("seconds").doc("between two snapshots");
    d.field("methods", &TopOptions::methods).alias("n").range(1, 10'000).doc("rows of the table");
    d.field("slowest", &TopOptions::slowest).alias("s").range(1, 1000).doc("slowest calls that are shown");
    d.field("timeout", &TopOptions::timeout).alias("t").range(0.001L, 86'400).unit("seconds").doc("how long the first answer may take");
    d.inherit<OutputFlags>();
    d.inherit<TlsFlags>();
  }
};

void show(const Top& top, const TopOptions& options, Terminal& terminal) {
  if (is_document(options.output)) {
    const auto json = to_json(top);
    return print_document(json ? *json : json.error().to_string(), options.output, terminal);
  }
  const auto most = static_cast<size_t>(options.methods);
  if (options.once) return terminal.print(top_text(top, most, terminal));
  if (!terminal.interactive()) return terminal.print(top_text(top, most, terminal) + "\n");
  // The slowest calls have two lines each; the rest of the screen is the table's.
  const size_t others = 6 + 2 * top.slowest.size(), rows = terminal.size().rows;
  terminal.redraw(top_text(top, std::min(most, rows > others ? rows - others : 1), terminal));
}

io::Task<Result<void>> watch(const Target& target, const TopOptions& options, Terminal& terminal) {
  const Duration patience = seconds(options.timeout);
  rpc::ClientOptions client{.timeout = patience, .connect_timeout = patience};
  client.tls = options.tls_for(target);
  auto calls = co_await io::or_return(rpc::connect<pb::Calls>("grpc://" + target.address, std::move(client)));
  pb::WatchRequest request;
  request.set_interval_ms(static_cast<uint32_t>(options.interval * 1000));
  pb::SlowestRequest most;
  most.set_most(static_cast<uint32_t>(options.slowest));
  auto snapshots = co_await io::or_return(calls->watch(request));
  for (;;) {
    const auto snapshot = co_await io::or_return(io::with_timeout(patience + seconds(options.interval), snapshots.read()));
    if (!snapshot) co_return fail(Code::unavailable, "{} shows no more snapshots", target.address);
    const auto slowest = co_await io::or_return(calls->slowest(most));
    show(make_top(*snapshot, slowest), options, terminal);
    if (options.once) co_return Result<void>();
  }
}

io::Task<Exit> run_top(Target target, const TopOptions& options, Terminal& terminal) {
  const auto done = co_await watch(target, options, terminal);
  if (done) co_return Exit::ok;
  const Exit exit = exit_of(done.error());
  if (exit == Exit::interrupted) co_return exit;
  terminal.complain(error_text(done.error()));
  if (done.error().code() == Code::unimplemented) {
    terminal.note("The server shows no calls: it is no server of this project, or count_calls or show_calls of its ServerOptions is off.");
  }
  co_return exit;
}

/// What stands there, or the services of the process of this machine that has this name.
Result<Target> target_of(const std::string& text, const TlsFlags& flags) {
  if (text.find(':') != std::string::npos) return parse_target(text, flags);
  auto local = local_process(text);
  if (!local) return forward_error(local);
  if (!*local) return parse_target(text, flags);
  if ((*local)->services.empty()) return fail(Code::failed_precondition, "{} has no services that could be watched", (*local)->id());
  return parse_target((*local)->services, flags);
}

Exit top(Arguments<TopOptions>& given, Terminal& terminal) {
  const auto target = target_of(given.positional.at(0), given.options);
  if (!target) {
    terminal.complain(target.error().to_string());
    return Exit::wrong_usage;
  }
  return run_on_shard(run_top(*target, given.options, terminal));
}

constexpr std::string_view kAbout =
    "Shows the calls of a running server of this project, by method: rates, errors, latencies, and in which stages the time goes; then the slowest "
    "calls of "
    "the last minutes. A bar has a letter for each part of the time: arrive, queue, filters, deserialize, implementation, serialize; for a "
    "client's calls "
    "choose, connect, wait, too.\n\n"
    "  sofa top 127.0.0.1:12200\n"
    "  sofa top bank-gateway                 a process of this machine, by its name in `sofa status`\n"
    "  sofa top 127.0.0.1:12200 --once -o json | jq '.methods[] | {method, p99_us}'\n\n"
    "With -o json there is a line for each snapshot, with -o yaml a document. Servers show it to peers of their own machine alone, unless "
    "ServerOptions::show_calls says otherwise.";

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
