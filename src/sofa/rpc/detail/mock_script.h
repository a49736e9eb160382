#pragma once
// What answers a call in place of a provider, by a script (ClientOptions::mock_scripts). Pure.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/rpc/detail/attempt.h"
#include "sofa/rpc/streaming.h"

namespace sofa::rpc::detail {

struct MockScript {
  enum class Verb : uint8_t { give, fail, ask };
  bool always = false;  // else when no provider could answer
  Verb verb = Verb::give;
  std::string text{};                    // JSON; a Java class. Empty: the result's default, or no messages; a plain error
  std::vector<std::string> providers{};  // direct URLs that are asked in turn until one answers

  /// Errors: invalid_argument with the script and the words that there are.
  static Result<MockScript> parse(std::string_view script);
  /// Whether the method can give what the script says. Errors: invalid_argument with the place in the JSON; unimplemented for a protobuf message.
  Result<void> check(const MethodSpec& method) const;
  /// Gives the result, or the error, of the verbs that ask nobody.
  Result<void> play(const CallSpec& spec) const;
  /// Gives a stream whose server's messages are those of the script, and which takes whatever is written; or the error.
  Result<std::unique_ptr<MessageStream>> play_stream(const MethodSpec& method) const;

 private:
  std::unexpected<Error> thrown() const;
  bool gives_nothing() const { return text.empty() || text == "null"; }
  /// Of a method that streams: the JSON of each of its server's messages.
  Result<std::vector<std::string_view>> messages(const MethodSpec& method) const;
};

}  // namespace sofa::rpc::detail
