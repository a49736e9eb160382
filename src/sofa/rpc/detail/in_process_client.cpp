#include "sofa/rpc/detail/in_process_client.h"

#include "sofa/rpc/detail/channel_protocol.h"
#include "sofa/rpc/detail/http_trace.h"
#include "sofa/rpc/detail/kept_call.h"
#include "sofa/rpc/detail/response_codec.h"
#include "sofa/rpc/detail/trace_context.h"

namespace sofa::rpc::detail {

namespace {

const io::Address kHere = io::Address::unix_path("in-process");

ServerOptions server_options(const ClientOptions& client) {
  ServerOptions options;
  options.max_calls = options.max_calls_of_all_shards = client.max_pending;
  return options;
}

std::vector<ServiceEntry> only(const ServiceNames& names, std::shared_ptr<Interface> service, ServiceOptions options) {
  options.delay = {};
  std::string name = unique_name(names.interface, {options.version, options.unique_id});
  return {{.name = std::move(name),
           .proto_name = names.proto,
           .make = [service = std::move(service)](unsigned) { return service; },
           .any_shard = true,
           .options = std::move(options)}};
}

/// Tells the client's end of a stream at once why it is cancelled, also when the service takes its time.
class CuttingOff : public io::CancelHook {
 public:
  CuttingOff(io::Scope& scope, InProcessStream& stream) : CancelHook(&on_cancelled), stream_(stream) { scope.watch(*this); }

 private:
  static void on_cancelled(CancelHook& self, const Error& reason) {
    InProcessStream& stream = static_cast<CuttingOff&>(self).stream_;
    stream.questions.cut_off(reason);
    stream.answers.cut_off(reason);
  }
  InProcessStream& stream_;
};

/// What a call brings beside its arguments.
struct Request {
  Request(http::Headers given, const MethodEntry& entry, Deadline end, bool oneway) : fields(std::move(given)), trace(trace_context(fields)) {
    // The pairs are of our own making.
    ServerCallAccess::fill(context, entry.service, entry.method->name(), kHere, end, oneway, fields, *bolt::HeaderMap::parse(trace.span()));
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  const http::Headers fields;
  const Buffer trace;
  Context context;
};

}  // namespace

/// A unary call between the caller's values and the service's.
class InProcessCall final : public ServerCall {
 public:
  /// `attempt`: whose result it is; null: nobody's.
  InProcessCall(const CallSpec& spec, Request& request, const Attempt* attempt)
      : ServerCall(CallTimer()), spec_(spec), request_(request), attempt_(attempt) {}

  Context& context() override { return request_.context; }
  Result<void> take_outcome() { return std::move(outcome_); }

 private:
  bool read(void* const* into) override {
    for (size_t i = 0; i < spec_.arguments.size(); ++i) {
      if (copy_value(spec_.shape->arguments[i], into[i], spec_.arguments[i])) continue;
      outcome_ =
          fail(Code::unimplemented, "{}: a call within the process copies its arguments, and argument {} cannot be copied", spec_.method, i + 1);
      return false;
    }
    return true;
  }
  std::optional<Code> send(const void* result) override {
    outcome_ = attempt_ == nullptr ? Result<void>() : attempt_->settle([&] { return give(result); });
    return {};
  }
  std::optional<Code> send(Error error) override {
    outcome_ = std::unexpected(std::move(error));
    return {};
  }
  Result<void> give(const void* result) const {
    if (result == nullptr || spec_.result == nullptr || copy_value(spec_.shape->result, spec_.result, result)) return {};
    return fail(Code::unimplemented, "{}: a call within the process copies its result, which cannot be copied", spec_.method);
  }

  const CallSpec& spec_;
  Request& request_;
  const Attempt* const attempt_;
  Result<void> outcome_ = fail(Code::internal, "the service dropped the call without an answer");
};

InProcessClient::InProcessClient(const ServiceNames& names, std::shared_ptr<Interface> service, const InProcessOptions& options)
    : options_(server_options(options.client)),
      app_(options.client.app),
      stream_messages_(options.stream_messages),
      services_(only(names, std::move(service), options.service)),
      closing_(&io::Shard::current().root_scope()),
      server_(options_, no_filters_, counters_, std::make_shared<CallsOfServer>(options_.max_calls_of_all_shards)) {}

Task<Result<void>> InProcessClient::reach(const io::Address&) { co_return closing_.check(); }

Task<void> InProcessClient::close() {
  closing_.cancel(transport::with_status(Error(Code::cancelled, std::string(kClientDestroyed)), bolt::Status::connection_closed));
  co_await server_.stop();
}

http::Headers InProcessClient::fields_of(const CallOptions& options, const Context* served) const {
  http::Headers fields;
  for (const auto& [key, value] : options.headers) fields.add(key, value);
  for (const auto& [key, value] : options.baggage) fields.add(std::string(kRequestBaggage) + key, value);
  if (!app_.empty()) fields.add("app", app_);
  if (served != nullptr) each_trace_entry(*served, [&fields](std::string_view key, std::string_view value) { fields.add(key, value); });
  return fields;
}

Result<const MethodEntry*> InProcessClient::find(const MethodShape& shape, std::string_view method,
                                                 std::span<const std::string_view> signatures) const {
  for (const auto& entry : server_.services().entries()) {
    const MethodBase& candidate = *entry->method;
    if (candidate.name() == method && &candidate.shape() == &shape && std::ranges::equal(candidate.signatures(), signatures)) return entry.get();
  }
  return fail(Code::unimplemented, "{}.{} is not served: InProcessOptions::service excludes it", services_.front().name, method);
}

/// For one more call that runs in a task of its own, as long as it runs.
Result<CallsOfShard::Place> InProcessClient::take_place() {
  if (auto place = server_.take_place()) return std::move(*place);
  return fail(Code::resource_exhausted, "{} streams and oneway calls run already (max_pending)", options_.max_calls);
}

Task<Result<void>> InProcessClient::send(Attempt& attempt) {
  const CallSpec& spec = attempt.spec;
  co_await or_return(closing_.check());
  const MethodEntry& entry = *co_await or_return(find(*spec.shape, spec.method, spec.signatures));
  if (spec.oneway) co_return send_oneway(attempt, entry);
  attempt.timer.enter(Stage::wait);
  Request request(fields_of(attempt.options, attempt.served), entry, attempt.end(), false);
  InProcessCall call(spec, request, &attempt);
  auto done = co_await serve(call, entry, attempt.end());
  if (CallResponse* response = attempt.options.response; response != nullptr) {
    http::Headers sent;  // their names are in lower case, as over gRPC
    for (const auto& [name, value] : request.context.response_headers()) sent.add(name, value);
    for (const http::HeaderField field : sent) take_response_header(*response, field.name, field.value);
  }
  if (!done) co_return std::unexpected(with_call_status(std::move(done.error())));
  co_return done;
}

Task<Result<void>> InProcessClient::serve(InProcessCall& call, const MethodEntry& entry, Deadline end) {
  io::Scope scope(&co_await io::current_scope(), nullptr, end);
  const EndsWith ending(closing_, scope);
  const ShardServer::Visit visit(server_);
  co_await or_return(scope.check());
  if (ShardServer::needs_task(entry)) {
    co_await server_.serve(call, entry, scope);
  } else {
    ShardServer::serve_now(call, entry);
  }
  // What comes after the deadline, or after the caller has gone, is no answer.
  co_await or_return(scope.check());
  co_return call.take_outcome();
}

Result<void> InProcessClient::send_oneway(const Attempt& attempt, const MethodEntry& entry) {
  auto place = take_place();
  if (!place) return forward_error(place);
  auto kept = KeptCall::copy_of(attempt.spec, attempt.options);
  if (kept == nullptr)
    return fail(Code::unimplemented, "{}: a oneway call within the process needs arguments that can be copied", attempt.spec.method);
  server_.spawn(run_oneway(*this, std::move(*place), std::move(kept), fields_of(attempt.options, attempt.served), entry, attempt.end()));
  return {};
}

Task<void> InProcessClient::run_oneway(InProcessClient& self, [[maybe_unused]] CallsOfShard::Place place, std::unique_ptr<KeptCall> kept,
                                       http::Headers fields, const MethodEntry& entry, Deadline end) {
  Request request(std::move(fields), entry, end, true);
  InProcessCall call(kept->spec, request, nullptr);
  [[maybe_unused]] const auto ignored = co_await self.serve(call, entry, end);
}

Task<Result<std::unique_ptr<MessageStream>>> InProcessClient::open_stream(const Provider&, const MethodSpec& method, const CallOptions& options) {
  co_await or_return(closing_.check());
  const MethodEntry& entry = *co_await or_return(find(method.shape, method.name, method.signatures()));
  auto place = co_await or_return(take_place());
  const io::Scope& scope = co_await io::current_scope();
  const Duration timeout = options.timeout > Duration::zero() ? options.timeout : method.options.timeout;
  const Deadline own = timeout > Duration::zero() ? deadline_after(io::Shard::current().clock().now_monotonic(), timeout) : kNoDeadline;
  auto stream = std::make_shared<InProcessStream>(method.shape, stream_messages_);
  server_.spawn(run_stream(*this, std::move(place), stream, fields_of(options, current_call(scope)), entry, std::min(own, scope.deadline())));
  co_return std::make_unique<InProcessClientEnd>(std::move(stream), method.name);
}

Task<void> InProcessClient::run_stream(InProcessClient& self, [[maybe_unused]] CallsOfShard::Place place, std::shared_ptr<InProcessStream> stream,
                                       http::Headers fields, const MethodEntry& entry, Deadline end) {
  io::Scope scope(&co_await io::current_scope(), nullptr, end);
  const EndsWith ending(self.closing_, scope);
  const CuttingOff cutting_off(scope, *stream);
  if (stream->given_up) scope.cancel(*stream->given_up);
  stream->scope = &scope;
  Request request(std::move(fields), entry, end, false);
  scope.set_context(&request.context);
  InProcessServiceEnd messages(*stream);
  Result<void> done;
  try {
    done = co_await self.server_.serve_stream(request.context, entry, messages).in(scope);
  } catch (const std::exception& e) {
    done = fail(Code::unknown, "{}", e.what());  // as a stream over gRPC
  }
  stream->scope = nullptr;
  if (scope.cancelled()) done = std::unexpected(scope.reason());
  stream->finish(std::move(done));
}

Task<Result<void>> bind_in_process(Interface& client, ServiceNames names, std::shared_ptr<Interface> service, InProcessOptions options) {
  if (service == nullptr) co_return fail(Code::invalid_argument, "{}: there is no service to call (null)", names.interface);
  auto protocol = std::make_shared<InProcessClient>(names, std::move(service), options);
  co_await or_return(protocol->open());
  std::vector<Provider> here{{.address = kHere, .protocol = std::string(kInProcessScheme)}};
  auto providers = std::make_shared<StaticProviders>(std::move(here), "this process");
  client.set_caller(co_await or_return(open_caller(std::move(providers), std::move(names), std::move(options.client), std::move(protocol))));
  co_return Result<void>();
}

}  // namespace sofa::rpc::detail
