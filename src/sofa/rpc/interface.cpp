#include "sofa/rpc/interface.h"

#include "sofa/rpc/detail/caller.h"

namespace sofa::rpc {

Interface::~Interface() {
  if (caller_ != nullptr) caller_->close();  // calls that still run keep the Caller itself
}

std::string unique_name(std::string_view interface, const ServiceId& id) {
  std::string name = fmt::format("{}:{}", interface, id.version);
  if (!id.unique_id.empty()) name.append(":").append(id.unique_id);
  return name;
}

namespace detail {

MethodBase::MethodBase(Interface* owner, std::string_view name, MethodOptions options, const MethodShape& shape)
    : owner_(owner), name_(name), options_(std::move(options)), shape_(&shape) {
  owner->methods_.push_back(this);
}

namespace {

CallSpec spec_of(const MethodBase& method, const ClientOptions& client, std::span<const void* const> arguments, void* result) {
  CallSpec spec;
  spec.method = method.name();
  spec.timeout = method.options().timeout;
  spec.retries = method.options().retries;
  spec.codec = method.shape().result.protobuf != nullptr ? bolt::kCodecProtobuf : client.codec;
  spec.signatures = method.signatures();
  spec.shape = &method.shape();
  spec.arguments = arguments;
  spec.result = result;
  return spec;
}

Task<Result<void>> call_from_here(std::shared_ptr<Caller> caller, CallSpec spec, CallOptions options) {
  if (caller->shard().is_current()) co_return co_await caller->call(spec, std::move(options));
  co_return co_await io::on(caller->shard(), [&] { return caller->call(spec, std::move(options)); });
}

Task<Result<void>> not_connected(std::string_view method) {
  co_return fail(Code::failed_precondition, "{} is called on a service that is not connected; make the client by rpc::connect", method);
}

}  // namespace

Task<Result<void>> MethodBase::call(std::span<const void* const> arguments, void* result, CallOptions options) const {
  const auto& caller = owner_->caller();
  if (caller == nullptr) return not_connected(name_);
  return call_from_here(caller, spec_of(*this, caller->options(), arguments, result), std::move(options));
}

Task<Result<void>> MethodBase::call_oneway(std::span<const void* const> arguments, CallOptions options) const {
  const auto& caller = owner_->caller();
  if (caller == nullptr) return not_connected(name_);
  CallSpec spec = spec_of(*this, caller->options(), arguments, nullptr);
  spec.oneway = true;
  return call_from_here(caller, spec, std::move(options));
}

void MethodBase::start(Task<void> task) const {
  assert(owner_->caller() != nullptr && "make the client by rpc::connect");
  owner_->caller()->start(std::move(task));
}

void MethodBase::check_may_block() const {
  assert(io::Shard::current_or_null() == nullptr && "sync() blocks: on a shard, co_await the method instead");
}

}  // namespace detail
}  // namespace sofa::rpc
