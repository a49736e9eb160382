// sofa bench TARGET SERVICE.METHOD [ARGUMENTS]

#include "sofa/io/task_group.h"
#include "sofa/load/load.h"
#include "sofa/rpc/exception.h"
#include "sofa/tool/bench_report.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/outcome.h"

namespace sofa::tool {

namespace {

using namespace std::chrono_literals;

struct BenchOptions : CallFlags, OutputFlags {
  uint32_t callers = 1;
  uint32_t connections = 1;
  double rate = 0;
  double duration = 10;
  double warmup = 1;
  uint32_t messages = 100;
  std::string compare;

  static void describe(Description<BenchOptions>& d) {
    d.inherit<OutputFlags>();
    d.field("callers", &BenchOptions::callers)
        .alias("c")
        .range(1, 100'000)
        .doc("callers, each with one call at a time; with --rate calls at once at most");
    d.field("connections", &BenchOptions::connections).alias("n").range(1, 10'000).doc("used by the callers in turn; http: one a caller");
    d.field("rate", &BenchOptions::rate).alias("r").range(0, 10'000'000).unit("calls/s").doc("sends at this rate; 0: as fast as answers come");
    d.field("duration", &BenchOptions::duration).alias("d").range(0.1L, 86'400).unit("seconds").doc("of measuring, for each target");
    d.field("warmup", &BenchOptions::warmup).alias("w").range(0, 3600).unit("seconds").doc("of calls before, for each target");
    d.field("messages", &BenchOptions::messages)
        .alias("m")
        .range(1, 1'000'000'000)
        .doc("of a call whose caller alone streams; then it is answered and the next one begins");
    d.field("compare", &BenchOptions::compare).doc("a second target, measured in turns with the first");
    d.inherit<CallFlags>();
  }
};

std::string kind_of(const Error& error) {
  const auto* thrown = error.detail<rpc::JavaException>();
  return thrown != nullptr ? thrown->class_name : std::string(to_string(error.code()));
}

/// One target under load.
class Bench {
 public:
  Bench(CallPlan plan, const BenchOptions& options)
      : plan_(std::move(plan)),
        options_(options),
        load_({.callers = options.callers, .rate = options.rate, .kind_of = kind_of},
              [this](uint32_t caller) { return flows_.empty() ? callees_[caller % callees_.size()]->call(nullptr) : flows_[caller]->next(); }) {}

  io::Task<Result<void>> open() {
    for (uint32_t i = 0; i < options_.connections; ++i) {
      Input input(plan_.arguments);
      callees_.push_back(co_await io::or_return(Callee::open(plan_, input)));
    }
    if (!callees_.front()->streams()) co_return Result<void>();
    for (uint32_t caller = 0; caller < options_.callers; ++caller) {
      flows_.push_back(co_await io::or_return(callees_[caller % callees_.size()]->flow(plan_.arguments, options_.messages)));
    }
    co_return Result<void>();
  }
  io::Task<Result<void>> run(Duration time) {
    auto done = co_await load_.run(time);
    for (const auto& flow : flows_) flow->stop();  // what a server has sent ahead is not of the next run
    co_return done;
  }
  io::Task<void> close() {
    flows_.clear();
    for (const auto& callee : callees_) co_await callee->close();
  }

  void forget() { load_.forget(); }
  BenchFigures figures() const { return {plan_.target.to_string(), flows_.empty() ? "calls" : "messages", load_.report()}; }

 private:
  const CallPlan plan_;
  const BenchOptions& options_;
  std::vector<std::unique_ptr<Callee>> callees_;
  std::vector<std::unique_ptr<MessageFlow>> flows_;  // of each caller, when the method streams
  load::Load load_;
};

/// Shows how it goes, five times a second, until it is cancelled.
io::Task<void> show_progress(const Bench& bench, Terminal& terminal) {
  while (co_await io::sleep_for(200ms)) terminal.progress(progress_line(bench.figures()));
}

io::Task<Result<void>> run(Bench& bench, Duration time, Terminal& terminal) {
  io::TaskGroup shown(co_await io::current_scope());
  if (terminal.interactive()) shown.spawn("progress", show_progress(bench, terminal));
  auto done = co_await bench.run(time);
  shown.cancel("the run has ended");
  [[maybe_unused]] const auto joined = co_await shown.join();
  terminal.progress("");
  co_return done;
}

/// Several targets take turns of a second at most, so that what happens on the machine meanwhile happens to all of them.
io::Task<Result<void>> measure(std::span<const std::unique_ptr<Bench>> benches, const BenchOptions& options, Terminal& terminal) {
  for (const auto& bench : benches) {
    if (options.warmup > 0) co_await io::or_return(run(*bench, seconds(options.warmup), terminal));
    bench->forget();
  }
  const Duration whole = seconds(options.duration);
  const auto turns = benches.size() == 1 ? 1 : std::max<int64_t>(2, std::chrono::ceil<std::chrono::seconds>(whole).count());
  for (int64_t turn = 0; turn < turns; ++turn) {
    for (size_t i = 0; i < benches.size(); ++i) {
      const size_t which = turn % 2 == 0 ? i : benches.size() - 1 - i;  // who follows whom changes, too
      co_await io::or_return(run(*benches[which], whole / turns, terminal));
    }
  }
  co_return Result<void>();
}

using Benches = std::vector<std::unique_ptr<Bench>>;

/// Fills `benches` with one for each target; those that are there are to be closed, also after an error.
io::Task<Result<void>> open_all(const CallPlan& plan, const BenchOptions& options, Benches& benches) {
  Input input(plan.arguments);
  CallPlan own = plan;
  own.arguments = co_await io::or_return(input.rest());
  benches.push_back(std::make_unique<Bench>(own, options));
  if (!options.compare.empty()) {
    own.target = co_await io::or_return(Target::parse(options.compare));
    benches.push_back(std::make_unique<Bench>(own, options));
  }
  for (const auto& bench : benches) co_await io::or_return(bench->open());
  co_return Result<void>();
}

io::Task<Exit> run_bench(const CallPlan& plan, const BenchOptions& options, Terminal& terminal) {
  Benches benches;
  auto done = co_await open_all(plan, options, benches);
  const bool misread = !done && done.error().code() == Code::invalid_argument;
  if (done) done = co_await measure(benches, options, terminal);
  std::vector<BenchFigures> figures;
  for (const auto& bench : benches) {
    figures.push_back(bench->figures());
    co_await bench->close();
  }
  if (!done) {
    const Exit exit = show_failure(done.error(), options.output, terminal);
    co_return misread ? Exit::wrong_usage : exit;
  }
  if (is_document(options.output)) {
    print_document(figures_json(figures), options.output, terminal);
  } else {
    terminal.print(figures_text(figures, terminal));
  }
  const bool nothing_answered = std::ranges::any_of(figures, [](const BenchFigures& one) { return one.report.latency.count() == 0; });
  co_return nothing_answered ? Exit::refused : Exit::ok;
}

Exit bench(Arguments<BenchOptions>& given, Terminal& terminal) {
  const auto plan = make_plan(given.positional, given.options);
  if (plan) return run_on_shard(run_bench(*plan, given.options, terminal));
  terminal.complain(plan.error().to_string());
  return Exit::wrong_usage;
}

constexpr std::string_view kAbout = R"(Calls a method over and over and prints rate, latencies and errors.

  sofa bench 127.0.0.1:12200 com.acme.Hello.hello '["world"]' -c 16 -d 10
  sofa bench grpc://127.0.0.1:12200 acme.Greeter.Greet '{"name": "world"}' --rate 5000 -c 64
  sofa bench 127.0.0.1:12200 com.acme.Hello.hello '["world"]' -c 16 --compare 127.0.0.1:12300

Without --rate each caller calls again when its answer has come. With it calls are due at fixed times and a latency counts from then, so that a stall of the
server shows in all the calls that it delays. SERVICE.METHOD and ARGUMENTS are those of 'sofa call'. Of a method that streams messages are counted, each
caller having one call open: a message and its answer where both sides stream, else each message.)";

}  // namespace

Command bench_command() {
  return command<BenchOptions, bench>({.name = "bench",
                                       .usage = "TARGET SERVICE.METHOD [ARGUMENTS]",
                                       .summary = "loads a method of a service and prints rate and latencies",
                                       .about = kAbout,
                                       .least = 2,
                                       .most = 3});
}

}  // namespace sofa::tool
