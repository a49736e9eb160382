#include "sofa/grpc/web.h"

#include <algorithm>

#include "sofa/base/base64.h"
#include "sofa/base/text.h"
#include "sofa/grpc/detail/connect_exchange.h"
#include "sofa/grpc/detail/grpc_web_exchange.h"
#include "sofa/http/query.h"
#include "sofa/http/router.h"

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
  const auto milliseconds = whole_number<uint64_t>(*text);
  if (text->size() > kMostDigits || !milliseconds) {
    return fail(Code::invalid_argument, "connect-timeout-ms is '{}'; it is a number of milliseconds of at most 10 digits", *text);
  }
  return format_timeout(std::chrono::milliseconds(*milliseconds));
}

/// What of the head of a Connect request cannot be served.
Result<void> check_connect(const http::Headers& headers) {
  if (const std::string_view version = headers.get_or("connect-protocol-version", "1"); version != "1") {
    return fail(Code::invalid_argument, "connect-protocol-version is '{}'; this server speaks 1", version);
  }
  return {};
}

/// The encoding that is named in `where`.
Result<Encoding> known_encoding(std::string_view where, std::string_view name) {
  const auto encoding = encoding_of(name);
  if (!encoding) return fail(Code::unimplemented, "{} is '{}', which is none of {}", where, name, accepted_encodings());
  return *encoding;
}

/// The types that a path is called with, for who used another one.
http::Headers types_of(PathKind kind, bool json) {
  constexpr std::string_view kGrpc = "application/grpc, application/grpc-web+proto";
  if (kind == PathKind::unary) return {{"accept-post", fmt::format("{}application/proto, {}", json ? "application/json, " : "", kGrpc)}};
  return {{"accept-post", fmt::format("{}application/connect+proto, {}", json ? "application/json, application/connect+json, " : "", kGrpc)}};
}

/// What a GET says in its query.
struct ConnectQuery {
  std::string connect, encoding, message, base64, compression;
};

Result<ConnectQuery> read_query(std::string_view query) {
  ConnectQuery read;
  const std::pair<std::string_view, std::string*> known[] = {{"connect", &read.connect},
                                                             {"encoding", &read.encoding},
                                                             {"message", &read.message},
                                                             {"base64", &read.base64},
                                                             {"compression", &read.compression}};
  auto pairs = http::parse_query(query);
  if (!pairs) return forward_error(pairs);
  for (auto& [name, value] : *pairs) {
    const auto field = std::ranges::find(known, name, &std::pair<std::string_view, std::string*>::first);
    if (field != std::end(known)) *field->second = std::move(value);
  }
  return read;
}

/// The bytes of the message of a GET: as they are, or in base64 for URLs, padded or not.
Result<Bytes> message_of(const ConnectQuery& query) {
  if (query.base64 != "1") return Bytes::copy_of(query.message);
  const auto bytes = from_base64url(query.message);
  if (!bytes) return fail(Code::invalid_argument, "the query's message is no base64");
  return Bytes::copy_of(as_text(*bytes));
}

void refuse_type(http::Exchange& exchange, PathKind kind, bool json) {
  http::Headers types = types_of(kind, json);
  const http::RequestHead& request = exchange.request();
  const std::string sentence = fmt::format("{} takes {}; '{}' is none of them{}", request.path(), types.get_or("accept-post"),
                                           request.headers.get_or("content-type"), json ? ". With curl, write --json in place of -d" : "");
  [[maybe_unused]] const auto sent = http::respond_text(exchange, 415, sentence, std::move(types));
}

}  // namespace

// docs/protocols/connect.md, section 1.
void WebHandler::handle_get(http::ExchangePtr exchange) {
  const http::RequestHead& request = exchange->request();
  const bool callable = server_.kind_of(request.path()) == PathKind::unary && codec_ != nullptr && codec_->is_free_of_side_effects(request.path());
  if (!callable) return next().handle(std::move(exchange));
  const auto query = read_query(request.query());
  if (!query) return detail::answer_connect_error(*exchange, query.error());
  if (query->connect != "v1" || (query->encoding != "json" && query->encoding != "proto")) {
    return detail::answer_connect_error(
        *exchange,
        Error(Code::invalid_argument, fmt::format("a GET of {} needs connect=v1, encoding=json or proto, and message=...", request.path())));
  }
  const auto encoding = known_encoding("the query's compression", query->compression);
  if (!encoding) return detail::answer_connect_error(*exchange, encoding.error(), {{"accept-encoding", accepted_encodings()}});
  const auto timeout = connect_timeout(request.headers);
  const auto message = message_of(*query);
  if (!timeout || !message) return detail::answer_connect_error(*exchange, !timeout ? timeout.error() : message.error());
  const detail::ConnectForm form{.timeout = *timeout,
                                 .json = query->encoding == "json" ? codec_ : nullptr,
                                 .encoding = *encoding,
                                 .accepts_gzip = request.headers.has_token("accept-encoding", "gzip"),
                                 .max_message = server_.options().max_receive_message};
  next().handle(std::make_unique<detail::ConnectUnary>(std::move(exchange), form, *message));
}

void WebHandler::handle(http::ExchangePtr exchange) {
  const http::RequestHead& request = exchange->request();
  if (request.method == "GET") return handle_get(std::move(exchange));
  if (request.method != "POST") return next().handle(std::move(exchange));
  const std::string_view type = media_type(request.headers);
  if (is_grpc_web(type)) return next().handle(std::make_unique<detail::GrpcWebExchange>(std::move(exchange), type));
  const auto connect = connect_type(type);
  const PathKind kind = server_.kind_of(request.path());
  if (!connect) {
    const bool grpc = type.starts_with("application/grpc");
    return kind == PathKind::none || grpc ? next().handle(std::move(exchange)) : refuse_type(*exchange, kind, codec_ != nullptr);
  }
  if (kind == PathKind::none) {
    if (server_.has_fallback()) return next().handle(std::move(exchange));
    return detail::answer_connect_error(*exchange, Error(Code::unimplemented, fmt::format("no method is served at {}", request.path())));
  }
  // One who says that he speaks Connect knows its types.
  const bool plain_stream = kind == PathKind::stream && type == "application/json" && !request.headers.contains("connect-protocol-version");
  const bool fits = connect->stream == (kind == PathKind::stream) || plain_stream;
  if (!fits || (connect->json && codec_ == nullptr)) return refuse_type(*exchange, kind, codec_ != nullptr);
  if (auto checked = check_connect(request.headers); !checked) return detail::answer_connect_error(*exchange, checked.error());
  const std::string prefix = connect->stream ? "connect-" : "";
  const auto encoding = known_encoding(prefix + "content-encoding", request.headers.get_or(prefix + "content-encoding"));
  if (!encoding) return detail::answer_connect_error(*exchange, encoding.error(), {{prefix + "accept-encoding", accepted_encodings()}});
  const auto timeout = connect_timeout(request.headers);
  if (!timeout) return detail::answer_connect_error(*exchange, timeout.error());
  const detail::ConnectForm form{.timeout = *timeout,
                                 .json = connect->json ? codec_ : nullptr,
                                 .encoding = *encoding,
                                 .accepts_gzip = request.headers.has_token(prefix + "accept-encoding", "gzip"),
                                 .max_message = server_.options().max_receive_message};
  if (plain_stream) {
    const bool as_events = request.headers.has_token("accept", "text/event-stream");
    return next().handle(std::make_unique<detail::JsonStream>(std::move(exchange), form, as_events));
  }
  if (connect->stream) return next().handle(std::make_unique<detail::ConnectStream>(std::move(exchange), form));
  next().handle(std::make_unique<detail::ConnectUnary>(std::move(exchange), form));
}

}  // namespace sofa::grpc
