// cluster-picks FILE: what sofa/cluster picks and finds for the cases of a JSON file, as java/src/sofa/interop/ClusterPicks.java does it with
// SOFARPC's own classes. Prints
//   picks NAME INDEX...                                        the provider of each call
//   trace NAME WINDOW INDEX:STATE:CALLS:RATE:AVERAGE... | WEIGHT...   what a window found, rates in hundredths, and all weights after it

#include <fstream>
#include <iterator>

#include "sofa/base/json.h"
#include "sofa/cluster/balancer.h"
#include "sofa/cluster/fault_tolerance.h"

namespace {

using namespace sofa;
using namespace std::chrono_literals;

const WallTime kStart(std::chrono::hours(24 * 365 * 50));

struct ProviderCase {
  std::string host;
  int32_t port = 0, weight = 0;
  std::string warm_up = "none";  // "none", "running", "over"
  int32_t warm_up_weight = 0;
  int32_t warm_until = -1;  // traces: the window that finds it warm
  static auto describe(Description<ProviderCase>& d) {
    d.field("host", &ProviderCase::host);
    d.field("port", &ProviderCase::port);
    d.field("weight", &ProviderCase::weight);
    d.field("warm_up", &ProviderCase::warm_up);
    d.field("warm_up_weight", &ProviderCase::warm_up_weight);
    d.field("warm_until", &ProviderCase::warm_until);
  }
};

struct CallCase {
  std::string app, method;
  std::optional<std::string> argument;
  static auto describe(Description<CallCase>& d) {
    d.field("app", &CallCase::app);
    d.field("method", &CallCase::method);
    d.field("argument", &CallCase::argument);
  }
};

struct PickCase {
  std::string name, balancer, own_host;
  std::vector<ProviderCase> providers;
  std::vector<CallCase> calls;
  int32_t rounds = 1;  // of all calls
  static auto describe(Description<PickCase>& d) {
    d.field("name", &PickCase::name);
    d.field("balancer", &PickCase::balancer);
    d.field("own_host", &PickCase::own_host);
    d.field("providers", &PickCase::providers);
    d.field("calls", &PickCase::calls);
    d.field("rounds", &PickCase::rounds);
  }
};

struct OptionsCase {
  bool degrade_effective = true;
  int64_t least_window_count = 10;
  double multiple = 6, degrade_rate = 0.05, recover_rate = 2;
  int32_t degrade_least_weight = 1, degrade_max_ip_count = 2;
  static auto describe(Description<OptionsCase>& d) {
    d.field("degrade_effective", &OptionsCase::degrade_effective);
    d.field("least_window_count", &OptionsCase::least_window_count);
    d.field("multiple", &OptionsCase::multiple);
    d.field("degrade_rate", &OptionsCase::degrade_rate);
    d.field("recover_rate", &OptionsCase::recover_rate);
    d.field("degrade_least_weight", &OptionsCase::degrade_least_weight);
    d.field("degrade_max_ip_count", &OptionsCase::degrade_max_ip_count);
  }
};

struct TraceCase {
  std::string name;
  OptionsCase options;
  std::vector<ProviderCase> providers;
  /// For each window and provider: calls that end well, time out, meet a busy server, or fail otherwise.
  std::vector<std::vector<std::vector<int32_t>>> windows;
  static auto describe(Description<TraceCase>& d) {
    d.field("name", &TraceCase::name);
    d.field("options", &TraceCase::options);
    d.field("providers", &TraceCase::providers);
    d.field("windows", &TraceCase::windows);
  }
};

struct Cases {
  std::vector<PickCase> picks;
  std::vector<TraceCase> traces;
  static auto describe(Description<Cases>& d) {
    d.field("picks", &Cases::picks);
    d.field("traces", &Cases::traces);
  }
};

/// The moment at which window n ends.
WallTime end_of(int window) { return kStart + (window + 1) * 1s; }

cluster::Provider provider_of(const ProviderCase& from) {
  cluster::Provider provider{.address = io::Address::of(from.host, static_cast<uint16_t>(from.port)), .weight = from.weight};
  if (from.warm_up == "none") return provider;
  provider.warm_up = {.start = kStart - (from.warm_up == "over" ? 2h : 0h), .length = 1h, .weight = from.warm_up_weight};
  if (from.warm_until >= 0) provider.warm_up.length = end_of(from.warm_until) - 500ms - kStart;
  return provider;
}

Result<void> print_picks(const PickCase& one) {
  auto balancer = cluster::make_balancer(one.balancer, Random(system_seed()), {.own_hosts = {one.own_host}});
  if (!balancer) return forward_error(balancer);
  std::vector<cluster::Provider> providers;
  std::vector<int> weights;
  for (const ProviderCase& from : one.providers) {
    providers.push_back(provider_of(from));
    weights.push_back(providers.back().weight_at(kStart));
  }
  fmt::print("picks {}", one.name);
  for (size_t i = 0; i < one.calls.size() * static_cast<size_t>(one.rounds); ++i) {
    const CallCase& call = one.calls[i % one.calls.size()];
    cluster::PickKey key{.interface = "com.acme.Service", .method = call.method, .target_app = call.app};
    if (call.argument) key.first_argument = *call.argument;
    fmt::print(" {}", (*balancer)->pick({providers, weights, 1}, key));
  }
  fmt::print("\n");
  return {};
}

std::string_view state_name(cluster::Measure::State state) {
  switch (state) {
    case cluster::Measure::State::ignored:
      return "ignore";
    case cluster::Measure::State::healthy:
      return "health";
    case cluster::Measure::State::abnormal:
      return "abnormal";
  }
  return "?";
}

cluster::FaultToleranceOptions options_of(const OptionsCase& from) {
  return {.regulation_effective = true,
          .degrade_effective = from.degrade_effective,
          .time_window = 1,
          .least_window_count = from.least_window_count,
          .least_window_exception_rate_multiple = from.multiple,
          .weight_degrade_rate = from.degrade_rate,
          .weight_recover_rate = from.recover_rate,
          .degrade_least_weight = from.degrade_least_weight,
          .degrade_max_ip_count = from.degrade_max_ip_count};
}

void record(cluster::FaultTolerance& fault_tolerance, const cluster::Provider& provider, const std::vector<int32_t>& ends) {
  for (size_t end = 0; end < ends.size(); ++end) {
    for (int32_t n = 0; n < ends[end]; ++n) fault_tolerance.record(provider, end == 1 || end == 2);
  }
}

void print_trace(const TraceCase& trace) {
  cluster::FaultTolerance fault_tolerance(options_of(trace.options));
  std::vector<cluster::Provider> providers;
  for (const ProviderCase& from : trace.providers) providers.push_back(provider_of(from));
  for (size_t window = 0; window < trace.windows.size(); ++window) {
    const WallTime now = end_of(static_cast<int>(window));
    for (size_t i = 0; i < providers.size(); ++i) record(fault_tolerance, providers[i], trace.windows[window][i]);
    fmt::print("trace {} {}", trace.name, window);
    for (const cluster::Measure& found : fault_tolerance.tick(now)) {
      const auto index = std::ranges::find(providers, found.address, &cluster::Provider::address) - providers.begin();
      fmt::print(" {}:{}:{}:{}:{}", index, state_name(found.state), found.calls, std::lround(found.rate * 100), std::lround(found.average * 100));
    }
    fmt::print(" |");
    for (const cluster::Provider& provider : providers) fmt::print(" {}", fault_tolerance.weight_of(provider, now));
    fmt::print("\n");
  }
}

Result<void> run(const char* path) {
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto cases = from_json<Cases>(text, {.source = path});
  if (!cases) return forward_error(cases);
  for (const PickCase& one : cases->picks) {
    if (auto printed = print_picks(one); !printed) return printed;
  }
  for (const TraceCase& trace : cases->traces) print_trace(trace);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: cluster-picks FILE\n");
    return 2;
  }
  const auto done = run(argv[1]);
  if (!done) fmt::print(stderr, "{}\n", done.error());
  return done ? 0 : 1;
}
