#include "sofa/boot/figures_part.h"

#include "sofa/boot/detail/published.h"
#include "sofa/boot/figures.h"

namespace sofa::boot {

namespace {

std::string_view state_of(const ReadinessState& state) {
  if (state.refusing) return "draining";
  if (!state.decided) return "starting";
  return state.accepts_traffic() ? "ready" : "refusing";
}

Figures figures_of(RunningApplication& application, const Sampler& sampler) {
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
           [this]() -> io::Task<Result<Figures>> {
             return io::on(home_, [this]() -> io::Task<Result<Figures>> { co_return figures_of(application_, sampler_); });
           })
      .doc("How the application does, in few numbers.");
}

}  // namespace sofa::boot
