#pragma once
// How an application does, in few numbers: what GET /v1/figures answers, and what the platform reads there.

#include <string>
#include <vector>

#include "sofa/base/description.h"

namespace sofa::boot {

struct Figures {
  std::string state{};  ///< starting, ready, refusing, draining
  double cpu_cores = 0;
  int64_t memory_bytes = 0, connections = 0, services = 0;
  double calls_per_second = 0, errors_per_second = 0;
  int64_t p50_us = 0, p99_us = 0;
  std::vector<double> history{};  ///< calls a second, one value a second, the last 60, oldest first
  int64_t configured = 0;         ///< how often its configuration has changed since its start
  std::vector<std::string> configured_last{};
  static void describe(Description<Figures>& d);
};

}  // namespace sofa::boot
