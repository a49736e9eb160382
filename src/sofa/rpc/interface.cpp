#include "sofa/rpc/interface.h"

#include "sofa/rpc/detail/caller.h"

namespace sofa::rpc {

Interface::~Interface() {
  if (caller_ != nullptr) caller_->close();  // calls that still run keep the Caller itself
}

void Interface::set_caller(std::shared_ptr<detail::Caller> caller) {
  for (const detail::MethodBase* method : methods_) caller->share(method->spec());
  caller_ = std::move(caller);
}

std::string unique_name(std::string_view interface, const ServiceId& id) {
  std::string name(interface);
  name.append(":").append(id.version);
  if (!id.unique_id.empty()) name.append(":").append(id.unique_id);
  return name;
}

UniqueNameParts split_unique_name(std::string_view name) {
  const auto cut = [&name] {
    const std::string_view part = name.substr(0, name.find(':'));
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    return part;
  };
  const std::string_view interface = cut(), version = cut();
  return {interface, version, name};
}

namespace detail {

MethodBase::MethodBase(Interface* owner, std::string_view name, MethodOptions options, const MethodShape& shape, MethodKind kind)
    : owner_(owner), spec_(std::make_shared<const MethodSpec>(MethodSpec{name, std::move(options), shape, kind})) {
  owner->methods_.push_back(this);
}

CallTarget MethodBase::target() const { return {spec_->name, owner_->caller(), spec_.get()}; }

namespace {

CallSpec spec_of(const CallTarget& target, std::span<const void* const> arguments, void* result) {
  const MethodSpec& method = *target.spec;
  CallSpec spec;
  spec.method = method.name;
  spec.proto_method = method.proto_name();
  spec.timeout = method.options.timeout;
  spec.retries = method.options.retries;
  spec.codec = method.shape.result.protobuf != nullptr ? bolt::kCodecProtobuf : target.caller->options().codec;
  spec.signatures = method.signatures();
  spec.shape = &method.shape;
  spec.arguments = arguments;
  spec.result = result;
  return spec;
}

Error not_connected(std::string_view method) {
  return Error(Code::failed_precondition, fmt::format("{} is called on a service that is not connected; make the client by rpc::connect", method));
}
Task<Result<void>> fail_not_connected(std::string_view method) { co_return std::unexpected(not_connected(method)); }

Task<Result<void>> call_from_elsewhere(std::shared_ptr<Caller> caller, CallSpec spec, CallOptions options) {
  const Context* served = current_call(co_await io::current_scope());  // a scope's context does not cross to another shard by itself
  co_return co_await io::on(caller->shard(), [&] { return Caller::call(caller, spec, std::move(options), served); });
}

}  // namespace

Task<Result<void>> call_from_here(std::shared_ptr<Caller> caller, CallSpec spec, CallOptions options) {
  if (!caller->shard().is_current()) return call_from_elsewhere(std::move(caller), spec, std::move(options));
  return Caller::call(std::move(caller), spec, std::move(options));
}

Task<Result<void>> call(CallTarget target, std::span<const void* const> arguments, void* result, CallOptions options) {
  if (target.caller == nullptr) return fail_not_connected(target.method);
  const CallSpec spec = spec_of(target, arguments, result);
  return call_from_here(std::move(target.caller), spec, std::move(options));
}

Task<Result<void>> call_oneway(CallTarget target, std::span<const void* const> arguments, CallOptions options) {
  if (target.caller == nullptr) return fail_not_connected(target.method);
  CallSpec spec = spec_of(target, arguments, nullptr);
  spec.oneway = true;
  return call_from_here(std::move(target.caller), spec, std::move(options));
}

void start(const CallTarget& target, Task<void> task) { target.caller->start(std::move(task)); }

Result<void> check_connected(const CallTarget& target) {
  if (target.caller == nullptr) return std::unexpected(not_connected(target.method));
  return {};
}

Result<void> check_may_block(const CallTarget& target) {
  if (io::Shard::current_or_null() == nullptr) return {};
  return fail(Code::failed_precondition, "{0}.sync() would block a shard: co_await {0}(...) instead", target.method);
}

}  // namespace detail
}  // namespace sofa::rpc
