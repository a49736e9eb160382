#include "sofa/rpc/detail/http_face.h"

#include "sofa/http/content_coding.h"
#include "sofa/http/origin.h"
#include "sofa/rpc/detail/http_trace.h"
#include "sofa/rpc/detail/request_route.h"

namespace sofa::rpc::detail {

namespace {

void answer_head(http::ExchangePtr exchange, bool known) { [[maybe_unused]] const auto sent = exchange->send_response(known ? 200 : 404, {}, true); }

/// The method, and what the request says beside its bytes. Errors: what to answer.
Result<const MethodEntry*> find(const ServiceTable& services, const HttpRequest& request, const hessian::ClassFilter& classes, HttpCallParts& parts) {
  const std::string& service = request.target().service;
  const std::string& method = request.target().method;
  const std::vector<const MethodEntry*> overloads = services.overloads(service, method);
  if (overloads.empty()) return fail(Code::not_found, "{}", unknown_method(services, service, method));
  if (parts.serializer == HttpSerializer::hessian) {
    RequestHead head;
    if (auto done = head.read(request.body(), &classes); !done) return forward_error(done);
    parts.at = head.arguments_at();
    const MethodEntry* const entry = services.find(service, method, head.signatures());
    if (entry == nullptr) return fail(Code::not_found, "{}", unknown_method(services, service, method));
    return entry;
  }
  if (parts.serializer == HttpSerializer::json) {
    const MethodEntry* const entry = services.find_for_json(service, method, as_text(request.body()));
    if (entry == nullptr) return fail(Code::not_found, "{}", unknown_method(services, service, method));
    return entry;
  }
  const auto takes_message = std::ranges::find_if(overloads, [](const MethodEntry* entry) { return !entry->is_wrapped(); });
  if (takes_message != overloads.end()) return *takes_message;
  if (parts.serializer == HttpSerializer::protobuf) return overloads.front();  // which says what it takes
  const bool in_query = request.head().method == "GET";
  auto arguments = in_query ? WrittenArguments::of_query(request.head().query()) : WrittenArguments::of_json(as_text(request.body()));
  if (!arguments) return forward_error(arguments);
  parts.arguments = std::move(*arguments);
  return parts.arguments->choose(overloads);
}

}  // namespace

bool HttpFace::is_ours(const http::RequestHead& head, const HttpTarget& target) const {
  if (head.headers.contains(kSerializeType) || target.has_version) return true;
  const ServiceTable& services = here().services();
  if (!services.has_service(target.service)) return false;
  // At a gRPC path a protobuf method belongs to gRPC's faces.
  const auto overloads = services.overloads(target.service, target.method);
  return !target.is_plain_name || (!overloads.empty() && overloads.front()->is_wrapped());
}

bool HttpFace::is_foreign(const http::RequestHead& head) const {
  const auto& cors = here().options().cors;
  return http::is_from_foreign_page(head, cors ? std::span<const std::string>(cors->origins) : std::span<const std::string>());
}

void HttpFace::handle(http::ExchangePtr exchange) {
  const http::RequestHead& head = exchange->request();
  if (head.headers.get_or("content-type").starts_with("application/grpc")) return next().handle(std::move(exchange));
  auto target = http_target(head.path());
  if (!target || !is_ours(head, *target)) return next().handle(std::move(exchange));
  if (head.method == "HEAD") {
    const bool known = !here().services().overloads(target->service, target->method).empty();
    return answer_head(std::move(exchange), known);
  }
  // Other than a route, a method may change something by GET: a navigation, which passes http::PageGuard, calls none.
  if (is_foreign(head)) return http::refuse_page(*exchange);
  if (head.method != "POST" && head.method != "GET") {
    [[maybe_unused]] const auto sent = http::respond_text(*exchange, 405, "a method is called by POST or GET", {{"allow", "GET, HEAD, POST"}});
    return;
  }
  if (const std::string why = http::undecoded(head); !why.empty()) {
    [[maybe_unused]] const auto sent = http::respond_text(*exchange, 415, why, http::accepted_codings());
    return;
  }
  const auto ready = [](void* self, std::unique_ptr<HttpRequest> request) {
    auto& face = *static_cast<HttpFace*>(self);
    serve(face.here(), std::move(request), face.messages_);
  };
  HttpRequest::receive(std::move(exchange), std::move(*target), here().options().max_frame, ready, this);
}

void HttpFace::serve(ShardServer& shard, std::unique_ptr<HttpRequest> request, const grpc::JsonCodec* messages) {
  const auto refuse = [&](int status, const Error& error) {
    shard.counters().refused.add();
    request->answer_error(status, error);
  };
  const bool in_query = request->head().method == "GET";
  const auto serializer = in_query ? Result<HttpSerializer>(HttpSerializer::written) : http_serializer(request->head());
  if (!serializer) return refuse(415, serializer.error());
  HttpCallParts parts{.serializer = *serializer, .messages = messages};
  const auto entry = find(shard.services(), *request, shard.options().classes, parts);
  if (!entry) return refuse(entry.error().code() == Code::not_found ? 404 : 400, entry.error());
  shard.counters().calls.add();
  CallTimer timer = shard.begin_call(**entry, CallProtocol::http, request->head().headers.get_or("app"));
  if (!shard.needs_task(**entry)) {
    HttpServerCall call(*request, parts, **entry, shard, std::move(timer));
    return ShardServer::serve_now(call, **entry);
  }
  auto place = shard.take_place();
  if (!place) {
    timer.end(Code::resource_exhausted);
    return request->answer_error(503, refusal(kFull), {{"retry-after", "1"}});
  }
  shard.spawn(run(shard, std::move(*place), std::move(request), std::move(parts), **entry, std::move(timer)));
}

Task<void> HttpFace::run(ShardServer& shard, [[maybe_unused]] CallsOfShard::Place place, std::unique_ptr<HttpRequest> request, HttpCallParts parts,
                         const MethodEntry& entry, CallTimer timer) {
  io::Scope scope(&co_await io::current_scope(), nullptr, request->deadline());
  request->cancel_when_gone(scope);
  HttpServerCall call(*request, parts, entry, shard, std::move(timer));
  co_await shard.serve(call, entry, scope);
  request->cancel_nothing();
}

}  // namespace sofa::rpc::detail
