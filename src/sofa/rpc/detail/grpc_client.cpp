#include "sofa/rpc/detail/grpc_client.h"

#include "sofa/rpc/detail/grpc_call.h"
#include "sofa/rpc/detail/request_codec.h"
#include "sofa/rpc/detail/triple_wrapper.h"

namespace sofa::rpc::detail {

namespace {

/// Servers of gRPC take a PING every 5 minutes, and after three that come sooner they end the connection with what runs on it: "too_many_pings"
/// (docs/protocols/grpc.md, section 7).
constexpr Duration kLeastPingInterval = std::chrono::minutes(5);

grpc::ChannelOptions channel_options(const ClientOptions& options, std::shared_ptr<io::TlsClientContext> tls) {
  grpc::ChannelOptions channel;
  channel.tls = std::move(tls);
  channel.max_receive_message = options.max_frame;
  channel.connect_timeout = options.connect_timeout;
  channel.default_timeout = options.timeout > Duration::zero() ? options.timeout : kDefaultTimeout;
  if (options.heartbeat > Duration::zero()) channel.http2.keep_alive_interval = std::max(options.heartbeat, kLeastPingInterval);
  return channel;
}

Error with_bolt_status(Error error) {
  if (error.code() == Code::unavailable) return transport::with_status(std::move(error), bolt::Status::comm_error);
  if (error.code() == Code::deadline_exceeded) return transport::with_status(std::move(error), bolt::Status::timeout);
  return error;
}

}  // namespace

GrpcClient::GrpcClient(std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls, bool secure)
    : client_(std::move(client)), lacks_tls_(secure && tls == nullptr), channels_(channel_options(client_->options, std::move(tls))) {}

Result<std::shared_ptr<grpc::Channel>> GrpcClient::channel_to(const io::Address& address) {
  if (!lacks_tls_) return channels_.to(address);
  return fail(Code::failed_precondition, "grpcs://{} needs TLS, for which this client was not set up: set ClientOptions::tls", address.to_string());
}

Task<Result<void>> GrpcClient::reach(const io::Address& address) {
  const auto channel = co_await or_return(channel_to(address));
  co_return co_await channel->connect();
}

bool GrpcClient::is_live(const io::Address& address) {
  const auto channel = channel_to(address);
  if (!channel) return false;
  if (!(*channel)->is_connected()) (*channel)->start_connecting();
  return (*channel)->is_connected();
}

Task<void> GrpcClient::close() {
  oneways_.cancel(kClientDestroyed);
  [[maybe_unused]] const auto joined = co_await oneways_.join();
  co_await channels_.close();
}

http::Headers GrpcClient::metadata_of(const CallOptions& options) const {
  const ClientOptions& client = client_->options;
  http::Headers metadata;
  for (const auto& [key, value] : options.headers) metadata.add(key, value);
  for (const auto& [key, value] : options.baggage) metadata.add(std::string(kRequestBaggage) + key, value);
  if (!client.unique_id.empty()) metadata.add("tri-service-version", client.unique_id);
  if (!client.app.empty()) {
    metadata.add("app", client.app);
    metadata.add("tri-consumer-appname", client.app);
  }
  return metadata;
}

Task<Result<void>> GrpcClient::send(Attempt& attempt) {
  const CallSpec& spec = attempt.spec;
  if (!spec.typed()) co_return fail(Code::unimplemented, "calls without types do not go over gRPC; call this one over bolt://");
  const bool wrapped = spec.shape->result.protobuf == nullptr;
  Buffer message;
  co_await or_return(wrapped ? write_triple_arguments(message, *spec.shape, spec.signatures, spec.arguments)
                             : write_message(message, *spec.shape->arguments[0].protobuf, spec.arguments[0], spec.method));
  const ServiceNames& names = client_->names;
  auto path = wrapped ? fmt::format("/{}/{}", names.interface, spec.method) : fmt::format("/{}/{}", names.proto, spec.proto_method);
  http::Headers headers, trailers;
  CallResponse* response = attempt.options.response;
  grpc::CallOptions options{.timeout = attempt.timeout, .metadata = metadata_of(attempt.options)};
  auto channel = co_await or_return(channel_to(attempt.provider().address));
  if (spec.oneway) {
    oneways_.spawn("oneway call", send_oneway(std::move(channel), std::move(path), message.take(), std::move(options)));
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
  co_return attempt.settle(
      [&] { return wrapped ? read_wrapped_answer(*answer, spec) : read_message(*answer, *spec.shape->result.protobuf, spec.result, spec.method); });
}

/// gRPC has no call without an answer: it is awaited and dropped.
Task<void> GrpcClient::send_oneway(std::shared_ptr<grpc::Channel> channel, std::string path, Bytes message, grpc::CallOptions options) {
  [[maybe_unused]] const auto answer = co_await channel->unary(std::move(path), std::move(message), std::move(options));
}

Result<void> GrpcClient::read_wrapped_answer(ByteSpan message, const CallSpec& spec) const {
  auto response = read_triple_response(message);
  if (!response) return forward_error(response);
  return read_triple_value(response->serializer, response->data, spec.shape->result, spec.result, fmt::format("the result of {}", spec.method),
                           &client_->options.classes);
}

Task<Result<std::unique_ptr<MessageStream>>> GrpcClient::open_stream(const Provider& provider, const MethodSpec& method, const CallOptions& options) {
  const Duration timeout = options.timeout > Duration::zero() ? options.timeout : method.options.timeout;
  auto channel = co_await or_return(channel_to(provider.address));
  auto stream = co_await or_return(
      channel->stream(fmt::format("/{}/{}", client_->names.proto, method.proto_name()), {.timeout = timeout, .metadata = metadata_of(options)}));
  co_return std::make_unique<GrpcClientMessages>(std::move(channel), std::move(stream), method.shape, method.name);
}

}  // namespace sofa::rpc::detail
