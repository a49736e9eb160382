#include "sofa/rpc/detail/mock_script.h"

#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/exception.h"
#include "sofa/rpc/providers.h"

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kThrown = "a mock throws in place of the service";

/// Takes a word off the front, with the blanks behind it; a longer one that begins like it is another.
bool take(std::string_view& text, std::string_view word) {
  const bool ends_there = word.ends_with(':') || text.size() == word.size() || text.substr(0, word.size() + 1).ends_with(' ');
  if (!text.starts_with(word) || !ends_there) return false;
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return true;
}

}  // namespace

Result<MockScript> MockScript::parse(std::string_view script) {
  MockScript mock;
  std::string_view rest = script;
  mock.always = take(rest, "force:");
  if (!mock.always) take(rest, "fail:");
  if (take(rest, "return")) {
    mock.verb = Verb::give;
  } else if (take(rest, "throw")) {
    mock.verb = Verb::fail;
  } else if (take(rest, "ask")) {
    mock.verb = Verb::ask;
    if (auto providers = parse_providers(rest); !providers) return forward_error(providers);
  } else {
    return fail(Code::invalid_argument,
                "the mock script '{}' is none of 'return', 'return JSON', 'throw', 'throw CLASS' and 'ask URL', with 'force:' or 'fail:' before it",
                script);
  }
  mock.text = rest;
  return mock;
}

Result<void> MockScript::play(const CallSpec& spec) const {
  if (verb == Verb::fail) {
    if (text.empty()) return sofa::fail(Code::unavailable, "{}", kThrown);
    return fail_java(text, "{}", kThrown);
  }
  if (text.empty() || text == "null" || spec.oneway) return {};
  if (!spec.typed() || spec.shape->result.type == nullptr) {
    return sofa::fail(Code::unimplemented, "{}: a mock script gives values of described types alone; use 'return' or a local mock", spec.method);
  }
  return read_json_value(text, "mock script", *spec.shape->result.type, spec.result);
}

}  // namespace sofa::rpc::detail
