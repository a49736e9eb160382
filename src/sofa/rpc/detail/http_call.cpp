#include "sofa/rpc/detail/http_call.h"

#include "sofa/base/json.h"
#include "sofa/base/log.h"
#include "sofa/http/router.h"
#include "sofa/rpc/detail/admission.h"
#include "sofa/rpc/detail/http_trace.h"
#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/protobuf_codec.h"
#include "sofa/rpc/detail/response_codec.h"
#include "sofa/rpc/exception.h"

namespace sofa::rpc::detail {

namespace {

std::string_view content_type(HttpSerializer serializer) {
  switch (serializer) {
    case HttpSerializer::hessian:
      return "application/hessian";
    case HttpSerializer::protobuf:
      return "application/protobuf";
    case HttpSerializer::written:
    case HttpSerializer::json:
      break;
  }
  return "application/json";
}

}  // namespace

Result<HttpSerializer> http_serializer(const http::RequestHead& request) {
  if (const auto alias = request.headers.get(kSerializeType)) {
    if (*alias == "hessian2" || *alias == "hessian") return HttpSerializer::hessian;
    if (*alias == "json") return HttpSerializer::json;
    if (*alias == "protobuf") return HttpSerializer::protobuf;
    return fail(Code::unimplemented, "{} is '{}'; this server reads hessian2, json and protobuf", kSerializeType, *alias);
  }
  const std::string_view type = request.headers.get_or("content-type");
  const auto has = [type](std::string_view word) { return type.find(word) != std::string_view::npos; };
  // A page sends such a body without asking; those that may call can say what it is.
  if (type.empty() && request.headers.contains("origin") && request.headers.get_or("content-length") != "0") {
    return fail(Code::unimplemented, "the body of a page's request has no content type; use application/json");
  }
  // A form is what curl -d says of any text.
  if (type.empty() || has("json") || has("text/plain") || has("text/html") || has("application/x-www-form-urlencoded")) {
    return HttpSerializer::written;
  }
  if (has("proto")) return HttpSerializer::protobuf;
  if (has("hessian")) return HttpSerializer::hessian;
  return fail(Code::unimplemented, "the content type '{}' is unknown here; use application/json, application/protobuf, or {}: hessian2", type,
              kSerializeType);
}

std::optional<HttpTarget> http_target(std::string_view path) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos || path.find('/', slash + 1) != std::string_view::npos) return std::nullopt;
  auto service = http::percent_decode(path.substr(0, slash));
  auto method = http::percent_decode(path.substr(slash + 1));
  if (!service || !method || service->empty() || method->empty()) return std::nullopt;
  const size_t colon = std::min(service->find(':'), service->size());
  const std::string_view behind = std::string_view(*service).substr(std::min(colon + 1, service->size()));
  HttpTarget target{
      .service = {}, .method = {}, .has_version = !behind.empty() && behind[0] >= '0' && behind[0] <= '9', .is_plain_name = colon == service->size()};
  if (!target.has_version) service->insert(colon, ":1.0");
  target.service = std::move(*service);
  target.method = std::move(*method);
  return target;
}

HttpRequest::HttpRequest(http::ExchangePtr exchange, HttpTarget target, size_t max_body, Ready ready, void* context)
    : exchange_(std::move(exchange)),
      target_(std::move(target)),
      max_body_(max_body),
      ready_(ready),
      context_(context),
      deadline_(deadline_after_remaining(exchange_->request().headers.get_or(kRemainingTime), io::Shard::current().now())),
      trace_(trace_context(exchange_->request().headers)) {}

void HttpRequest::receive(http::ExchangePtr exchange, HttpTarget target, size_t max_body, Ready ready, void* context) {
  auto* const request = new HttpRequest(std::move(exchange), std::move(target), max_body, ready, context);
  request->exchange_->set_sink(request);
}

bolt::HeaderMap HttpRequest::trace() const { return *bolt::HeaderMap::parse(trace_.span()); }  // pairs of our own making

void HttpRequest::on_data(ByteSpan data) {
  exchange_->consumed(data.size());
  if (body_.size() + data.size() <= max_body_) {
    body_.append(data);
    const auto held = exchange_->hold(body_.size());
    if (held) return;
    answer_error(503, held.error(), {{"retry-after", "1"}});
    delete this;
    return;
  }
  answer_error(413, Error(Code::resource_exhausted, fmt::format("the body is longer than {} bytes, the limit for one call (max_frame)", max_body_)));
  delete this;
}

void HttpRequest::on_end(http::Headers&) {
  if (std::exchange(handed_over_, true)) return;
  [[maybe_unused]] const auto whole = exchange_->hold(0);
  ready_(context_, std::unique_ptr<HttpRequest>(this));
}

void HttpRequest::on_abort(Error) {
  gone_ = true;
  handed_over_ ? cancel_scope() : delete this;
}

void HttpRequest::cancel_scope() {
  cancelled_ = true;
  if (scope_ != nullptr) scope_->cancel(Error(Code::cancelled, "the caller is gone"));
}

void HttpRequest::cancel_when_gone(io::Scope& scope) {
  scope_ = &scope;
  if (cancelled_) cancel_scope();
}

void HttpRequest::answer(int status, std::string_view content_type, Bytes body, http::Headers fields) {
  if (gone_) return;
  add_trace_fields(head().headers, fields);
  const auto sent = http::respond(*exchange_, status, content_type, std::move(body), std::move(fields));
  // A field that HTTP cannot carry, which the service has put beside its answer.
  if (!sent && sent.error().code() == Code::invalid_argument) {
    [[maybe_unused]] const auto told = http::respond_text(*exchange_, 500, sent.error().to_string());
  }
}

void HttpRequest::answer_error(int status, const Error& error, http::Headers further) {
  if (!is_of_sofa_client()) return answer(status, "application/json", Bytes::copy_of(grpc::error_json(error)), std::move(further));
  answer(status, "text/plain; charset=utf-8", Bytes::copy_of(fmt::format("{}\n", error.to_string())), std::move(further));
}

HttpServerCall::HttpServerCall(HttpRequest& request, const HttpCallParts& parts, const MethodEntry& entry, ShardServer& shard, CallTimer timer)
    : ServerCall(std::move(timer)), request_(request), parts_(parts), entry_(entry), shard_(shard) {
  ServerCallAccess::fill(context_, entry.service, entry.method->name(), request.exchange(), request.deadline(), request.trace());
}

Result<void> HttpServerCall::read_message(void* into) const {
  const ProtobufOps& protobuf = *entry_.method->shape().arguments[0].protobuf;
  if (parts_.serializer == HttpSerializer::protobuf) return detail::read_message(request_.body(), protobuf, into, entry_.method->name());
  if (parts_.serializer == HttpSerializer::hessian || parts_.messages == nullptr || entry_.grpc_path.empty()) {
    return fail(Code::invalid_argument, "{} takes a protobuf message; send it as application/protobuf", entry_.method->name());
  }
  Buffer message;
  if (auto done = parts_.messages->read_request(entry_.grpc_path, as_text(request_.body()), message); !done) return done;
  return detail::read_message(message.span(), protobuf, into, entry_.method->name());
}

Result<void> HttpServerCall::read_content(void* const* into) const {
  const MethodBase& method = *entry_.method;
  if (method.shape().result.protobuf != nullptr) return read_message(into[0]);
  switch (parts_.serializer) {
    case HttpSerializer::written:
      return parts_.arguments->read(method, into);
    case HttpSerializer::json:
      return read_json_arguments(as_text(request_.body()), method.shape(), into);
    case HttpSerializer::hessian:
      return rpc::detail::read_arguments(request_.body(), parts_.at, method.shape(), into, method.name(), &shard_.options().classes);
    case HttpSerializer::protobuf:
      break;
  }
  return fail(Code::invalid_argument, "{} takes no protobuf message; use json or hessian2", method.name());
}

bool HttpServerCall::read(void* const* into) {
  const auto done = read_content(into);
  if (done) return true;
  shard_.counters().refused.add();
  timer().end(Code::invalid_argument, done.error().message());
  request_.answer_error(400, done.error());
  return false;
}

Result<void> HttpServerCall::write_message(Buffer& out, const void* result) const {
  const ProtobufOps& protobuf = *entry_.method->shape().result.protobuf;
  if (parts_.serializer == HttpSerializer::protobuf) return detail::write_message(out, protobuf, result, entry_.method->name());
  Buffer message;
  if (auto done = detail::write_message(message, protobuf, result, entry_.method->name()); !done) return done;
  return parts_.messages->write_response(entry_.grpc_path, message.span(), out);
}

Result<void> HttpServerCall::write(Buffer& out, const void* result) const {
  const MethodShape& shape = entry_.method->shape();
  if (shape.result.protobuf != nullptr) return write_message(out, result);
  if (parts_.serializer == HttpSerializer::hessian) {
    return write_value_response(out, shape.result, shape.plain_result, result, context_.response_headers());
  }
  return write_json_result(out, shape.result, result);
}

http::Headers HttpServerCall::fields() const {
  http::Headers fields;
  for (const auto& [name, value] : context_.response_headers()) fields.add(name, value);
  if (const auto alias = request_.head().headers.get(kSerializeType)) fields.add(kSerializeType, *alias);
  return fields;
}

std::optional<Code> HttpServerCall::unanswerable() {
  if (request_.is_gone()) return shard_.counters().dropped.add(), Code::cancelled;
  if (!is_past(context_.deadline())) return std::nullopt;
  shard_.counters().dropped.add();
  request_.answer_error(504, Error(Code::deadline_exceeded, fmt::format("{} was not answered within the caller's deadline", entry_.method->name())));
  return Code::deadline_exceeded;
}

/// No caller with the same bound would take it.
Code HttpServerCall::refuse_answer(size_t size) {
  static const Logger log{"rpc"};
  constexpr uint32_t kLinesPerSecond = 10;
  static LogRate rate(kLinesPerSecond);
  const Error error(Code::resource_exhausted,
                    fmt::format("the answer is too large: {} bytes, over max_frame ({}); send less or raise it", size, shard_.options().max_frame));
  log.warn(rate, "answer not sent", {{"service", entry_.service}, {"method", entry_.method->name()}, {"reason", error.message()}});
  shard_.counters().errors.add();
  request_.answer_error(500, error, fields());
  return error.code();
}

std::optional<Code> HttpServerCall::send(const void* result) {
  if (const auto why = unanswerable()) return why;
  Buffer out;
  if (auto written = write(out, result); !written) {
    shard_.counters().errors.add();
    request_.answer_error(500, written.error(), fields());
    return Code::internal;
  }
  if (out.size() > shard_.options().max_frame) return refuse_answer(out.size());
  request_.answer(200, content_type(parts_.serializer), out.take(), fields());
  return std::nullopt;
}

std::optional<Code> HttpServerCall::send(Error error) {
  shard_.counters().errors.add();
  if (const auto why = unanswerable()) return why;
  if (error.detail<Refused>() != nullptr) {
    request_.answer_error(503, error, {{"retry-after", "1"}});
    return error.code();
  }
  const Code code = error.code();
  const auto* thrown = error.detail<JavaException>();
  http::Headers further = fields();
  further.add(kErrorHeader, "true");
  if (thrown == nullptr) further.add(kCodeHeader, to_string(code));
  const int status = request_.is_of_sofa_client() ? 200 : http::status_of(code);
  request_.answer_error(status, thrown != nullptr ? Error(code, thrown->to_string()) : error, std::move(further));
  return code;
}

}  // namespace sofa::rpc::detail
