#pragma once
// One method of one server, ready to be called: what the protocols have in common for a caller that knows no types.

#include <memory>
#include <string>
#include <string_view>

#include "sofa/io/task.h"
#include "sofa/tool/call_plan.h"

namespace sofa::tool {

/// What an answer brought.
struct Answer {
  std::string json{};                                          ///< the result
  std::vector<std::pair<std::string, std::string>> headers{};  ///< of the answer
  std::vector<std::pair<std::string, std::string>> baggage{};
};

/// Belongs to the shard that opened it.
class Callee {
 public:
  virtual ~Callee() = default;
  /// Connects, and reads the plan's arguments. Errors: unavailable, invalid_argument.
  static io::Task<Result<std::unique_ptr<Callee>>> open(const CallPlan& plan);
  /// One call with the plan's arguments. `answer` may be null: then nothing is made of the result. It must outlive the call.
  virtual io::Task<Result<void>> call(Answer* answer) = 0;
};

/// Over Bolt, by Java signature.
io::Task<Result<std::unique_ptr<Callee>>> open_generic(const CallPlan& plan);

}  // namespace sofa::tool
