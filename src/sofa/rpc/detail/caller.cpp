#include "sofa/rpc/detail/caller.h"

#include "sofa/base/json.h"
#include "sofa/base/log.h"
#include "sofa/rpc/detail/argument_text.h"
#include "sofa/rpc/detail/grpc_call.h"
#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/response_codec.h"
#include "sofa/rpc/detail/triple_wrapper.h"
#include "sofa/transport/session.h"

namespace sofa::rpc::detail {

namespace {

constexpr Duration kDefaultTimeout = std::chrono::seconds(3);
constexpr std::string_view kDestroyed = "the client was destroyed";

int64_t milliseconds(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

/// The envelope of an answer is not the filter's affair.
ClientOptions with_envelope(ClientOptions options) {
  options.classes.always(std::string(kResponseClass));
  return options;
}

/// Whether a call is one attempt after another: what needs no task group.
bool is_one_at_a_time(const ClientOptions& options) {
  const bool plain = options.strategy == Strategy::failover || options.strategy == Strategy::failfast;
  return plain && options.hedging.after <= Duration::zero();
}

transport::PoolOptions pool_options(const ClientOptions& options, std::shared_ptr<io::TlsClientContext> tls) {
  transport::PoolOptions pool;
  pool.tls = std::move(tls);
  pool.connections_per_address = options.connections;
  pool.connect_timeout = options.connect_timeout;
  pool.session.limits.max_frame = options.max_frame;
  pool.session.heartbeat_interval = options.heartbeat;
  pool.session.max_pending_calls = static_cast<uint32_t>(options.max_pending);
  return pool;
}

bool speaks_grpc(const Provider& provider) { return provider.protocol != "bolt"; }

grpc::ChannelOptions channel_options(const ClientOptions& options, std::shared_ptr<io::TlsClientContext> tls) {
  grpc::ChannelOptions channel;
  channel.tls = std::move(tls);
  channel.max_receive_message = options.max_frame;
  channel.connect_timeout = options.connect_timeout;
  channel.default_timeout = options.timeout > Duration::zero() ? options.timeout : kDefaultTimeout;
  channel.http2.keep_alive_interval = options.heartbeat;
  return channel;
}

/// What decides on retries and sentences, in Bolt's words (transport/status.h).
Error with_bolt_status(Error error) {
  if (error.code() == Code::unavailable) return transport::with_status(std::move(error), bolt::Status::comm_error);
  if (error.code() == Code::deadline_exceeded) return transport::with_status(std::move(error), bolt::Status::timeout);
  return error;
}

bolt::Status status_of(const Error& error) {
  const auto* status = error.detail<transport::TransportStatus>();
  return status == nullptr ? bolt::Status::success : status->status;
}

/// What became of a call, for those that judge its provider. An error without a status came from the service.
cluster::Outcome outcome_of(const Result<void>& done) {
  if (done) return cluster::Outcome::answered;
  switch (status_of(done.error())) {
    case bolt::Status::success:
      return cluster::Outcome::answered;
    case bolt::Status::timeout:
    case bolt::Status::server_busy:
      return cluster::Outcome::overloaded;
    default:
      return cluster::Outcome::failed;
  }
}

/// What a provider wants a described call to be written in.
uint8_t codec_for(const CallSpec& spec, const Provider& provider) {
  if (provider.serialization.empty() || spec.shape == nullptr || spec.codec == bolt::kCodecProtobuf) return spec.codec;
  return provider.serialization == "json" ? bolt::kCodecJson : bolt::kCodecHessian;
}

void log_measure(const std::string& service, const cluster::Measure& found) {
  static const Logger log{"rpc"};
  if (found.state == cluster::Measure::State::abnormal) {
    log.warn("a provider fails far more often than the others", {{"service", service},
                                                                 {"provider", found.address.to_string()},
                                                                 {"calls", found.calls},
                                                                 {"rate", found.rate},
                                                                 {"average", found.average},
                                                                 {"weight", found.weight},
                                                                 {"limit_reached", found.at_limit}});
  } else if (found.weight != found.weight_before) {
    log.info("a provider gets its weight back", {{"service", service}, {"provider", found.address.to_string()}, {"weight", found.weight}});
  }
}

void log_ejection(const std::string& service, const cluster::OutlierEjection::Ejection& ejection) {
  static const Logger log{"rpc"};
  log.warn("a provider is ejected for a while", {{"service", service}, {"provider", ejection.address.to_string()}, {"why", ejection.why}});
}

/// Empties a buffer that is written anew for each call; one that grew for a big call is given back.
void reuse(Buffer& buffer) {
  constexpr size_t kKept = 64 * 1024;
  buffer.clear();
  if (buffer.room() > kKept) buffer = Buffer();
  buffer.reserve(512);
}

/// What the framework of a server says in place of the service (docs/protocols/sofarpc.md, section 2.2).
std::unexpected<Error> framework_error(std::string text) {
  if (text.starts_with("RPC-020100010")) return std::unexpected(Error(Code::not_found, std::move(text)));
  if (text.starts_with("RPC-020100011")) return std::unexpected(Error(Code::unimplemented, std::move(text)));
  // The server is stopping. It looks at no call then, so that each may be sent elsewhere, as one that was too many for it.
  if (text.starts_with("RPC-019990009")) {
    return std::unexpected(transport::with_status(Error(Code::unavailable, std::move(text)), bolt::Status::server_busy));
  }
  return std::unexpected(Error(Code::unknown, std::move(text)));
}

}  // namespace

bool is_retryable(const Error& error) {
  switch (status_of(error)) {
    case bolt::Status::server_busy:
    case bolt::Status::timeout:
    case bolt::Status::comm_error:
    case bolt::Status::connection_closed:
      return true;
    default:
      return false;
  }
}

Caller::Caller(std::shared_ptr<Providers> providers, ServiceNames names, ClientOptions options, std::shared_ptr<io::TlsClientContext> tls)
    : providers_(std::move(providers)),
      interface_(std::move(names.interface)),
      proto_service_(std::move(names.proto)),
      service_(unique_name(interface_, {options.version, options.unique_id})),
      options_(with_envelope(std::move(options))),
      shard_(io::Shard::current()),
      core_(make_core(shard_, providers_, options_, std::move(tls))),
      one_at_a_time_(is_one_at_a_time(options_)),
      random_(system_seed()) {
  if (options_.retry_budget) budget_.emplace(*options_.retry_budget);
}

Caller::Core::Core(std::shared_ptr<const Providers> known, const ClientOptions& options, std::shared_ptr<io::TlsClientContext> tls)
    : providers(std::move(known)),
      target_idle(options.target_idle),
      pool(pool_options(options, tls), Random(system_seed())),
      channels(channel_options(options, std::move(tls))),
      idle_timer([](void* core) { static_cast<Core*>(core)->forget_idle(); }, this) {}

void Caller::Core::watch_idle() {
  if (target_idle <= Duration::zero() || idle_timer.pending()) return;
  io::Shard& shard = io::Shard::current();
  shard.schedule(idle_timer, deadline_after(shard.now(), target_idle));
}

void Caller::Core::forget_idle() {
  const auto list = providers->current();
  const auto is_listed = [&list](const io::Address& address) { return std::ranges::find(*list, address, &Provider::address) != list->end(); };
  const Instant before = io::Shard::current().now() - target_idle;
  pool.forget_unused(before, is_listed);
  channels.forget_unused(before, is_listed);
  if (pool.addresses() > 0 || !channels.empty()) watch_idle();
}

Result<std::shared_ptr<grpc::Channel>> Caller::Core::channel_to(const io::Address& address) {
  auto channel = channels.to(address);
  if (channel) watch_idle();
  return channel;
}

std::shared_ptr<Caller::Core> Caller::make_core(io::Shard& shard, std::shared_ptr<const Providers> providers, const ClientOptions& options,
                                                std::shared_ptr<io::TlsClientContext> tls) {
  return std::shared_ptr<Core>(new Core(std::move(providers), options, std::move(tls)), [&shard](Core* core) {
    if (shard.is_current()) return delete core;
    shard.post([core] { delete core; });
  });
}

void Caller::close() {
  if (closed_.exchange(true)) return;
  shard_.post([core = core_] { close(core); });
}

io::detail::Root Caller::close(std::shared_ptr<Core> core) {
  core->idle_timer.cancel();
  core->tasks.cancel(kDestroyed);
  [[maybe_unused]] const auto joined = co_await core->tasks.join();
  co_await core->pool.close();
  co_await core->channels.close();
}

void Caller::start(Task<void> task) {
  if (shard_.is_current()) return core_->tasks.spawn("rpc client", std::move(task));
  shard_.post([core = core_, task = std::move(task)]() mutable { core->tasks.spawn("rpc client", std::move(task)); });
}

Task<Result<void>> Caller::open() {
  core_->selector = co_await or_return(cluster::Selector::make({.balancer = options_.balancer,
                                                                .balancing = {.own_host = options_.own_host},
                                                                .fault_tolerance = options_.fault_tolerance,
                                                                .outliers = options_.outliers,
                                                                .routers = options_.routers,
                                                                .sticky = options_.sticky},
                                                               Random(system_seed())));
  if (options_.mock != nullptr) co_return Result<void>();
  if (options_.address_wait > Duration::zero()) co_await or_return(await_addresses());
  if (options_.check) co_await or_return(reach_one());
  if (core_->selector->ticks()) core_->tasks.spawn("rpc fault tolerance", core_->measure(interface_));
  co_return Result<void>();
}

Task<Result<void>> Caller::await_addresses() {
  constexpr Duration kLook = std::chrono::milliseconds(10);
  const Instant end = deadline_after(shard_.clock().now_monotonic(), options_.address_wait);
  while (providers_->current()->empty() && shard_.clock().now_monotonic() < end) co_await or_return(io::sleep_for(kLook));
  co_return Result<void>();
}

Task<Result<void>> Caller::reach_one() {
  const ProviderList list = providers_->current();
  std::optional<Error> last;
  for (const Provider& provider : *list) {
    auto reached = co_await reach(provider);
    if (reached) co_return reached;
    last = std::move(reached.error());
  }
  if (!last) co_return fail(Code::unavailable, "{}: no provider is known from {}", interface_, providers_->source());
  co_return fail(Code::unavailable, "{}: no provider of '{}' can be reached; start one there or name another address: {}", interface_,
                 providers_->source(), *last);
}

Task<Result<void>> Caller::reach(const Provider& provider) {
  if (speaks_grpc(provider)) {
    const auto channel = co_await or_return(core_->channel_to(provider.address));
    co_return co_await channel->connect();
  }
  co_await or_return(core_->pool.get(provider.address));
  co_return Result<void>();
}

Task<void> Caller::Core::measure(std::string service) {
  const Clock& clock = io::Shard::current().clock();
  while (co_await io::sleep_for(std::chrono::seconds(1))) {
    const cluster::Selector::Findings found = selector->tick(clock);
    for (const cluster::Measure& measure : found.measures) log_measure(service, measure);
    for (const auto& ejection : found.ejections) log_ejection(service, ejection);
  }
}

bool Caller::Core::is_live(const Provider& provider) {
  if (speaks_grpc(provider)) {
    const auto channel = channel_to(provider.address);
    if (!channel) return false;
    if (!(*channel)->is_connected()) (*channel)->start_connecting();
    return (*channel)->is_connected();
  }
  transport::ConnectionPool::Peer* peer = pool.peer(provider.address);
  if (peer == nullptr) return false;
  if (peer->live_count() == 0) peer->connect();
  return peer->live_count() > 0;
}

Result<Caller::Choice> Caller::choose(const CallSpec& spec, const CallOptions& options, std::span<const io::Address> tried) {
  if (!options.target.empty()) return find_target(options.target);
  Choice choice{.list = providers_->current()};
  if (choice.list->empty()) return fail(Code::unavailable, "no provider is known from {}", providers_->source());
  const auto is_live = [](void* core, const Provider& provider) { return static_cast<Core*>(core)->is_live(provider); };
  choice.provider = core_->selector->select(
      {.list = choice.list, .key = route_key(spec, options), .tried = tried, .is_live = is_live, .context = core_.get()}, shard_.clock());
  if (choice.provider == nullptr) {
    return fail(Code::unavailable, "the routers leave none of the {} providers of {} for the tag '{}'", choice.list->size(), providers_->source(),
                options.tag);
  }
  return choice;
}

/// The provider of the list that is meant, with what its URL says; else one that is called directly.
Result<Caller::Choice> Caller::find_target(const std::string& target) const {
  auto parsed = parse_providers(target);
  if (!parsed) return forward_error(parsed);
  Choice direct{.list = (*parsed)->current()};
  direct.provider = &direct.list->front();
  Choice known{.list = providers_->current()};
  for (const Provider& provider : *known.list) {
    if (provider.address == direct.provider->address && provider.protocol == direct.provider->protocol) known.provider = &provider;
  }
  return known.provider != nullptr ? known : direct;
}

cluster::RouteKey Caller::route_key(const CallSpec& spec, const CallOptions& options) {
  cluster::RouteKey key{.pick = {.interface = interface_, .method = spec.method}, .tag = options.tag};
  if (!core_->selector->needs_argument()) return key;
  if (!options.hash_key.empty()) {
    key.pick.first_argument = options.hash_key;
  } else if (spec.shape != nullptr && !spec.arguments.empty()) {
    key.pick.first_argument = argument_text(spec.shape->arguments[0], spec.arguments[0], argument_text_);
  } else if (!spec.values.empty()) {
    key.pick.first_argument = argument_text(spec.values[0], argument_text_);
  }
  return key;
}

Task<Result<transport::SessionRef>> Caller::session_to(const io::Address& address, Deadline deadline) {
  core_->watch_idle();
  auto session = co_await io::with_deadline(deadline, core_->pool.get(address));
  const io::Scope& scope = co_await io::current_scope();
  if (session || session.error().code() != Code::deadline_exceeded || scope.cancelled()) co_return session;
  // The call's own timeout, while it waited for a connection: another provider may be there.
  co_return std::unexpected(
      transport::with_status(Error(Code::deadline_exceeded, "no connection within the timeout of the call"), bolt::Status::comm_error));
}

OutgoingHead Caller::outgoing_head(const Attempt& attempt, const Context* served) const {
  OutgoingHead head;
  head.service = service_;
  head.method = attempt.spec.method;
  head.app = options_.app;
  head.type = attempt.spec.oneway ? "oneway" : "sync";
  head.generic_type = attempt.spec.generic_type;
  if (!attempt.options.baggage.empty()) head.baggage = &attempt.options.baggage;
  if (!attempt.options.headers.empty()) head.headers = &attempt.options.headers;
  if (served != nullptr) head.passed_on = &served->headers();
  return head;
}

Result<void> Caller::write_content(Buffer& out, const CallSpec& spec, const OutgoingHead& head) const {
  if (!spec.generic_type.empty()) return write_generic_request(out, head, spec.signatures, spec.values);
  if (spec.codec == bolt::kCodecJson) return write_json_arguments(out, *spec.shape, spec.arguments);
  if (spec.codec == bolt::kCodecHessian) return write_request(out, head, spec.signatures, *spec.shape, spec.arguments);
  const ProtobufOps& protobuf = *spec.shape->arguments[0].protobuf;
  const size_t size = protobuf.size(spec.arguments[0]);
  if (size > 0 && !protobuf.write(spec.arguments[0], out.extend(size), size)) return fail(Code::invalid_argument, "the message cannot be written");
  return {};
}

Result<void> Caller::write_request_parts(const CallSpec& spec, const OutgoingHead& head) {
  reuse(header_);
  reuse(content_);
  write_request_header(header_, head);
  return write_content(content_, spec, head);
}

transport::Request Caller::take_request(const CallSpec& spec, Duration timeout) {
  return {.class_name = kRequestClass, .header = header_.span(), .content = content_.take(), .codec = spec.codec, .timeout = timeout};
}

Result<void> Caller::read_answer(const Attempt& attempt, const bolt::Frame& frame) const {
  const CallSpec& spec = attempt.spec;
  if (frame.status != bolt::Status::success) {
    const std::string sentence = frame.class_name() == kServerExceptionClass ? read_server_exception(frame.content()) : std::string();
    const Code code = frame.status == bolt::Status::server_busy ? Code::resource_exhausted
                      : frame.status == bolt::Status::timeout   ? Code::deadline_exceeded
                                                                : Code::internal;
    std::string text = fmt::format("the server answered '{}'", to_string(frame.status));
    if (!sentence.empty()) text += ": " + sentence;
    return std::unexpected(transport::with_status(Error(code, std::move(text)), frame.status));
  }
  auto header = bolt::HeaderMap::parse(frame.header());
  if (!header) return forward_error(header);
  if (CallResponse* response = attempt.options.response; response != nullptr) {
    for (const auto& [key, value] : *header) {
      response->headers.emplace_back(key, value);
      if (key.starts_with(kResponseBaggage)) response->baggage.emplace_back(key.substr(kResponseBaggage.size()), value);
    }
  }
  if (spec.codec == bolt::kCodecHessian) {
    Result<void> done;
    if (spec.document != nullptr) {
      auto document = read_generic_response(frame.content(), *header, &options_.classes);
      if (document) {
        *spec.document = std::move(*document);
      } else {
        done = forward_error(document);
      }
    } else {
      done = read_response(frame.content(), *header, spec.shape->result, spec.shape->plain_result, spec.result, &options_.classes);
    }
    if (done || done.error().code() != Code::unknown || done.error().detail<JavaException>() != nullptr) return done;
    return framework_error(std::string(done.error().message()));
  }
  if (header->get(kErrorHeader) == "true") {
    std::string text(as_text(frame.content()));
    if (spec.codec == bolt::kCodecJson) {
      if (auto unquoted = from_json<std::string>(text)) text = *unquoted;
    }
    return framework_error(std::move(text));
  }
  if (spec.codec == bolt::kCodecProtobuf) {
    if (spec.shape->result.protobuf->parse(spec.result, frame.content().data(), frame.content().size())) return {};
    return fail(Code::data_loss, "the answer is no message of the result's type");
  }
  if (spec.shape->result.type == nullptr) return {};
  return read_json_value(as_text(frame.content()), "result", *spec.shape->result.type, spec.result);
}

Duration Caller::timeout_of(const Attempt& attempt) const {
  for (const Duration timeout : {attempt.options.timeout, attempt.spec.timeout, options_.timeout, attempt.provider().timeout}) {
    if (timeout > Duration::zero()) return timeout;
  }
  return kDefaultTimeout;
}

Task<Result<void>> Caller::attempt(Attempt& attempt) {
  attempt.spec.codec = attempt.codec;
  attempt.spec.codec = codec_for(attempt.spec, attempt.provider());
  attempt.timeout = timeout_of(attempt);
  attempt.begun = shard_.clock().now_monotonic();
  if (core_->selector->counts()) return counted(attempt);
  return options_.filters.empty() ? send(attempt) : pass_filters(attempt);
}

/// Tells the balancer and the fault tolerance what became of it.
Task<Result<void>> Caller::counted(Attempt& attempt) {
  core_->selector->began(attempt.provider());
  Result<void> done = co_await (options_.filters.empty() ? send(attempt) : pass_filters(attempt));
  const Instant now = shard_.clock().now_monotonic();
  core_->selector->ended(attempt.provider(), now - attempt.begun, outcome_of(done), now);
  co_return done;
}

Task<Result<void>> Caller::pass_filters(Attempt& attempt) {
  struct Last {
    Caller& caller;
    Attempt& attempt;
  } last{*this, attempt};
  const InvocationValues values(attempt.spec.shape, attempt.spec.arguments.data(), attempt.spec.result);
  Invocation invocation{.service = service_,
                        .method = attempt.spec.method,
                        .arguments = values.arguments,
                        .result = values.result,
                        .options = &attempt.options,
                        .address = &attempt.provider().address};
  const Next next(
      options_.filters, [](void* context, Invocation&) { return static_cast<Last*>(context)->caller.send(static_cast<Last*>(context)->attempt); },
      &last);
  co_return co_await next(invocation);
}

Task<Result<void>> Caller::send(Attempt& attempt) { return speaks_grpc(attempt.provider()) ? send_grpc(attempt) : send_bolt(attempt); }

http::Headers Caller::metadata_of(const CallOptions& options) const {
  http::Headers metadata;
  for (const auto& [key, value] : options.headers) metadata.add(key, value);
  for (const auto& [key, value] : options.baggage) metadata.add(std::string(kRequestBaggage) + key, value);
  if (!options_.unique_id.empty()) metadata.add("tri-service-version", options_.unique_id);
  if (!options_.app.empty()) {
    metadata.add("app", options_.app);
    metadata.add("tri-consumer-appname", options_.app);
  }
  return metadata;
}

Task<Result<void>> Caller::send_grpc(Attempt& attempt) {
  const CallSpec& spec = attempt.spec;
  if (spec.shape == nullptr) co_return fail(Code::unimplemented, "calls without types do not go over gRPC; call this one over bolt://");
  const bool wrapped = spec.shape->result.protobuf == nullptr;
  Buffer message;
  co_await or_return(wrapped ? write_triple_arguments(message, *spec.shape, spec.signatures, spec.arguments)
                             : write_message(message, *spec.shape->arguments[0].protobuf, spec.arguments[0], spec.method));
  auto path = wrapped ? fmt::format("/{}/{}", interface_, spec.method) : fmt::format("/{}/{}", proto_service_, spec.proto_method);
  http::Headers headers, trailers;
  CallResponse* response = attempt.options.response;
  grpc::CallOptions options{.timeout = attempt.timeout, .metadata = metadata_of(attempt.options)};
  auto channel = co_await or_return(core_->channel_to(attempt.provider().address));
  if (spec.oneway) {
    core_->tasks.spawn("oneway call", send_oneway(std::move(channel), std::move(path), message.take(), std::move(options)));
    co_return Result<void>();
  }
  if (response != nullptr) {
    options.headers = &headers;
    options.trailers = &trailers;
  }
  auto answer = co_await channel->unary(std::move(path), message.take(), std::move(options));
  for (const http::Headers* part : {&headers, &trailers}) {  // Dubbo's attachments come behind the answer
    for (const http::HeaderField field : *part) response->headers.emplace_back(field.name, field.value);
  }
  if (!answer) co_return std::unexpected(with_bolt_status(std::move(answer.error())));
  co_return settle(attempt, [&] {
    return wrapped ? read_wrapped_answer(*answer, spec) : read_message(*answer, *spec.shape->result.protobuf, spec.result, spec.method);
  });
}

/// gRPC has no call without an answer: it is awaited and dropped.
Task<void> Caller::send_oneway(std::shared_ptr<grpc::Channel> channel, std::string path, Bytes message, grpc::CallOptions options) {
  [[maybe_unused]] const auto answer = co_await channel->unary(std::move(path), std::move(message), std::move(options));
}

Result<void> Caller::read_wrapped_answer(ByteSpan message, const CallSpec& spec) const {
  auto response = read_triple_response(message);
  if (!response) return forward_error(response);
  return read_triple_value(response->serializer, response->data, spec.shape->result, spec.result, fmt::format("the result of {}", spec.method),
                           &options_.classes);
}

Task<Result<std::unique_ptr<MessageStream>>> Caller::open_stream(std::shared_ptr<Caller> self, const MethodSpec& method, CallOptions options) {
  Caller& caller = *self;
  const auto where = [&](std::string_view at) { return fmt::format("{}.{}{}", caller.interface_, method.name, at); };
  if (caller.closed_) co_return fail(Code::cancelled, "{}: {} before the stream was opened", where(""), kDestroyed);
  CallSpec spec;
  spec.method = method.name;
  const Choice choice = co_await or_return(caller.choose(spec, options, {}));
  const Provider& provider = *choice.provider;
  const std::string at = where(" at " + provider.address.to_string());
  if (!speaks_grpc(provider))
    co_return fail(Code::unimplemented, "{}: Bolt carries no streams; connect to tri://{}", at, provider.address.to_string());
  const Duration timeout = options.timeout > Duration::zero() ? options.timeout : method.options.timeout;
  auto channel = co_await or_return(caller.core_->channel_to(provider.address));
  auto stream = co_await channel->stream(fmt::format("/{}/{}", caller.proto_service_, method.proto_name()),
                                         {.timeout = timeout, .metadata = caller.metadata_of(options)});
  if (!stream) co_return std::unexpected(std::move(stream.error()).wrap(at));
  co_return std::make_unique<GrpcClientMessages>(std::move(channel), std::move(*stream), method.shape, method.name);
}

Task<Result<void>> Caller::send_bolt(Attempt& attempt) {
  const Deadline deadline = std::min(attempt.deadline, deadline_after(attempt.begun, attempt.timeout));
  Instant now = attempt.begun;
  transport::SessionRef session = core_->pool.try_get(attempt.provider().address);
  if (session == nullptr) {
    session = co_await or_return(session_to(attempt.provider().address, deadline));
    now = shard_.clock().now_monotonic();
  }
  const Duration left = deadline == kNoDeadline ? attempt.timeout : deadline - now;
  OutgoingHead head = outgoing_head(attempt, attempt.served);
  if (attempt.deadline != kNoDeadline) head.remaining_ms = std::max<int64_t>(0, milliseconds(left));
  co_await or_return(write_request_parts(attempt.spec, head));
  if (attempt.spec.oneway) co_return session->oneway(take_request(attempt.spec, left));
  transport::Call call = session->call(take_request(attempt.spec, left));
  auto answer = co_await call;
  if (!answer) co_return forward_error(answer);
  co_return settle(attempt, [&] { return read_answer(attempt, answer->frame); });
}

/// Waits before a provider that has failed is asked again.
Task<Result<void>> Caller::pause(int number, Deadline deadline) {
  const Duration wait = options_.backoff.pause(number, random_);
  const Instant until = std::min(deadline_after(shard_.clock().now_monotonic(), wait), deadline);
  co_return co_await io::sleep_until(until);
}

Error Caller::describe(const Attempt& attempt, const Error& error) const {
  const Duration took = shard_.clock().now_monotonic() - attempt.begun;
  std::string text = fmt::format("{}.{} at {}, attempt {} of {}: ", interface_, attempt.spec.method, attempt.provider().address.to_string(),
                                 attempt.number, attempt.most);
  const bolt::Status status = status_of(error);
  if (closed_ && (status == bolt::Status::connection_closed || status == bolt::Status::comm_error)) {
    return Error(Code::cancelled, fmt::format("{}{} (after {} ms)", text, kDestroyed, milliseconds(took)));
  }
  const auto* thrown = error.detail<JavaException>();
  if (thrown != nullptr) {
    text += thrown->to_string();
  } else if (status == bolt::Status::timeout) {
    text += fmt::format("no answer within {} ms", milliseconds(std::min(attempt.timeout, took)));
  } else {
    text += fmt::format("{} (after {} ms)", error, milliseconds(took));
  }
  Error described(error.code(), std::move(text));
  if (thrown != nullptr) return std::move(described).with_detail(std::make_shared<const JavaException>(*thrown));
  if (status != bolt::Status::success) return transport::with_status(std::move(described), status);
  return described;
}

Task<Result<void>> Caller::call(std::shared_ptr<Caller> self, CallSpec spec, CallOptions options, std::optional<const Context*> served) {
  Caller& caller = *self;
  const io::Scope& scope = co_await io::current_scope();
  if (caller.closed_) co_return fail(Code::cancelled, "{}.{}: {} before the call was sent", caller.interface_, spec.method, kDestroyed);
  Attempt current{
      .spec = spec, .options = options, .deadline = scope.deadline(), .served = served ? *served : current_call(scope), .codec = spec.codec};
  if (caller.options_.mock != nullptr) co_return co_await caller.ask_mock(spec);
  if (caller.budget_) caller.budget_->deposit();
  if (!caller.one_at_a_time_ && (!spec.oneway || caller.options_.strategy == Strategy::broadcast)) {
    co_return co_await by_strategy(self, spec, options, current);
  }
  current.most = caller.options_.strategy == Strategy::failfast ? 1
                                                                : 1 + std::max(0, options.retries ? *options.retries
                                                                                  : spec.retries  ? *spec.retries
                                                                                                  : caller.options_.retries);
  std::vector<io::Address> tried;
  for (std::optional<Error> last;; ++current.number) {
    auto choice = caller.choose(spec, options, tried);
    if (!choice) co_return fail(choice.error().code(), "{}.{}: {}", caller.interface_, spec.method, choice.error());
    if (std::find(tried.begin(), tried.end(), choice->provider->address) != tried.end()) {
      if (auto waited = co_await caller.pause(current.number - 1, current.deadline); !waited) {
        --current.number;
        co_return std::unexpected(
            caller.describe(current, Error(waited.error().code(), fmt::format("{}, in the pause after: {}", waited.error(), *last))));
      }
    }
    current.choice = std::move(*choice);
    auto done = co_await caller.attempt(current);
    if (options.response != nullptr) {
      options.response->address = current.provider().address;
      options.response->attempts = current.number;
    }
    if (done) co_return done;
    last = std::move(done.error());
    const bool again = current.number < current.most && is_retryable(*last) && !caller.closed_ && !scope.cancelled() &&
                       caller.shard_.clock().now_monotonic() < current.deadline && caller.may_repeat();
    if (!again) co_return std::unexpected(caller.describe(current, *last));
    tried.push_back(current.provider().address);
  }
}

}  // namespace sofa::rpc::detail
