#include "sofa/tool/top_view.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace sofa::tool {

namespace {

double microseconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1000; }

template <class Stages>
std::map<std::string, double> stages_of(const Stages& stages, uint64_t calls) {
  std::map<std::string, double> times;
  for (const rpc::v1::StageTime& stage : stages) times[stage.stage()] = microseconds(stage.ns()) / static_cast<double>(std::max<uint64_t>(calls, 1));
  return times;
}

TopMethod make_method(const rpc::v1::Method& row, double seconds) {
  TopMethod method{.side = row.side(), .protocol = row.protocol(), .service = row.service(), .method = row.method()};
  method.running = static_cast<int64_t>(row.running());
  method.calls = static_cast<int64_t>(row.calls());
  method.errors = static_cast<int64_t>(row.errors());
  method.calls_per_second = static_cast<double>(row.calls()) / seconds;
  method.errors_per_second = static_cast<double>(row.errors()) / seconds;
  method.p50_us = microseconds(row.p50_ns());
  method.p99_us = microseconds(row.p99_ns());
  method.max_us = microseconds(row.max_ns());
  method.stages_us = stages_of(row.stages(), row.calls());
  method.total_calls = static_cast<int64_t>(row.total_calls());
  method.total_errors = static_cast<int64_t>(row.total_errors());
  for (const rpc::v1::Status& status : row.statuses()) method.statuses[status.code()] = static_cast<int64_t>(status.calls());
  for (const rpc::v1::Caller& caller : row.callers()) method.callers[caller.app()] = static_cast<int64_t>(caller.calls());
  return method;
}

TopCall make_call(const rpc::v1::SlowCall& slow) {
  return {.side = slow.side(),
          .protocol = slow.protocol(),
          .service = slow.service(),
          .method = slow.method(),
          .app = slow.app(),
          .status = slow.code(),
          .seconds_ago = microseconds(slow.ago_ns()) / 1e6,
          .took_us = microseconds(slow.took_ns()),
          .stages_us = stages_of(slow.stages(), 1)};
}

/// The stages by their share, the longest first: "implementation 81 %, queue 12 %". Those below 1 % are left out.
std::string shares_text(const std::map<std::string, double>& stages_us) {
  std::vector<std::pair<std::string, double>> stages(stages_us.begin(), stages_us.end());
  std::ranges::sort(stages, std::greater(), &std::pair<std::string, double>::second);
  double sum = 0;
  for (const auto& [stage, time] : stages) sum += time;
  std::string text;
  for (const auto& [stage, time] : stages) {
    const double share = std::round(100 * time / std::max(sum, 1e-9));
    if (share >= 1) text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", stage, share);
  }
  return text;
}

std::string methods_text(const Top& top, size_t most, const Terminal& terminal) {
  constexpr size_t kBar = 20;
  std::vector<std::vector<std::string>> rows{{"METHOD", "SIDE", "PROTOCOL", "CALLS/S", "ERRORS/S", "P50", "P99", "MAX", "RUNNING", "STAGES"}};
  for (const TopMethod& method : top.methods) {
    if (rows.size() > most) break;
    rows.push_back({method.service + "." + method.method, method.side, method.protocol, fmt::format("{:.1f}", method.calls_per_second),
                    fmt::format("{:.1f}", method.errors_per_second), duration_text(method.p50_us), duration_text(method.p99_us),
                    duration_text(method.max_us), std::to_string(method.running), stages_bar(method.stages_us, kBar)});
  }
  std::string text = table_text(terminal, rows);
  if (top.methods.size() > most) text += fmt::format("and {} further methods\n", top.methods.size() - most);
  return text;
}

std::string slow_text(const TopCall& call, const Terminal& terminal) {
  constexpr size_t kBar = 40;
  std::string line = fmt::format("{:>9}  {}.{} ({} {})", duration_text(call.took_us), call.service, call.method, call.side, call.protocol);
  if (call.status != "ok") line += ", " + terminal.paint(Colour::red, call.status);
  if (!call.app.empty()) line += ", from " + call.app;
  line += fmt::format(", {:.0f} s ago\n", call.seconds_ago);
  return line + fmt::format("           {}  {}\n", terminal.paint(Colour::cyan, stages_bar(call.stages_us, kBar)), shares_text(call.stages_us));
}

}  // namespace

void TopMethod::describe(Description<TopMethod>& d) {
  d.field("side", &TopMethod::side);
  d.field("protocol", &TopMethod::protocol);
  d.field("service", &TopMethod::service);
  d.field("method", &TopMethod::method);
  d.field("running", &TopMethod::running);
  d.field("calls", &TopMethod::calls);
  d.field("errors", &TopMethod::errors);
  d.field("calls_per_second", &TopMethod::calls_per_second);
  d.field("errors_per_second", &TopMethod::errors_per_second);
  d.field("p50_us", &TopMethod::p50_us);
  d.field("p99_us", &TopMethod::p99_us);
  d.field("max_us", &TopMethod::max_us);
  d.field("stages_us", &TopMethod::stages_us);
  d.field("total_calls", &TopMethod::total_calls);
  d.field("total_errors", &TopMethod::total_errors);
  d.field("statuses", &TopMethod::statuses);
  d.field("callers", &TopMethod::callers);
}

void TopCall::describe(Description<TopCall>& d) {
  d.field("side", &TopCall::side);
  d.field("protocol", &TopCall::protocol);
  d.field("service", &TopCall::service);
  d.field("method", &TopCall::method);
  d.field("app", &TopCall::app);
  d.field("status", &TopCall::status);
  d.field("seconds_ago", &TopCall::seconds_ago);
  d.field("took_us", &TopCall::took_us);
  d.field("stages_us", &TopCall::stages_us);
}

void Top::describe(Description<Top>& d) {
  d.field("seconds", &Top::seconds);
  d.field("methods", &Top::methods);
  d.field("slowest", &Top::slowest);
}

Top make_top(const rpc::v1::Snapshot& snapshot, const rpc::v1::SlowestResponse& slowest) {
  Top top{.seconds = microseconds(snapshot.interval_ns()) / 1e6};
  for (const rpc::v1::Method& row : snapshot.methods()) top.methods.push_back(make_method(row, std::max(top.seconds, 1e-9)));
  std::ranges::sort(top.methods, [](const TopMethod& a, const TopMethod& b) {
    return a.calls != b.calls ? a.calls > b.calls : std::tie(a.service, a.method) < std::tie(b.service, b.method);
  });
  for (const rpc::v1::SlowCall& slow : slowest.calls()) top.slowest.push_back(make_call(slow));
  return top;
}

std::string top_text(const Top& top, size_t most, const Terminal& terminal) {
  int64_t calls = 0, errors = 0, running = 0;
  for (const TopMethod& method : top.methods) {
    if (method.side != "server") continue;
    calls += method.calls;
    errors += method.errors;
    running += method.running;
  }
  std::string text = fmt::format("{:.1f} s: {} calls, {} errors, {} running\n\n", top.seconds, calls, errors, running);
  text += methods_text(top, most, terminal);
  if (top.slowest.empty()) return text;
  text += "\n" + terminal.paint(Colour::bold, "SLOWEST OF THE LAST MINUTES") + "\n";
  for (const TopCall& call : top.slowest) text += slow_text(call, terminal);
  return text;
}

std::string stages_bar(const std::map<std::string, double>& stages_us, size_t width) {
  // In the order in which a call comes to them, on either side.
  static constexpr std::string_view kOrder[] = {"choose",      "connect",        "arrive",    "queue", "filters",
                                                "deserialize", "implementation", "serialize", "wait"};
  double sum = 0;
  for (const auto& [stage, time] : stages_us) sum += time;
  if (sum <= 0) return {};
  std::string bar;
  double passed = 0;
  for (const std::string_view stage : kOrder) {
    const auto found = stages_us.find(std::string(stage));
    if (found == stages_us.end()) continue;
    passed += found->second;
    const auto end = static_cast<size_t>(std::lround(passed / sum * static_cast<double>(width)));
    if (end > bar.size()) bar.append(end - bar.size(), stage[0]);
  }
  return bar;
}

}  // namespace sofa::tool
