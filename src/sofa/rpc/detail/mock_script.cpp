#include "sofa/rpc/detail/mock_script.h"

#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/shape.h"
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

/// The URLs of a list of providers, as cluster::parse_provider_list separates them.
std::vector<std::string> urls_of(std::string_view list) {
  std::vector<std::string> urls;
  while (!list.empty()) {
    const size_t end = std::min(list.find_first_of(",;"), list.size());
    if (const size_t begin = list.find_first_not_of(' '); begin < end) urls.emplace_back(list.substr(begin, end - begin));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return urls;
}

std::unexpected<Error> fail_untyped(std::string_view method) {
  return fail(Code::unimplemented, "{}: a mock script gives values of described types alone; use 'return' or a local mock", method);
}

std::string source_of(std::string_view method) { return fmt::format("the mock script of {}", method); }

/// The messages of a script, in order, whatever is written.
class ScriptedStream final : public MessageStream {
 public:
  ScriptedStream(std::string_view method, const Type* type, std::vector<std::string> messages)
      : source_(source_of(method)), type_(type), messages_(std::move(messages)) {}
  Task<Result<bool>> read(void* into) override {
    if (next_ == messages_.size()) co_return false;
    co_await or_return(read_json_value(messages_[next_++], source_, *type_, into));
    co_return true;
  }
  Task<Result<void>> write(void*) override { co_return Result<void>(); }
  Result<void> finish_writes() override { return {}; }

 private:
  const std::string source_;
  const Type* const type_;
  const std::vector<std::string> messages_;
  size_t next_ = 0;
};

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
    mock.providers = urls_of(rest);
  } else {
    return fail(Code::invalid_argument,
                "the mock script '{}' is none of 'return', 'return JSON', 'throw', 'throw CLASS' and 'ask URL', with 'force:' or 'fail:' before it",
                script);
  }
  mock.text = rest;
  return mock;
}

std::unexpected<Error> MockScript::thrown() const {
  if (text.empty()) return sofa::fail(Code::unavailable, "{}", kThrown);
  return fail_java(text, "{}", kThrown);
}

Result<std::vector<std::string_view>> MockScript::messages(const MethodSpec& method) const {
  if (gives_nothing()) return std::vector<std::string_view>();
  if (method.shape.result.type == nullptr) return fail_untyped(method.name);
  if (method.kind == MethodKind::client_streaming) return std::vector<std::string_view>{text};
  auto list = split_json_array(text);
  if (!list)
    return sofa::fail(Code::invalid_argument, R"({}: a method that streams gives a list of its messages, as in ["a", "b"])", source_of(method.name));
  return list;
}

Result<void> MockScript::check(const MethodSpec& method) const {
  if (verb != Verb::give || gives_nothing()) return {};
  std::vector<std::string_view> values{text};
  if (method.kind != MethodKind::unary) {
    auto list = messages(method);
    if (!list) return forward_error(list);
    values = std::move(*list);
  }
  if (method.shape.result.construct == nullptr) return {};  // void
  if (method.shape.result.type == nullptr) return fail_untyped(method.name);
  for (const std::string_view value : values) {
    const Values space(method.shape);
    if (auto read = read_json_value(value, source_of(method.name), *method.shape.result.type, space.result()); !read) return read;
  }
  return {};
}

Result<void> MockScript::play(const CallSpec& spec) const {
  if (verb == Verb::fail) return thrown();
  if (gives_nothing() || spec.oneway) return {};
  if (!spec.typed() || spec.shape->result.type == nullptr) return fail_untyped(spec.method);
  return read_json_value(text, source_of(spec.method), *spec.shape->result.type, spec.result);
}

Result<std::unique_ptr<MessageStream>> MockScript::play_stream(const MethodSpec& method) const {
  if (verb == Verb::fail) return thrown();
  auto list = messages(method);
  if (!list) return forward_error(list);
  return std::make_unique<ScriptedStream>(method.name, method.shape.result.type, std::vector<std::string>(list->begin(), list->end()));
}

}  // namespace sofa::rpc::detail
