#include "sofa/rpc/detail/grpc_client.h"

#include "sofa/rpc/detail/protobuf_codec.h"
#include "sofa/rpc/detail/request_codec.h"
#include "sofa/rpc/detail/response_codec.h"
#include "sofa/rpc/detail/trace_context.h"
#include "sofa/rpc/detail/triple_call.h"
#include "sofa/rpc/triple_id.h"

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
  channel.max_waiting = options.max_pending;
  channel.default_timeout = options.timeout > Duration::zero() ? options.timeout : kDefaultTimeout;
  if (options.heartbeat > Duration::zero()) channel.http2.keep_alive_interval = std::max(options.heartbeat, kLeastPingInterval);
  return channel;
}

bool is_wrapped(const MethodShape& shape) { return shape.result.protobuf == nullptr; }

/// What a provider's URL asks for: "serialization=hessian4" is a Dubbo server.
TripleSerializer serializer_of(const Provider& provider) {
  return triple_serializer(provider.serialization).value_or(TripleSerializer::sofa_hessian);
}

/// Dubbo's `$invoke`: which method is meant, the types of its parameters and its arguments are what is sent (docs/protocols/dubbo.md, section 5).
/// Must outlive the spec.
struct InvokeArguments {
  explicit InvokeArguments(CallSpec& spec) {
    hessian::List* const types = hessian::make_list(arena, "[string");
    for (const std::string_view signature : spec.signatures) types->push(hessian::Value::text(arena, signature));
    hessian::List* const arguments = hessian::make_list(arena, "[object");
    for (const hessian::Value& value : spec.values) arguments->push(value);
    values = {hessian::Value::text(arena, spec.method), hessian::Value(types), hessian::Value(arguments)};
    spec.method = "$invoke";
    spec.signatures = kSignatures;
    spec.values = values;
  }
  static constexpr std::array<std::string_view, 3> kSignatures{"java.lang.String", "[Ljava.lang.String;", "[Ljava.lang.Object;"};
  Arena arena;
  std::array<hessian::Value, 3> values;
};

/// The shape of a call without types: its values are java.lang.Objects, beside which Triple's messages carry the types that are meant. Must outlive
/// the spec.
struct GenericShape {
  explicit GenericShape(CallSpec& spec) {
    shape.arguments.assign(spec.values.size(), value_shape<hessian::Value>());
    shape.result = value_shape<hessian::Document>();
    for (const hessian::Value& value : spec.values) arguments.push_back(&value);
    spec.shape = &shape;
    spec.arguments = arguments;
    spec.result = spec.document;
  }
  MethodShape shape;
  std::vector<const void*> arguments;
};

void add_unless_empty(http::Headers& metadata, std::string_view name, std::string_view value) {
  if (!value.empty()) metadata.add(name, value);
}

}  // namespace

GrpcClient::GrpcClient(std::shared_ptr<const ClientIdentity> client, std::shared_ptr<io::TlsClientContext> tls, bool secure)
    : ChannelProtocol(channel_options(client->options, tls), secure && tls == nullptr ? "grpcs" : "", client->options.connections),
      client_(std::move(client)) {}

http::Headers GrpcClient::metadata_of(const CallOptions& options, const Provider& provider, const Context* served) const {
  const ClientOptions& client = client_->options;
  http::Headers metadata;
  for (const auto& [key, value] : options.headers) metadata.add(key, value);
  for (const auto& [key, value] : options.baggage) metadata.add(std::string(kRequestBaggage) + key, value);
  const bool of_dubbo = serializer_of(provider) == TripleSerializer::dubbo_hessian;
  const TripleId id = of_dubbo ? TripleId{client.version, client.unique_id} : triple_id(client.version, client.unique_id);
  add_unless_empty(metadata, TripleId::kVersionHeader, id.version);
  add_unless_empty(metadata, TripleId::kGroupHeader, id.group);
  if (provider.protocol == "tri") {
    for (const std::string_view name : {"tri-consumer-appname", "tri-trace-current-app"}) add_unless_empty(metadata, name, client.app);
  } else {
    add_unless_empty(metadata, "app", client.app);
  }
  if (served != nullptr) add_trace_metadata(metadata, *served);
  if (served != nullptr && of_dubbo) add_unless_empty(metadata, kDubboTrace, trace_text(*served));
  return metadata;
}

std::string GrpcClient::path_of(bool wrapped, std::string_view method, std::string_view proto_method) const {
  const ServiceNames& names = client_->names;
  return wrapped ? fmt::format("/{}/{}", names.interface, method) : fmt::format("/{}/{}", names.proto, proto_method);
}

Task<Result<void>> GrpcClient::send(Attempt& attempt) {
  CallSpec spec = attempt.spec;
  const bool in_maps = !spec.typed() && spec.generic == GenericKind::maps;
  if (in_maps && serializer_of(attempt.provider()) != TripleSerializer::dubbo_hessian) {
    co_return fail(Code::unimplemented, "GenericKind::maps is Dubbo's: call {} with GenericKind::objects, or at a tri://...?serialization=hessian4",
                   spec.method);
  }
  std::optional<InvokeArguments> invoke;
  if (in_maps) invoke.emplace(spec);
  std::optional<GenericShape> generic;
  if (!spec.typed()) generic.emplace(spec);
  attempt.timer.enter(Stage::serialize);
  Buffer message;
  co_await or_return(write(message, spec, serializer_of(attempt.provider())));
  auto path = path_of(is_wrapped(*spec.shape), spec.method, spec.proto_method);
  http::Headers headers, trailers;
  grpc::CallOptions options{.timeout = attempt.timeout, .metadata = metadata_of(attempt.options, attempt.provider(), attempt.served)};
  if (in_maps) options.metadata.add("generic", "true");
  auto channel = co_await or_return(channel_to(attempt.provider().address));
  if (spec.oneway) {
    co_return send_oneway(without_answer(std::move(channel), std::move(path), message.take(), std::move(options)), client_->options.max_pending);
  }
  options.headers = &headers;
  options.trailers = &trailers;
  attempt.timer.enter(Stage::wait);
  auto answer = co_await channel->unary(std::move(path), message.take(), std::move(options));
  attempt.timer.enter(Stage::deserialize);
  if (CallResponse* response = attempt.options.response; response != nullptr) {
    for (const http::Headers* part : {&headers, &trailers}) {  // Dubbo's attachments come behind the answer
      for (const http::HeaderField field : *part) take_response_header(*response, field.name, field.value);
    }
  }
  if (!answer) co_return std::unexpected(with_call_status(std::move(answer.error())));
  co_return attempt.settle([&] { return read(*answer, headers, spec); });
}

/// gRPC has no call without an answer: it is awaited and dropped.
Task<void> GrpcClient::without_answer(std::shared_ptr<grpc::Channel> channel, std::string path, Bytes message, grpc::CallOptions options) {
  [[maybe_unused]] const auto answer = co_await channel->unary(std::move(path), std::move(message), std::move(options));
}

Result<void> GrpcClient::write(Buffer& out, const CallSpec& spec, TripleSerializer serializer) {
  if (is_wrapped(*spec.shape)) return write_triple_arguments(out, serializer, *spec.shape, spec.signatures, spec.arguments);
  return write_message(out, *spec.shape->arguments[0].protobuf, spec.arguments[0], spec.method);
}

Result<void> GrpcClient::read(ByteSpan message, const http::Headers& headers, const CallSpec& spec) const {
  if (!is_wrapped(*spec.shape)) return read_message(message, *spec.shape->result.protobuf, spec.result, spec.method);
  const auto* classes = &client_->options.classes;
  auto response = read_triple_response(message);
  if (!response) return forward_error(response);
  if (headers.contains(kTripleExceptionHeader)) return read_triple_exception(*response, classes);
  return read_triple_value(response->serializer, response->data, spec.shape->result, spec.result, fmt::format("the result of {}", spec.method),
                           classes);
}

Task<Result<std::unique_ptr<MessageStream>>> GrpcClient::open_stream(const Provider& provider, const MethodSpec& method, const CallOptions& options) {
  const Duration timeout = options.timeout > Duration::zero() ? options.timeout : method.options.timeout;
  const bool wrapped = is_wrapped(method.shape);
  const Context* served = current_call(co_await io::current_scope());
  auto channel = co_await or_return(channel_to(provider.address));
  auto stream = co_await channel->stream(path_of(wrapped, method.name, method.proto_name()),
                                         {.timeout = timeout, .metadata = metadata_of(options, provider, served)});
  if (!stream) co_return std::unexpected(with_call_status(std::move(stream.error())));
  ClientStreamParts parts{client_, std::move(channel), std::move(*stream), method};
  if (!wrapped) co_return std::make_unique<GrpcClientMessages>(std::move(parts));
  co_return std::make_unique<TripleClientMessages>(std::move(parts), serializer_of(provider));
}

}  // namespace sofa::rpc::detail
