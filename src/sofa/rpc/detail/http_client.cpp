#include "sofa/rpc/detail/http_client.h"

#include "sofa/rpc/detail/http_call.h"
#include "sofa/rpc/detail/response_codec.h"

namespace sofa::rpc::detail {

namespace {

http::ChannelOptions channel_options(std::string_view scheme, const ClientOptions& options, std::shared_ptr<io::TlsClientContext> tls) {
  http::ChannelOptions channel;
  const bool http1 = scheme == kHttp1Scheme;
  channel.version = http1 ? http::Version::http1_1 : http::Version::http2;
  channel.connect_timeout = options.connect_timeout;
  channel.max_running = http1 ? options.http_connections : static_cast<uint32_t>(options.max_pending);
  channel.max_waiting = options.max_pending;
  channel.max_body = options.max_frame;
  channel.tls = std::move(tls);
  channel.keep_alive_interval = options.heartbeat;
  return channel;
}

/// SOFARPC's clients and servers leave version 1.0 out of the name, and have no other.
std::string path_name(const ClientIdentity& client) {
  const ClientOptions& options = client.options;
  std::string name = client.names.interface;
  if (options.version != "1.0") name += ":" + options.version;
  if (!options.unique_id.empty()) name += ":" + options.unique_id;
  return name;
}

/// The word for a serializer in "sofa_head_serialize_type", and the one that its content type holds.
struct SerializerName {
  std::string_view alias, word;
};
SerializerName serializer_name(const CallSpec& spec) {
  if (!spec.typed() || spec.codec == bolt::kCodecHessian) return {"hessian2", "hessian"};
  if (spec.codec == bolt::kCodecJson) return {"json", "json"};
  return {"protobuf", "protobuf"};
}

/// An answer that is written otherwise comes from no server of SOFARPC's.
Result<void> check_serializer(const http::Headers& headers, const SerializerName& sent) {
  const auto alias = headers.get(kSerializeType);
  if (alias ? *alias == sent.alias : headers.get_or("content-type").find(sent.word) != std::string_view::npos) return {};
  return fail(Code::data_loss, "the server answered in '{}' where {} was asked for: a service of SOFARPC's may be elsewhere",
              alias ? *alias : headers.get_or("content-type"), sent.alias);
}

/// What a person is shown of a body that should be a sentence. A Java server puts a stack of calls behind it.
std::string sentence_of(const http::Response& answer) {
  constexpr size_t kMost = 1000;
  std::string_view text = answer.body.text();
  text = text.substr(0, std::min(text.find("\n\tat "), kMost));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  std::string shown(text);
  std::ranges::replace_if(shown, [](char c) { return static_cast<uint8_t>(c) < ' ' && c != '\n' && c != '\t'; }, '?');
  return shown;
}

bool is_java_class(std::string_view name) {
  const auto fits = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '$'; };
  return name.find('.') != std::string_view::npos && std::ranges::all_of(name, fits);
}

/// What the service threw: over HTTP it is the text "class: message".
std::unexpected<Error> thrown(const http::Response& answer) {
  std::string text = sentence_of(answer);
  if (const auto code = answer.headers.get(kCodeHeader)) return std::unexpected(Error(code_named(*code).value_or(Code::unknown), std::move(text)));
  const size_t colon = std::min(text.find(": "), text.size());
  if (!is_java_class(std::string_view(text).substr(0, colon))) return std::unexpected(Error(Code::unknown, std::move(text)));
  JavaException exception(text.substr(0, colon), {});
  if (colon < text.size()) exception.message = text.substr(colon + 2);
  return std::unexpected(java_error(std::move(exception)));
}

Code code_of(int status) {
  switch (status) {
    case 400:
    case 405:
      return Code::invalid_argument;
    case 401:
      return Code::unauthenticated;
    case 403:
      return Code::permission_denied;
    case 404:
      return Code::not_found;
    case 408:
    case 504:
      return Code::deadline_exceeded;
    case 413:
    case 429:
    case 503:
      return Code::resource_exhausted;
    case 415:
      return Code::unimplemented;
    case 502:
      return Code::unavailable;
    default:
      return status >= 500 ? Code::internal : Code::unknown;
  }
}

/// A status other than 200 is the framework's, or that of something between.
std::unexpected<Error> status_error(const http::Response& answer) {
  std::string sentence = sentence_of(answer);
  if (sentence.starts_with("RPC-0")) return framework_error(std::move(sentence));
  Error error(code_of(answer.status), fmt::format("the server answered with status {}{}{}", answer.status, sentence.empty() ? "" : ": ", sentence));
  if (answer.status == 429 || answer.status == 503) return std::unexpected(transport::with_status(std::move(error), bolt::Status::server_busy));
  return std::unexpected(with_call_status(std::move(error)));
}

}  // namespace

HttpClient::HttpClient(std::string_view scheme, std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls)
    : ChannelProtocol(channel_options(scheme, client->options, tls), scheme == kSecureHttp2Scheme && tls == nullptr ? scheme : std::string_view()),
      scheme_(scheme),
      client_(std::move(client)),
      service_(path_name(*client_)) {}

http::RequestHead HttpClient::request_of(const CallSpec& spec, const OutgoingHead& head) const {
  const SerializerName serializer = serializer_name(spec);
  http::RequestHead request{.method = "POST", .target = fmt::format("/{}/{}", service_, spec.method)};
  request.headers.add("content-type", fmt::format("application/{}", serializer.word));
  request.headers.add(kSerializeType, serializer.alias);
  each_property(head, [&request](std::string_view key, std::string_view value) { request.headers.add(key, value); });
  return request;
}

Task<Result<void>> HttpClient::send(Attempt& attempt) {
  attempt.timer.enter(Stage::serialize);
  const Deadline deadline = attempt.end();
  OutgoingHead head = outgoing_head(attempt, *client_, deadline - attempt.begun);
  head.service = service_;
  head.protocol = scheme_;
  // HTTP has no other word for how long the caller waits: a provider that does not know carries out what nobody waits for any more.
  head.remaining_ms = std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(deadline - attempt.begun).count());
  Buffer body;
  co_await or_return(write_call_content(body, attempt.spec, head));
  http::RequestHead request = request_of(attempt.spec, head);
  const auto channel = co_await or_return(channel_to(attempt.provider().address));
  if (attempt.spec.oneway) {
    co_return send_oneway(without_answer(channel, std::move(request), body.take(), deadline), client_->options.max_pending);
  }
  attempt.timer.enter(Stage::wait);
  auto answer = co_await io::with_deadline(deadline, channel->exchange(std::move(request), body.take()));
  attempt.timer.enter(Stage::deserialize);
  if (!answer) co_return std::unexpected(with_call_status(std::move(answer.error())));
  co_return attempt.settle([&] { return read_answer(attempt, *answer); });
}

/// HTTP has no call without an answer: it is awaited and dropped.
Task<void> HttpClient::without_answer(std::shared_ptr<http::Channel> channel, http::RequestHead request, Bytes body, Deadline deadline) {
  [[maybe_unused]] const auto answer = co_await io::with_deadline(deadline, channel->exchange(std::move(request), std::move(body)));
}

Result<void> HttpClient::read_answer(const Attempt& attempt, const http::Response& answer) const {
  if (CallResponse* response = attempt.options.response; response != nullptr) {
    for (const http::HeaderField field : answer.headers) take_response_header(*response, field.name, field.value);
  }
  if (answer.status != 200) return status_error(answer);
  if (answer.headers.get(kErrorHeader) == "true") return thrown(answer);
  if (auto same = check_serializer(answer.headers, serializer_name(attempt.spec)); !same) return same;
  return read_call_content(attempt.spec, {}, answer.body.span(), client_->options.classes);
}

Task<Result<std::unique_ptr<MessageStream>>> HttpClient::open_stream(const Provider& provider, const MethodSpec&, const CallOptions&) {
  co_return fail(Code::unimplemented, "{} carries no streams; connect to tri://{}", scheme_, provider.address.to_string());
}

}  // namespace sofa::rpc::detail
