#pragma once
// What a command reads: a text of the command line, or standard input.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sofa/base/error.h"
#include "sofa/io/task.h"

namespace sofa::tool {

/// Read once, from its begin to its end, on a shard. Standard input is waited for on a pool, so that the shard goes on and signals are obeyed.
class Input {
 public:
  static constexpr size_t kMost = size_t{64} << 20;  // bytes of a line, or of all

  /// "-" is standard input.
  explicit Input(std::string_view argument);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  /// The next line that is not blank, without its end; nothing after the last one. Errors: resource_exhausted, cancelled.
  io::Task<Result<std::optional<std::string>>> line();
  /// What is read so far, up to the first byte that is not blank or further; nothing is taken. Waits for that byte.
  io::Task<Result<std::string_view>> peek();
  /// All that is left.
  io::Task<Result<std::string>> rest();

 private:
  io::Task<Result<void>> read_more();

  std::string read_;  // and not yet given
  bool ended_;
  const std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);  // whoever waits for standard input may give up
};

}  // namespace sofa::tool
