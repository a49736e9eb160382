#include "sofa/rpc/detail/dubbo_text.h"

#include <set>

#include "sofa/base/json.h"
#include "sofa/base/text.h"
#include "sofa/rpc/detail/json_codec.h"

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kHelp =
    "ls                       services\r\n"
    "ls SERVICE               its methods\r\n"
    "invoke SERVICE.method(arguments as JSON, commas between)\r\n"
    "exit";
constexpr Duration kTimeout = std::chrono::seconds(10);

/// "com.acme.Hello" names "com.acme.Hello:1.0".
bool is_named(std::string_view service, std::string_view name) {
  return service == name || (service.starts_with(name) && service.size() > name.size() && service[name.size()] == ':');
}

void add_line(std::string& out, std::string_view line) {
  if (!out.empty()) out += "\r\n";
  out += line;
}

std::string list_services(const ServiceTable& services) {
  std::string out;
  std::set<std::string_view> seen;
  for (const auto& entry : services.entries()) {
    if (entry->is_there() && seen.insert(entry->service).second) add_line(out, entry->service);
  }
  return out;
}

std::string list_methods(const ServiceTable& services, std::string_view name) {
  std::string out;
  for (const auto& entry : services.entries()) {
    if (!entry->is_there() || !is_named(entry->service, name) || entry->method->kind() != MethodKind::unary) continue;
    const Type* result = entry->method->shape().result.type;
    add_line(out, fmt::format("{} {}({})", result == nullptr ? "void" : java_type_of(*result), entry->method->name(),
                              fmt::join(entry->method->signatures(), ", ")));
  }
  return out.empty() ? fmt::format("no service {}; 'ls' lists them", name) : out;
}

/// A call whose arguments and result are JSON.
class TextCall final : public ServerCall {
 public:
  TextCall(const MethodEntry& entry, std::string_view arguments, Counters& counters, CallTimer timer)
      : ServerCall(std::move(timer)), entry_(entry), arguments_(arguments), counters_(counters) {}

  Context& context() override { return context_; }
  std::string& text() { return text_; }

 private:
  bool read(void* const* into) override {
    const MethodShape& shape = entry_.method->shape();
    if (shape.result.protobuf != nullptr) return refuse("the method takes protobuf messages, which have no text here");
    const std::string list = shape.arguments.size() == 1 ? std::string(arguments_) : fmt::format("[{}]", arguments_);
    const auto done = read_json_arguments(list, shape, into);
    return done ? true : refuse(done.error().to_string());
  }
  bool refuse(std::string sentence) {
    counters_.refused.add();
    text_ = std::move(sentence);
    return false;
  }
  std::optional<Code> send(const void* result) override {
    const Type* type = entry_.method->shape().result.type;
    auto text = result == nullptr || type == nullptr ? Result<std::string>("null") : to_json(*type, result);
    text_ = "result: " + (text ? *text : text.error().to_string());
    if (text) return std::nullopt;
    counters_.errors.add();
    return Code::internal;
  }
  std::optional<Code> send(Error error) override {
    counters_.errors.add();
    const auto* thrown = error.detail<JavaException>();
    text_ = "failed: " + (thrown != nullptr ? thrown->to_string() : error.to_string());
    return error.code();
  }

  const MethodEntry& entry_;
  const std::string_view arguments_;
  Counters& counters_;
  Context context_;
  std::string text_;
};

struct Named {
  const MethodEntry* entry = nullptr;
  std::string_view arguments{};
  std::string problem{};
};

Named find_named(const ServiceTable& services, std::string_view text) {
  const size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')')) return {.problem = "write invoke SERVICE.method(arguments as JSON)"};
  const std::string_view name = trimmed(text.substr(0, open), " ");
  const std::string_view arguments = text.substr(open + 1, text.size() - open - 2);
  const size_t dot = name.rfind('.');
  const std::string_view method = dot == std::string_view::npos ? name : name.substr(dot + 1);
  const std::string_view service = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
  std::string in_list;
  in_list.append("[").append(arguments).append("]");
  for (const auto& entry : services.entries()) {
    if (entry->method->name() != method || (!service.empty() && !is_named(entry->service, service))) continue;
    const MethodEntry* found = services.find_for_json(entry->service, method, in_list);
    if (found != nullptr) return {found, arguments};
  }
  return {.problem = fmt::format("no service has a method {} with such arguments; 'ls SERVICE' lists methods", name)};
}

Task<std::string> invoke(ShardServer& server, std::string_view text, const io::Address& peer) {
  const Named named = find_named(server.services(), text);
  if (named.entry == nullptr) {
    server.counters().refused.add();
    co_return named.problem;
  }
  server.counters().calls.add();
  const io::Shard& shard = io::Shard::current();
  const Deadline deadline = deadline_after(shard.now(), kTimeout);
  TextCall call(*named.entry, named.arguments, server.counters(), server.begin_call(*named.entry, CallProtocol::dubbo, {}));
  const auto place = server.take_place();
  if (!place) {
    call.timer().end(Code::resource_exhausted);
    co_return std::string(kFull);
  }
  ServerCallAccess::fill(call.context(), named.entry->service, named.entry->method->name(), peer, deadline, false, {});
  io::Scope scope(&co_await io::current_scope(), nullptr, deadline);
  const Instant begun = shard.clock().now_monotonic();
  co_await server.serve(call, *named.entry, scope);
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(shard.clock().now_monotonic() - begun);
  co_return fmt::format("{}\r\nelapsed: {} ms.", call.text(), elapsed.count());
}

}  // namespace

Task<std::string> run_text_command(ShardServer& server, std::string line, io::Address peer) {
  const std::string_view text = trimmed(line, " ");
  const size_t space = std::min(text.find(' '), text.size());
  const std::string_view verb = text.substr(0, space), rest = trimmed(text.substr(space), " ");
  if (verb == "invoke") co_return co_await invoke(server, rest, peer);
  if (verb == "ls") co_return rest.empty() || rest == "-l" ? list_services(server.services()) : list_methods(server.services(), rest);
  if (verb.empty()) co_return std::string();
  if (verb == "help") co_return std::string(kHelp);
  co_return fmt::format("unknown command '{}'\r\n{}", verb.substr(0, 40), kHelp);
}

}  // namespace sofa::rpc::detail
