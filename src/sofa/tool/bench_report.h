#pragma once
// The figures of `sofa bench`, for people and as JSON.

#include <span>
#include <string>

#include "sofa/load/load.h"
#include "sofa/tool/terminal.h"

namespace sofa::tool {

struct BenchFigures {
  std::string target;
  std::string_view unit;  ///< what is counted: "calls" or "messages"
  load::LoadReport report;
};

/// A table with a row for each, the ratios of the second to the first, and the errors by kind.
std::string figures_text(std::span<const BenchFigures> all, const Terminal& terminal);
/// {"runs": [{"target": ..., "unit": "calls", "calls": ..., "seconds": ..., "rate": ..., "mean_us": ..., "p50_us": ..., "p90_us", "p99_us",
/// "p999_us", "max_us",
///  "errors": {"deadline_exceeded": 3}, "first_error": "...", "unsent": 0}], "ratios": {"rate": ..., "p50_us": ...}}; ratios of two runs alone.
std::string figures_json(std::span<const BenchFigures> all);
/// One line: time, rate, latencies, errors, and the latencies from 10 us to 10 s as bars.
std::string progress_line(const BenchFigures& figures);

}  // namespace sofa::tool
