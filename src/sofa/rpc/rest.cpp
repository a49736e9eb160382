#include "sofa/rpc/rest.h"

#include <cstdio>

#include "sofa/rpc/detail/http_guest.h"
#include "sofa/rpc/detail/http_trace.h"
#include "sofa/rpc/detail/request_codec.h"
#include "sofa/rpc/detail/shard_server.h"

namespace sofa::rpc {

namespace detail {

namespace {

/// A request that became a call: its arguments are read, its answer is the route's.
class RestCall final : public ServerCall {
 public:
  RestCall(const RestMethod& method, const rest::Route& route, http::Exchange& exchange, const MethodEntry& entry, ShardServer& shard)
      : ServerCall(shard.begin_call(entry, CallProtocol::http, exchange.request().headers.get_or("app"))),
        method_(method),
        route_(route),
        exchange_(exchange),
        shard_(shard),
        trace_(trace_context(exchange.request().headers)),
        request_(method.make()) {
    ServerCallAccess::fill(context_, entry.service, entry.method->name(), exchange, kNoDeadline, *bolt::HeaderMap::parse(trace_.span()));
  }
  ~RestCall() { method_.destroy(request_); }

  void* request() { return request_; }
  Result<void> sent() { return std::move(sent_); }

  Context& context() override { return context_; }

 private:
  bool read(void* const* into) override { return method_.move_out(request_, into), true; }
  std::optional<Code> send(const void* result) override {
    sent_ = route_.answer(exchange_, result, fields());
    return sent_ ? std::nullopt : std::optional(sent_.error().code());
  }
  std::optional<Code> send(Error error) override {
    shard_.counters().errors.add();
    sent_ = rest::answer_error(exchange_, error, fields());
    return error.code();
  }
  http::Headers fields() const {
    http::Headers fields;
    for (const auto& [name, value] : context_.response_headers()) fields.add(name, value);
    return fields;
  }

  const RestMethod& method_;
  const rest::Route& route_;
  http::Exchange& exchange_;
  ShardServer& shard_;
  const Buffer trace_;
  void* const request_;
  Context context_;
  Result<void> sent_;
};

}  // namespace

std::string joined_signatures(const MethodBase& method) {
  std::string joined;
  for (const std::string_view signature : method.signatures()) append_signature(joined, jvm_signature(signature));
  return joined;
}

void name_arguments(RestMethod& made, const MethodBase& method, std::span<const size_t> offsets, std::span<const Type& (*const)()> types) {
  const auto& names = method.spec()->options.parameters;
  if (names.size() != types.size()) {
    fmt::print(stderr, "the method {} of {} has no REST route: it takes {} arguments and declares {} names in MethodOptions::parameters\n",
               method.name(), made.service, types.size(), names.size());
    std::abort();
  }
  for (size_t i = 0; i < types.size(); ++i) {
    Field& field = made.arguments.add(names[i], offsets[i], types[i]);
    field.required = types[i]().kind != Kind::indirect;
  }
  made.request.kind = Kind::structure;
  made.request.structure = &made.arguments;
}

}  // namespace detail

RestRoutes::RestRoutes(rest::About about) : api_(std::make_shared<rest::Api>(std::move(about))) {}

rest::Route& RestRoutes::add_route(std::string_view http_method, std::string_view pattern, std::shared_ptr<detail::RestMethod> method,
                                   const Type* response) {
  const detail::RestMethod& kept = *methods_.emplace_back(std::move(method));
  return api_->add_route(
      http_method, pattern, kept.request, response,
      [this, &kept](const rest::Route& route, http::Exchange& exchange, http::Body& body) { return serve(kept, route, exchange, body); });
}

Result<void> RestRoutes::join(const detail::ServiceTable& services) {
  for (const auto& method : methods_) {
    if (services.declares(method->service, method->method, method->signatures)) continue;
    return fail(Code::failed_precondition, "a REST route is bound to {}.{}, which this server does not have; add the service", method->service,
                method->method);
  }
  ++servers_;
  return {};
}

Task<Result<void>> RestRoutes::serve(const detail::RestMethod& method, const rest::Route& route, http::Exchange& exchange, http::Body& body) {
  detail::ShardServer* const server = detail::server_of(exchange);
  const detail::MethodEntry* const found = server == nullptr ? nullptr : server->services().find(method.service, method.method, method.signatures);
  if (found == nullptr) {
    co_return rest::answer_error(exchange, Error(Code::not_found, fmt::format("{}.{} is not served here", method.service, method.method)));
  }
  detail::ShardServer& shard = *server;
  const detail::MethodEntry& entry = *found;
  const detail::ShardServer::Visit visit(shard);
  detail::RestCall call(method, route, exchange, entry, shard);
  if (auto read = co_await route.read(exchange, body, call.request(), api_->about().max_body); !read) {
    shard.counters().refused.add();
    call.timer().end(read.error().code());
    co_return rest::answer_error(exchange, read.error());
  }
  shard.counters().calls.add();
  io::Scope scope(&co_await io::current_scope());
  co_await shard.serve(call, entry, scope);
  co_return call.sent();
}

}  // namespace sofa::rpc
