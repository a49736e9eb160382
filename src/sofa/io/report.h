#pragma once
// Where the module's few log lines go (a task that failed, a shard that is held, accept backing off).

#include <functional>
#include <string_view>

namespace sofa::io {

/// Writes one line to the sink; any thread. By default that is the log: a warning of the space "io".
void report(std::string_view line);
/// Replaces the sink (null restores the log). Set it before shards run, or in tests while nothing reports.
void set_report_sink(std::function<void(std::string_view)> sink);

}  // namespace sofa::io
