#include "sofa/rpc/detail/shard_server.h"

#include <charconv>

#include "sofa/rpc/detail/response_codec.h"
#include "sofa/transport/session.h"

namespace sofa::rpc::detail {

namespace {

/// A service should return its errors; what it throws all the same is answered, too.
Error thrown_error(const MethodEntry& entry, const std::exception& e) {
  return Error(Code::internal, fmt::format("{}.{} threw an exception: {}", entry.service, entry.method->name(), e.what()));
}

}  // namespace

Result<void> ShardServer::add_services(const std::vector<ServiceEntry>& services) {
  for (const ServiceEntry& service : services) {
    if (auto ok = services_.add(service.name, service.make(io::Shard::current().index()), service.proto_name); !ok) return ok;
    if (service.options.concurrents == 0) continue;
    Admission* admission = admissions_.emplace_back(std::make_unique<Admission>(service.name, service.options)).get();
    for (const auto& entry : services_.entries()) {
      if (entry->service == service.name) entry->admission = admission;
    }
  }
  return {};
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
  const std::string_view remaining = route.remaining_ms;
  int64_t milliseconds = 0;
  if (!remaining.empty() && std::from_chars(remaining.data(), remaining.data() + remaining.size(), milliseconds).ec == std::errc() &&
      milliseconds >= 0 && milliseconds < INT32_MAX) {
    deadline = std::min(deadline, request.arrival + std::chrono::milliseconds(milliseconds));
  }
  return deadline;
}

void ShardServer::handle(transport::IncomingRequest& request, transport::Responder& responder) {
  const RequestRoute route(request.header);
  const auto found = find_method(request.frame, route, services_, options_.classes);
  if (!found) return refuse(request.frame, responder, found.error());
  const auto& [entry, at] = *found;
  counters_.calls.add();
  const Deadline deadline = deadline_of(request, route);
  if (is_past(deadline)) {
    counters_.dropped.add();  // it waited longer than its caller does
    return responder.discard();
  }
  if (!needs_task(*entry)) {
    BoltCall call(request.frame, responder, *entry, at, options_.classes, counters_);
    ServerCallAccess::fill(call.context(), entry->service, entry->method->name(), request.session.peer(), deadline, request.oneway(), request.header);
    return serve_now(call, *entry);
  }
  if (is_full()) {
    counters_.busy.add();
    [[maybe_unused]] const auto sent = responder.answer_error(bolt::Status::server_busy);
    return;
  }
  spawn(run(*this, std::move(request.frame), request.header, std::move(responder), *entry, at, deadline));
}

Task<void> ShardServer::run(ShardServer& self, bolt::Frame frame, bolt::HeaderMap header, transport::Responder responder, const MethodEntry& entry,
                            ArgumentsAt at, Deadline deadline) {
  // The responder keeps the session, and with it the parent of this scope.
  io::Scope scope(&responder.session()->scope(), nullptr, deadline);
  BoltCall call(frame, responder, entry, at, self.options_.classes, self.counters_);
  ServerCallAccess::fill(call.context(), entry.service, entry.method->name(), responder.session()->peer(), deadline, responder.oneway(), header);
  co_await self.serve(call, entry, scope);
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
  if (place) co_return co_await serve_at_once(call, entry, scope);
  if (place.error().detail<Refused>() != nullptr) counters_.busy.add();
  call.answer(std::move(place.error()));
}

Task<void> ShardServer::serve_at_once(ServerCall& call, const MethodEntry& entry, io::Scope& scope) {
  scope.set_context(&call.context());
  Values values(entry.method->shape());
  if (!call.read_arguments(values.arguments())) co_return;
  Result<void> done;
  try {
    if (filters_.empty()) {
      done = co_await entry.method->implementation()->invoke(call.context(), values.arguments(), values.result()).in(scope);
    } else {
      done = co_await pass_filters(call, entry, values).in(scope);
    }
    if (done) call.answer(entry.method->shape().result.construct == nullptr ? nullptr : values.result());
  } catch (const std::exception& e) {
    done = std::unexpected(thrown_error(entry, e));
  }
  if (!done) call.answer(std::move(done.error()));
}

Task<Result<void>> ShardServer::pass_filters(ServerCall& call, const MethodEntry& entry, Values& values) {
  struct Last {
    const MethodEntry& entry;
    Values& values;
  } last{entry, values};
  const InvocationValues shown(&entry.method->shape(), values.arguments(), values.result());
  Invocation invocation{.service = entry.service,
                        .method = entry.method->name(),
                        .arguments = shown.arguments,
                        .result = shown.result,
                        .context = &call.context(),
                        .address = &call.context().peer()};
  const Next next(
      filters_,
      [](void* context, Invocation& invoked) {
        Last& target = *static_cast<Last*>(context);
        return target.entry.method->implementation()->invoke(*invoked.context, target.values.arguments(), target.values.result());
      },
      &last);
  co_return co_await next(invocation);
}

Task<Result<void>> ShardServer::serve_stream(Context& context, const MethodEntry& entry, MessageStream& messages) {
  struct Last {
    const MethodEntry& entry;
    MessageStream& messages;
  } last{entry, messages};
  Invocation invocation{.service = entry.service, .method = entry.method->name(), .context = &context, .address = &context.peer()};
  const Next next(
      filters_,
      [](void* target, Invocation& invoked) {
        Last& to = *static_cast<Last*>(target);
        return to.entry.method->stream_implementation()->serve(*invoked.context, to.messages);
      },
      &last);
  co_return co_await next(invocation);
}

Task<void> ShardServer::stop() {
  running_.cancel("the server is stopping");
  [[maybe_unused]] const auto ended = co_await running_.join();
}

}  // namespace sofa::rpc::detail
