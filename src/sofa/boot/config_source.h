#pragma once
// ConfigSource: where configuration comes from that changes while the program runs; on top of file, environment and flags (configuration.h).
//
// The application follows one source: each text that it gives is applied, components with changed live fields are asked by their on_config, and a
// text that is refused leaves everything as it was, with one line in the log for each new reason.

#include <memory>
#include <optional>
#include <string>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/io/task.h"

namespace sofa::boot {

/// Belongs to the application's shard.
class ConfigSource {
 public:
  virtual ~ConfigSource() = default;
  /// For origins and messages.
  virtual std::string name() const = 0;
  /// Waits until the text is another than the one given last, the first time for the first text, and gives it whole. An error when it cannot be had,
  /// once until the reason changes; then it may be called again. Ends with an error when its scope is cancelled.
  virtual io::Task<Result<std::string>> next() = 0;
};

/// A YAML file that is looked at every `period` of the shard's clock: rewritten in place, renamed over, or a link that points elsewhere. A file that
/// goes away is an error, and its values stay. At most 1 MiB.
std::unique_ptr<ConfigSource> watched_file(std::string path, Duration period = std::chrono::seconds(1));

}  // namespace sofa::boot
