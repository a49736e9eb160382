#include "sofa/rpc/detail/service_table.h"

#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/request_codec.h"

namespace sofa::rpc::detail {

namespace {

std::string readable(std::string_view joined) {
  std::string text;
  for (std::string_view rest = joined; !rest.empty();) {
    if (!text.empty()) text += ", ";
    text += take_signature(rest);
  }
  return text;
}

/// Methods of Java types are found by Java's names (docs/protocols/triple.md, section 1).
std::string grpc_path(std::string_view unique_name, std::string_view proto_name, const MethodBase& method) {
  if (method.shape().result.protobuf != nullptr) return fmt::format("/{}/{}", proto_name, method.spec()->proto_name());
  return fmt::format("/{}/{}", unique_name.substr(0, unique_name.find(':')), method.name());
}

}  // namespace

uint64_t ServiceTable::hash(std::string_view service, std::string_view method, std::string_view signatures) {
  constexpr uint64_t kMix = 0x9e3779b97f4a7c15;
  const std::hash<std::string_view> text;
  uint64_t h = text(service);
  h = (h ^ (h >> 32)) * kMix + text(method);
  h = (h ^ (h >> 32)) * kMix + text(signatures);
  return h ^ (h >> 29);
}

Result<void> ServiceTable::check(const std::string& unique_name, const MethodBase& method) const {
  if (method.implementation() == nullptr && method.stream_implementation() == nullptr) {
    return fail(Code::failed_precondition, "{}.{} has no implementation; assign a function to it before the server starts", unique_name,
                method.name());
  }
  const MethodShape& shape = method.shape();
  if (method.signatures().size() != shape.arguments.size()) {
    return fail(Code::failed_precondition, "{}.{} has {} arguments but java_types names {}", unique_name, method.name(), shape.arguments.size(),
                method.signatures().size());
  }
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    if (auto owned = check_owned(shape.arguments[i], unique_name, method.name(), fmt::format("argument {}", i + 1)); !owned) return owned;
  }
  if (auto owned = check_owned(shape.result, unique_name, method.name(), "the result"); !owned) return owned;
  const bool protobuf = shape.result.protobuf != nullptr;
  for (const ValueShape& argument : shape.arguments) {
    if ((argument.protobuf != nullptr) != protobuf || (protobuf && shape.arguments.size() != 1)) {
      return fail(Code::failed_precondition, "{}.{}: a protobuf method has exactly one argument and a result, both protobuf messages", unique_name,
                  method.name());
    }
  }
  if (protobuf && shape.arguments.empty()) {
    return fail(Code::failed_precondition, "{}.{}: a protobuf method has exactly one argument, a protobuf message", unique_name, method.name());
  }
  return {};
}

namespace {

/// A name that is none of the service's methods would include or exclude nothing, in silence.
Result<void> check_names(std::string_view service, const Interface& interface, std::span<const std::string> names, std::string_view option) {
  for (const std::string& name : names) {
    const bool known = std::ranges::find(interface.methods(), std::string_view(name), &MethodBase::name) != interface.methods().end();
    if (!known) return fail(Code::failed_precondition, "{} names the method {}, which service {} does not have", option, name, service);
  }
  return {};
}

bool is_served(const ServiceRules& rules, std::string_view method) {
  const bool included = rules.include.empty() || std::ranges::find(rules.include, method) != rules.include.end();
  return included && std::ranges::find(rules.exclude, method) == rules.exclude.end();
}

}  // namespace

Result<void> ServiceTable::add(std::string unique_name, std::shared_ptr<Interface> service, std::string_view proto_name, const ServiceRules& rules) {
  if (by_service_.contains(unique_name)) {
    return fail(Code::already_exists, "service {} was added twice; give one of them a unique_id", unique_name);
  }
  if (auto ok = check_names(unique_name, *service, rules.include, "include"); !ok) return ok;
  if (auto ok = check_names(unique_name, *service, rules.exclude, "exclude"); !ok) return ok;
  for (const MethodBase* method : service->methods()) {
    if (!is_served(rules, method->name())) continue;
    if (auto ok = check(unique_name, *method); !ok) return ok;
    auto entry = std::make_unique<MethodEntry>(MethodEntry{.index = entries_.size(),
                                                           .method = method,
                                                           .service = unique_name,
                                                           .signatures = {},
                                                           .grpc_path = {},
                                                           .filters = rules.filters,
                                                           .since = rules.since});
    if (method->implementation() != nullptr && !method->implementation()->is_coroutine) entry->pool = rules.pool;
    if (!proto_name.empty()) entry->grpc_path = grpc_path(unique_name, proto_name, *method);
    for (std::string_view signature : method->signatures()) append_signature(entry->signatures, jvm_signature(signature));
    if (method->kind() == MethodKind::unary && look_up(unique_name, method->name(), entry->signatures) != nullptr) {
      return fail(Code::already_exists, "{}.{}({}) is declared twice; overloads need different argument types", unique_name, method->name(),
                  readable(entry->signatures));
    }
    entries_.push_back(std::move(entry));
    rebuild();
  }
  by_service_.emplace(std::move(unique_name), Service{std::move(service), rules.since});
  return {};
}

bool ServiceTable::has_service(std::string_view service) const {
  const auto at = by_service_.find(service);
  return at != by_service_.end() && has_come(at->second.since);
}

void ServiceTable::rebuild() {
  size_t size = 8;
  while (size < entries_.size() * 2) size *= 2;
  slots_.assign(size, {});
  for (const auto& entry : entries_) {
    if (entry->method->kind() != MethodKind::unary) continue;  // found by its gRPC path alone
    const uint64_t h = hash(entry->service, entry->method->name(), entry->signatures);
    size_t at = h & (size - 1);
    while (slots_[at].entry != nullptr) at = (at + 1) & (size - 1);
    slots_[at] = {h, entry.get()};
  }
}

const MethodEntry* ServiceTable::look_up(std::string_view service, std::string_view method, std::string_view signatures) const {
  if (slots_.empty()) return nullptr;
  const uint64_t h = hash(service, method, signatures);
  for (size_t at = h & (slots_.size() - 1); slots_[at].entry != nullptr; at = (at + 1) & (slots_.size() - 1)) {
    const MethodEntry& entry = *slots_[at].entry;
    if (slots_[at].hash == h && entry.service == service && entry.method->name() == method && entry.signatures == signatures) return &entry;
  }
  return nullptr;
}

const MethodEntry* ServiceTable::find(std::string_view service, std::string_view method, std::string_view signatures) const {
  const MethodEntry* found = look_up(service, method, signatures);
  if (found == nullptr && signatures.find("[]") != std::string_view::npos) found = look_up(service, method, jvm_signatures(signatures));
  return found != nullptr && found->is_there() ? found : nullptr;
}

std::vector<const MethodEntry*> ServiceTable::overloads(std::string_view service, std::string_view method) const {
  std::vector<const MethodEntry*> found;
  for (const auto& entry : entries_) {
    const bool callable = entry->method->kind() == MethodKind::unary && entry->is_there();
    if (callable && entry->service == service && entry->method->name() == method) found.push_back(entry.get());
  }
  return found;
}

const MethodEntry* ServiceTable::find_by_count(std::string_view service, std::string_view method, size_t arguments) const {
  std::vector<const MethodEntry*> found = overloads(service, method);
  std::erase_if(found, [arguments](const MethodEntry* entry) { return entry->method->shape().arguments.size() != arguments; });
  return found.size() == 1 ? found.front() : nullptr;
}

const MethodEntry* ServiceTable::find_for_json(std::string_view service, std::string_view method, std::string_view content) const {
  const std::vector<const MethodEntry*> found = overloads(service, method);
  if (found.size() == 1) return found.front();
  const auto parts = split_json_array(content);
  return find_by_count(service, method, parts ? parts->size() : 1);
}

}  // namespace sofa::rpc::detail
