#include "sofa/grpc/web.h"

#include <algorithm>
#include <charconv>

#include "sofa/grpc/detail/connect_exchange.h"
#include "sofa/grpc/detail/grpc_web_exchange.h"

namespace sofa::grpc {

namespace {

/// The type without its parameters.
std::string_view media_type(const http::Headers& headers) {
  std::string_view type = headers.get_or("content-type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  return type;
}

bool is_grpc_web(std::string_view type) {
  return type == "application/grpc-web" || type == "application/grpc-web+proto" || type == "application/grpc-web-text" ||
         type == "application/grpc-web-text+proto";
}

/// What a content type of Connect says.
struct ConnectType {
  bool json, stream;
};

std::optional<ConnectType> connect_type(std::string_view type) {
  if (type == "application/json") return ConnectType{.json = true, .stream = false};
  if (type == "application/proto") return ConnectType{.json = false, .stream = false};
  if (type == "application/connect+json") return ConnectType{.json = true, .stream = true};
  if (type == "application/connect+proto") return ConnectType{.json = false, .stream = true};
  return std::nullopt;
}

/// The deadline of a Connect request as "grpc-timeout" has it; empty without one.
Result<std::string> connect_timeout(const http::Headers& headers) {
  const auto text = headers.get("connect-timeout-ms");
  if (!text) return std::string();
  constexpr size_t kMostDigits = 10;
  int64_t milliseconds = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), milliseconds);
  if (text->size() > kMostDigits || read.ec != std::errc() || read.ptr != text->data() + text->size() || milliseconds < 0) {
    return fail(Code::invalid_argument, "connect-timeout-ms is '{}'; it is a number of milliseconds of at most 10 digits", *text);
  }
  return format_timeout(std::chrono::milliseconds(milliseconds));
}

/// What of the head of a Connect request cannot be served.
Result<void> check_connect(const http::Headers& headers, const ConnectType& type) {
  if (const std::string_view version = headers.get_or("connect-protocol-version", "1"); version != "1") {
    return fail(Code::invalid_argument, "connect-protocol-version is '{}'; this server speaks 1", version);
  }
  const std::string_view field = type.stream ? "connect-content-encoding" : "content-encoding";
  if (const std::string_view encoding = headers.get_or(field, "identity"); encoding != "identity") {
    return fail(Code::unimplemented, "{} is '{}'; send the message as it is (identity)", field, encoding);
  }
  return {};
}

/// The types that a path is called with, for who used another one.
http::Headers types_of(PathKind kind, bool json) {
  const std::string_view prefix = kind == PathKind::unary ? "application/" : "application/connect+";
  return {{"accept-post", fmt::format("{}{}proto, application/grpc-web+proto", json ? fmt::format("{}json, ", prefix) : "", prefix)}};
}

void refuse_type(http::Exchange& exchange, PathKind kind, bool json) {
  http::Headers types = types_of(kind, json);
  const std::string sentence = fmt::format("{} takes {}; '{}' is none of them\n", exchange.request().path(), types.get_or("accept-post"),
                                           exchange.request().headers.get_or("content-type"));
  [[maybe_unused]] const auto sent = http::respond_text(exchange, 415, sentence, std::move(types));
}

}  // namespace

void WebHandler::handle(http::ExchangePtr exchange) {
  const http::RequestHead& request = exchange->request();
  if (request.method != "POST") return next().handle(std::move(exchange));
  const std::string_view type = media_type(request.headers);
  if (is_grpc_web(type)) return next().handle(std::make_unique<detail::GrpcWebExchange>(std::move(exchange), type));
  const auto connect = connect_type(type);
  if (!connect) return next().handle(std::move(exchange));

  const PathKind kind = server_.kind_of(request.path());
  if (kind == PathKind::none) {
    if (server_.has_fallback()) return next().handle(std::move(exchange));
    return detail::answer_connect_error(*exchange, Error(Code::unimplemented, fmt::format("no method is served at {}", request.path())));
  }
  if (connect->stream != (kind == PathKind::stream) || (connect->json && codec_ == nullptr)) return refuse_type(*exchange, kind, codec_ != nullptr);
  if (auto checked = check_connect(request.headers, *connect); !checked) {
    return detail::answer_connect_error(*exchange, checked.error(), {{"accept-encoding", "identity"}});
  }
  const auto timeout = connect_timeout(request.headers);
  if (!timeout) return detail::answer_connect_error(*exchange, timeout.error());
  const JsonCodec* const codec = connect->json ? codec_ : nullptr;
  const size_t most = server_.options().max_receive_message;
  if (connect->stream) return next().handle(std::make_unique<detail::ConnectStream>(std::move(exchange), *timeout, codec, most));
  next().handle(std::make_unique<detail::ConnectUnary>(std::move(exchange), *timeout, codec, most));
}

}  // namespace sofa::grpc
