#include "sofa/boot/figures.h"

namespace sofa::boot {

void Figures::describe(Description<Figures>& d) {
  d.java_type("sofa.Figures");
  d.field("state", &Figures::state).doc("starting, ready, refusing (a check fails), draining; in the overview also lost (it does not answer)");
  d.field("cpu_cores", &Figures::cpu_cores).doc("processors in use over the last 10 seconds");
  d.field("memory_bytes", &Figures::memory_bytes).unit("bytes").doc("in main memory");
  d.field("connections", &Figures::connections).doc("open ones of the services' ports");
  d.field("services", &Figures::services).doc("that are published");
  d.field("calls_per_second", &Figures::calls_per_second).doc("over the last 10 seconds, as the next three");
  d.field("errors_per_second", &Figures::errors_per_second);
  d.field("p50_us", &Figures::p50_us).unit("us").doc("half of the calls did not take longer, within 6 %; 0: there were none");
  d.field("p99_us", &Figures::p99_us).unit("us");
  d.field("history", &Figures::history).doc("calls a second, one value a second, the last 60, oldest first");
  d.field("configured", &Figures::configured).doc("how often the configuration has changed since the start");
  d.field("configured_last", &Figures::configured_last).doc("the keys that changed the last time");
}

}  // namespace sofa::boot
