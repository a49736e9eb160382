#include "sofa/io/report.h"

#include <mutex>

#include "sofa/base/log.h"

namespace sofa::io {

namespace {
std::mutex sink_mutex;
std::function<void(std::string_view)>& sink() {
  static std::function<void(std::string_view)> function;
  return function;
}
}  // namespace

void report(std::string_view line) {
  static const Logger log{"io"};
  std::lock_guard lock(sink_mutex);
  if (sink()) {
    sink()(line);
  } else {
    log.warn(line);
  }
}

void set_report_sink(std::function<void(std::string_view)> function) {
  std::lock_guard lock(sink_mutex);
  sink() = std::move(function);
}

}  // namespace sofa::io
