#include "sofa/rpc/detail/shard_server.h"

#include "sofa/rpc/detail/response_codec.h"
#include "sofa/transport/session.h"

namespace sofa::rpc::detail {

namespace {

/// The filters of a service: the server's without those that it excludes, and its own, in order.
Filters filters_of(const Filters& of_server, const ServiceOptions& options) {
  Filters filters;
  for (const auto& filter : of_server) {
    if (std::ranges::find(options.without_filters, filter->name()) == options.without_filters.end()) filters.push_back(filter);
  }
  filters.insert(filters.end(), options.filters.begin(), options.filters.end());
  return in_order(std::move(filters));
}

/// A service should return its errors; what it throws all the same is answered, too.
Error thrown_error(const MethodEntry& entry, const std::exception& e) {
  return Error(Code::internal, fmt::format("{}.{} threw an exception: {}", entry.service, entry.method->name(), e.what()));
}

}  // namespace

ShardServer::ShardServer(const ServerOptions& options, const Filters& filters, Counters& counters, std::shared_ptr<CallsOfServer> calls)
    : options_(options),
      filters_(filters),
      counters_(counters),
      log_(options.calls == nullptr ? nullptr : &options.calls->here()),
      calls_(std::make_shared<CallsOfShard>(options.max_calls, std::move(calls))) {}

Result<void> ShardServer::add_services(const std::vector<ServiceEntry>& services) {
  for (const ServiceEntry& service : services) {
    const ServiceOptions& options = service.options;
    const Filters& filters = service_filters_.emplace_back(filters_of(filters_, options));
    const ServiceRules rules{.include = options.include,
                             .exclude = options.exclude,
                             .pool = options.pool.get(),
                             .filters = filters,
                             .since = options.delay > Duration::zero() ? io::Shard::current().now() + options.delay : Instant{}};
    if (auto ok = services_.add(service.name, service.make(io::Shard::current().index()), service.proto_name, rules); !ok) return ok;
    if (service.options.concurrents == 0) continue;
    Admission* admission = admissions_.emplace_back(std::make_unique<Admission>(service.name, service.options)).get();
    for (const auto& entry : services_.entries()) {
      if (entry->service == service.name) entry->admission = admission;
    }
  }
  rows_.resize(services_.entries().size());
  return {};
}

CallTimer ShardServer::begin_call(const MethodEntry& entry, CallProtocol protocol, std::string_view app) {
  if (log_ == nullptr) return {};
  MethodCalls*& row = rows_[entry.index][static_cast<size_t>(protocol)];
  if (row == nullptr) row = &log_->method(CallSide::server, protocol, entry.service, entry.method->name());
  CallTimer timer(*log_, *row, io::Shard::current().now(), Stage::arrive, row->caller(app));
  timer.enter(Stage::queue);
  return timer;
}

void ShardServer::refuse(const bolt::Frame& frame, transport::Responder& responder, const Refusal& refusal) {
  counters_.refused.add();
  if (refusal.unreadable) return answer_failure(responder, bolt::Status::server_deserial_exception, refusal.text);
  const Pairs headers{{std::string(kErrorHeader), "true"}};
  Buffer header, content;
  write_response_header(header, headers);
  if (frame.codec == bolt::kCodecHessian) {
    write_error_response(content, refusal.text, headers);
  } else {
    content.append(refusal.text);
  }
  [[maybe_unused]] const auto sent = responder.answer(kResponseClass, header.span(), content.take());
}

Deadline ShardServer::deadline_of(const transport::IncomingRequest& request, const RequestRoute& route) {
  Deadline deadline = kNoDeadline;
  if (request.frame.timeout_ms > 0) deadline = request.arrival + std::chrono::milliseconds(request.frame.timeout_ms);
  return std::min(deadline, deadline_after_remaining(route.remaining_ms, request.arrival));
}

void ShardServer::handle(transport::IncomingRequest& request, transport::Responder& responder) {
  const RequestRoute route(request.header);
  const auto found = find_method(request.frame, route, services_, options_.classes);
  if (!found) return refuse(request.frame, responder, found.error());
  const auto& [entry, at] = *found;
  counters_.calls.add();
  CallTimer timer = begin_call(*entry, CallProtocol::bolt, route.app);
  const Deadline deadline = deadline_of(request, route);
  if (is_past(deadline)) {
    counters_.dropped.add();  // it waited longer than its caller does
    timer.end(Code::deadline_exceeded);
    return responder.discard();
  }
  if (!needs_task(*entry)) {
    BoltCall call(request.frame, responder, *entry, at, options_.classes, counters_, std::move(timer));
    ServerCallAccess::fill(call.context(), entry->service, entry->method->name(), request.session.peer(), deadline, request.oneway(), request.header);
    return serve_now(call, *entry);
  }
  auto place = take_place();
  if (!place) {
    timer.end(Code::resource_exhausted);
    [[maybe_unused]] const auto sent = responder.answer_error(bolt::Status::server_busy);
    return;
  }
  spawn(run(*this, std::move(*place), std::move(request.frame), request.header, std::move(responder), *entry, at, deadline, std::move(timer)));
}

Task<void> ShardServer::run(ShardServer& self, [[maybe_unused]] CallsOfShard::Place place, bolt::Frame frame, bolt::HeaderMap header,
                            transport::Responder responder, const MethodEntry& entry, ArgumentsAt at, Deadline deadline, CallTimer timer) {
  // The responder keeps the session, and with it the parent of this scope.
  io::Scope scope(&responder.session()->scope(), nullptr, deadline);
  BoltCall call(frame, responder, entry, at, self.options_.classes, self.counters_, std::move(timer));
  ServerCallAccess::fill(call.context(), entry.service, entry.method->name(), responder.session()->peer(), deadline, responder.oneway(), header);
  co_await self.serve(call, entry, scope);
}

bool ServerCall::read_arguments(void* const* into) {
  timer_.enter(Stage::deserialize);
  if (!read(into)) return timer_.end(Code::invalid_argument), false;
  timer_.enter(Stage::implementation);
  return true;
}

void ServerCall::answer(const void* result) {
  timer_.enter(Stage::serialize);
  const auto code = send(result);
  code ? timer_.end(*code) : timer_.end_well();
}

void ServerCall::answer(Error error) {
  timer_.enter(Stage::serialize);
  const bool busy = error.detail<Refused>() != nullptr;
  const std::string message(error.message());
  auto code = send(std::move(error));
  if (code && busy) code = Code::resource_exhausted;
  code ? timer_.end(*code, message) : timer_.end_well();
}

void ShardServer::serve_now(ServerCall& call, const MethodEntry& entry) {
  try {
    entry.method->implementation()->serve_now(call);
  } catch (const std::exception& e) {
    call.answer(thrown_error(entry, e));
  }
}

Task<void> ShardServer::serve_in_turn(ServerCall& call, const MethodEntry& entry, io::Scope& scope) {
  auto place = co_await entry.admission->enter(call.context()).in(scope);
  if (!place) co_return answer_error(call, std::move(place.error()));
  // A call that computes holds the shard. Those that wait for it in the sockets come in before the next one begins: what cannot be kept is refused
  // while its caller still waits.
  if (entry.pool == nullptr) co_await io::next_turn();
  if (auto wanted = scope.check(); !wanted) co_return answer_error(call, std::move(wanted.error()));
  co_await serve_at_once(call, entry, scope);
}

void ShardServer::count_busy(const Error& error) {
  if (error.detail<Refused>() != nullptr) counters_.busy.add();
}

void ShardServer::answer_error(ServerCall& call, Error error) {
  count_busy(error);
  call.answer(std::move(error));
}

Task<void> ShardServer::serve_at_once(ServerCall& call, const MethodEntry& entry, io::Scope& scope) {
  scope.set_context(&call.context());
  Values values(entry.method->shape());
  if (!call.read_arguments(values.arguments())) co_return;
  Result<void> done;
  try {
    if (entry.filters.empty()) {
      done = co_await invoke(call, entry, values.arguments(), values.result()).in(scope);
    } else {
      done = co_await pass_filters(call, entry, values).in(scope);
    }
    if (done) call.answer(entry.method->shape().result.construct == nullptr ? nullptr : values.result());
  } catch (const std::exception& e) {
    done = std::unexpected(thrown_error(entry, e));
  }
  if (!done) answer_error(call, std::move(done.error()));
}

namespace {

/// A plain function that may block, on a thread of its service's pool. Refused when as many calls wait for the pool as may.
Task<Result<void>> invoke_on_pool(ServerCall& call, const MethodEntry& entry, void* const* arguments, void* result) {
  const Clock& clock = io::Shard::current().clock();
  Instant begun, ended;
  call.timer().enter(Stage::queue);
  auto done = co_await io::run_blocking(*entry.pool, [&] {
    begun = clock.now_monotonic();
    auto called = entry.method->implementation()->call_now(call.context(), arguments, result);
    ended = clock.now_monotonic();
    return called;
  });
  call.timer().enter(Stage::implementation);
  call.timer().attribute(ended - begun, Stage::queue, Stage::implementation);
  const bool never_begun = begun == Instant{};
  if (!done && never_begun && done.error().code() == Code::resource_exhausted) co_return std::unexpected(refusal(done.error().message()));
  co_return done;
}

}  // namespace

Task<Result<void>> ShardServer::invoke(ServerCall& call, const MethodEntry& entry, void* const* arguments, void* result) {
  if (entry.pool != nullptr) return invoke_on_pool(call, entry, arguments, result);
  return entry.method->implementation()->invoke(call.context(), arguments, result);
}

Task<Result<void>> ShardServer::pass_filters(ServerCall& call, const MethodEntry& entry, Values& values) {
  struct Last {
    ServerCall& call;
    const MethodEntry& entry;
    Values& values;
  } last{call, entry, values};
  call.timer().enter(Stage::filters);
  const InvocationValues shown(&entry.method->shape(), values.arguments(), values.result());
  Invocation invocation{.service = entry.service,
                        .method = entry.method->name(),
                        .arguments = shown.arguments,
                        .result = shown.result,
                        .context = &call.context(),
                        .address = &call.context().peer()};
  const Next next(
      entry.filters,
      [](void* context, Invocation&) -> Task<Result<void>> {
        Last& target = *static_cast<Last*>(context);
        target.call.timer().enter(Stage::implementation);
        auto done = co_await invoke(target.call, target.entry, target.values.arguments(), target.values.result());
        target.call.timer().enter(Stage::filters);
        co_return done;
      },
      &last);
  co_return co_await next(invocation);
}

Task<Result<void>> ShardServer::serve_stream(Context& context, const MethodEntry& entry, MessageStream& messages) {
  std::optional<Admission::Place> place;  // until the stream ends
  if (entry.admission != nullptr) {
    auto entered = co_await entry.admission->enter(context);
    if (!entered) {
      count_busy(entered.error());
      co_return forward_error(entered);
    }
    place.emplace(std::move(*entered)).leave_out_of_average();
  }
  struct Last {
    const MethodEntry& entry;
    MessageStream& messages;
  } last{entry, messages};
  Invocation invocation{.service = entry.service, .method = entry.method->name(), .context = &context, .address = &context.peer()};
  const Next next(
      entry.filters,
      [](void* target, Invocation& invoked) {
        Last& to = *static_cast<Last*>(target);
        return to.entry.method->stream_implementation()->serve(*invoked.context, to.messages);
      },
      &last);
  co_return co_await next(invocation);
}

std::optional<ShardServer::OpenStream> ShardServer::open_stream() {
  if (streams_ < options_.max_streams) return std::optional<OpenStream>(std::in_place, streams_);
  counters_.busy.add();
  return std::nullopt;
}

Task<void> ShardServer::stop() {
  running_.cancel("the server is stopping");
  [[maybe_unused]] const auto ended = co_await running_.join();
  io::Scope own(&io::Shard::current().root_scope());  // also when who stops is cancelled
  co_await end_of_visits().in(own);
}

Task<void> ShardServer::end_of_visits() {
  while (visits_ > 0) {
    visits_over_.clear();
    if (!co_await visits_over_.wait()) co_return;
  }
}

}  // namespace sofa::rpc::detail
