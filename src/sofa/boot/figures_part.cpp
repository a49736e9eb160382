#include "sofa/boot/figures_part.h"

#include "sofa/boot/detail/published.h"

namespace sofa::boot {

namespace {

struct FiguresRow {
  std::string state{};
  double cpu_cores = 0;
  int64_t memory_bytes = 0, connections = 0, services = 0;
  double calls_per_second = 0, errors_per_second = 0;
  int64_t p50_us = 0, p99_us = 0;
  std::vector<double> history{};
  int64_t configured = 0;
  std::vector<std::string> configured_last{};
  static void describe(Description<FiguresRow>& d) {
    d.java_type("sofa.Figures");
    d.field("state", &FiguresRow::state).doc("starting, ready, refusing (a check fails), draining");
    d.field("cpu_cores", &FiguresRow::cpu_cores).doc("processors in use over the last 10 seconds");
    d.field("memory_bytes", &FiguresRow::memory_bytes).unit("bytes").doc("in main memory");
    d.field("connections", &FiguresRow::connections).doc("open ones of the services' ports");
    d.field("services", &FiguresRow::services).doc("that are published");
    d.field("calls_per_second", &FiguresRow::calls_per_second).doc("over the last 10 seconds, as the next three");
    d.field("errors_per_second", &FiguresRow::errors_per_second);
    d.field("p50_us", &FiguresRow::p50_us).unit("us").doc("half of the calls did not take longer, within 6 %; 0: there were none");
    d.field("p99_us", &FiguresRow::p99_us).unit("us");
    d.field("history", &FiguresRow::history).doc("calls a second, one value a second, the last 60, oldest first");
    d.field("configured", &FiguresRow::configured).doc("how often the configuration has changed since the start");
    d.field("configured_last", &FiguresRow::configured_last).doc("the keys that changed the last time");
  }
};

std::string_view state_of(const ReadinessState& state) {
  if (state.refusing) return "draining";
  if (!state.decided) return "starting";
  return state.accepts_traffic() ? "ready" : "refusing";
}

FiguresRow figures_of(RunningApplication& application, const Sampler& sampler) {
  CallRates rates = sampler.calls().rates({});
  const Configuration::Changes& changes = application.configuration().changes();
  return {.state = std::string(state_of(*application.readiness().state())),
          .cpu_cores = sampler.cpu_cores(),
          .memory_bytes = sampler.resident_bytes(),
          .connections = static_cast<int64_t>(sampler.connections()),
          .services = static_cast<int64_t>(detail::published(application).size()),
          .calls_per_second = rates.calls_per_second,
          .errors_per_second = rates.errors_per_second,
          .p50_us = static_cast<int64_t>(rates.p50_ns / 1000),
          .p99_us = static_cast<int64_t>(rates.p99_ns / 1000),
          .history = std::move(rates.history),
          .configured = static_cast<int64_t>(changes.times),
          .configured_last = changes.last};
}

}  // namespace

void FiguresPart::add_to(admin::Routes& routes) {
  routes
      .get("GetFigures", "/v1/figures", "figures:read",
           [this]() -> io::Task<Result<FiguresRow>> {
             return io::on(home_, [this]() -> io::Task<Result<FiguresRow>> { co_return figures_of(application_, sampler_); });
           })
      .doc("How the application does, in few numbers.");
}

}  // namespace sofa::boot
