#include "sofa/rpc/detail/shard_server.h"

#include <charconv>

#include "sofa/rpc/detail/response_codec.h"
#include "sofa/transport/session.h"

namespace sofa::rpc::detail {

namespace {

std::string no_service(std::string_view service) { return fmt::format("RPC-020100010: RPC cannot find service: [{}] ", service); }
std::string no_method(std::string_view service, std::string_view method) {
  return fmt::format("RPC-020100011: Cannot find invoke method: [{}], service: [{}] ", method, service);
}

/// A service should return its errors; what it throws all the same is answered, too.
Error thrown_error(const MethodEntry& entry, const std::exception& e) {
  return Error(Code::internal, fmt::format("{}.{} threw an exception: {}", entry.service, entry.method->name(), e.what()));
}

}  // namespace

/// The header entries that say where a call goes and until when, found in one walk.
struct ShardServer::Route {
  std::string_view service, target_service, method, remaining_ms;

  explicit Route(const bolt::HeaderMap& header) {
    for (const auto& [key, value] : header) {
      switch (key.size()) {
        case 7:
          if (key == "service") service = value;
          break;
        case 21:
          if (key == "sofa_head_method_name") method = value;
          break;
        case 24:
          if (key == "sofa_head_target_service") target_service = value;
          break;
        case 30:
          if (key == "sofa_head_deadline_remain_time") remaining_ms = value;
          break;
        default:
          break;
      }
    }
    if (service.empty()) service = target_service;
  }
};

Result<void> ShardServer::add_services(const std::vector<ServiceEntry>& services) {
  for (const ServiceEntry& service : services) {
    if (auto ok = services_.add(service.name, service.make(io::Shard::current().index())); !ok) return ok;
  }
  return {};
}

void ShardServer::refuse(const bolt::Frame& frame, transport::Responder& responder, std::string_view text) {
  counters_.refused.add();
  const Pairs headers{{std::string(kErrorHeader), "true"}};
  Buffer header, content;
  write_response_header(header, headers);
  if (frame.codec == bolt::kCodecHessian) {
    write_error_response(content, text, headers);
  } else {
    content.append(text);
  }
  [[maybe_unused]] const auto sent = responder.answer(kResponseClass, header.span(), content.take());
}

Deadline ShardServer::deadline_of(const transport::IncomingRequest& request, const Route& route) {
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

const MethodEntry* ShardServer::find_method(const transport::IncomingRequest& request, const Route& route, transport::Responder& responder,
                                            ArgumentsAt& at) {
  const bolt::Frame& frame = request.frame;
  const MethodEntry* entry = nullptr;
  if (frame.codec == bolt::kCodecHessian) {
    RequestHead head;
    if (auto done = head.read(frame.content()); !done) {
      counters_.refused.add();
      answer_failure(responder, bolt::Status::server_deserial_exception, done.error().to_string());
      return nullptr;
    }
    // The header wins: a proxy rewrites it and leaves the content as it was (section 2.1).
    const std::string_view service = route.service.empty() ? head.service() : route.service;
    const std::string_view method = route.method.empty() ? head.method() : route.method;
    at = head.arguments_at();
    entry = services_.find(service, method, head.signatures());
    if (entry != nullptr) return entry;
    refuse(frame, responder, services_.has_service(service) ? no_method(service, method) : no_service(service));
    return nullptr;
  }
  if (frame.codec == bolt::kCodecProtobuf) {
    entry = services_.find(route.service, route.method, ";;");  // the one argument has no Java signature
  } else {
    entry = services_.find_for_json(route.service, route.method, as_text(frame.content()));
  }
  if (entry != nullptr) return entry;
  refuse(frame, responder, services_.has_service(route.service) ? no_method(route.service, route.method) : no_service(route.service));
  return nullptr;
}

void ShardServer::handle(transport::IncomingRequest& request, transport::Responder& responder) {
  ArgumentsAt at;
  const Route route(request.header);
  const MethodEntry* entry = find_method(request, route, responder, at);
  if (entry == nullptr) return;
  counters_.calls.add();
  const Deadline deadline = deadline_of(request, route);
  if (is_past(deadline)) {
    counters_.dropped.add();  // it waited longer than its caller does
    return responder.discard();
  }
  Implementation& implementation = *entry->method->implementation();
  if (!implementation.is_coroutine && filters_.empty()) {
    BoltCall call(request.frame, responder, *entry, at, counters_);
    ServerCallAccess::fill(call.context(), entry->service, entry->method->name(), request.session.peer(), deadline, request.oneway(), request.header);
    try {
      implementation.serve_now(call);
    } catch (const std::exception& e) {
      call.answer(thrown_error(*entry, e));
    }
    return;
  }
  if (running_.size() >= options_.max_calls) {
    counters_.busy.add();
    [[maybe_unused]] const auto sent = responder.answer_error(bolt::Status::server_busy);
    return;
  }
  running_.spawn("rpc call", run(*this, std::move(request.frame), request.header, std::move(responder), *entry, at, deadline));
}

Task<void> ShardServer::run(ShardServer& self, bolt::Frame frame, bolt::HeaderMap header, transport::Responder responder, const MethodEntry& entry,
                            ArgumentsAt at, Deadline deadline) {
  // The responder keeps the session, and with it the parent of this scope.
  io::Scope scope(&responder.session()->scope(), nullptr, deadline);
  BoltCall call(frame, responder, entry, at, self.counters_);
  ServerCallAccess::fill(call.context(), entry.service, entry.method->name(), responder.session()->peer(), deadline, responder.oneway(), header);
  scope.set_context(&call.context());
  Values values(entry.method->shape());
  if (!call.read_arguments(values.arguments())) co_return;
  Result<void> done;
  try {
    if (self.filters_.empty()) {
      done = co_await entry.method->implementation()->invoke(call.context(), values.arguments(), values.result()).in(scope);
    } else {
      done = co_await self.pass_filters(call, entry, values).in(scope);
    }
  } catch (const std::exception& e) {
    done = std::unexpected(thrown_error(entry, e));
  }
  if (done) {
    call.answer(entry.method->shape().result.construct == nullptr ? nullptr : values.result());
  } else {
    call.answer(std::move(done.error()));
  }
}

Task<Result<void>> ShardServer::pass_filters(BoltCall& call, const MethodEntry& entry, Values& values) {
  struct Last {
    const MethodEntry& entry;
    Values& values;
  } last{entry, values};
  std::vector<AnyRef> arguments;
  const MethodShape& shape = entry.method->shape();
  for (size_t i = 0; i < shape.arguments.size(); ++i) arguments.push_back({shape.arguments[i].type, values.arguments()[i]});
  Invocation invocation{.service = entry.service,
                        .method = entry.method->name(),
                        .arguments = arguments,
                        .result = {shape.result.type, values.result()},
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

Task<void> ShardServer::stop() {
  running_.cancel("the server is stopping");
  [[maybe_unused]] const auto ended = co_await running_.join();
}

}  // namespace sofa::rpc::detail
