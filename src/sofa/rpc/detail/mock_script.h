#pragma once
// What answers a call in place of a provider, by a script (ClientOptions::mock_scripts). Pure.

#include <string>
#include <string_view>

#include "sofa/base/error.h"
#include "sofa/rpc/detail/attempt.h"

namespace sofa::rpc::detail {

struct MockScript {
  enum class Verb : uint8_t { give, fail, ask };
  bool always = false;  // else when no provider could answer
  Verb verb = Verb::give;
  std::string text{};  // JSON; a Java class; a direct URL. Empty: the result's default; a plain error

  /// Errors: invalid_argument with the script and the words that there are.
  static Result<MockScript> parse(std::string_view script);
  /// Gives the result, or the error, of the verbs that ask nobody.
  Result<void> play(const CallSpec& spec) const;
};

}  // namespace sofa::rpc::detail
