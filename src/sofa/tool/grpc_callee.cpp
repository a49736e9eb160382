#include "sofa/io/task_group.h"
#include "sofa/rpc/triple_id.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/grpc_flow.h"
#include "sofa/tool/proto_source.h"

namespace sofa::tool {

namespace {

// Prefixes of baggage in metadata (docs/protocols/sofarpc.md, section 2).
constexpr std::string_view kRequestBaggage = "rpc_req_baggage.", kResponseBaggage = "rpc_resp_baggage.";

http::Headers metadata_of(const CallPlan& plan) {
  http::Headers metadata;
  for (const auto& [key, value] : plan.flags.header) metadata.add(key, value);
  for (const auto& [key, value] : plan.flags.baggage) metadata.add(std::string(kRequestBaggage) + key, value);
  const std::string_view version = plan.method.version ? std::string_view(*plan.method.version) : std::string_view();
  const rpc::TripleId id = rpc::triple_id(version, plan.method.unique_id);
  if (!id.version.empty()) metadata.add(rpc::TripleId::kVersionHeader, id.version);
  if (!id.group.empty()) metadata.add(rpc::TripleId::kGroupHeader, id.group);
  if (plan.target.protocol != "tri") return metadata;
  metadata.add("tri-consumer-appname", plan.flags.app);
  return metadata;
}

void take_headers(const http::Headers& headers, Answer& answer) {
  for (const http::HeaderField field : headers) {
    answer.headers.emplace_back(field.name, field.value);
    if (field.name.starts_with(kResponseBaggage)) answer.baggage.emplace_back(field.name.substr(kResponseBaggage.size()), field.value);
  }
}

io::Task<Result<std::unique_ptr<grpc::Channel>>> open_channel(const Target& target, const CallFlags& flags) {
  const Duration timeout = flags.call_timeout();
  std::shared_ptr<io::TlsClientContext> tls;
  if (auto config = flags.tls_for(target)) {
    config->alpn = {"h2"};
    tls = co_await io::or_return(io::TlsClientContext::open(std::move(*config)));
  }
  const io::Address address = co_await io::or_return(io::Address::parse(target.address));
  auto channel = std::make_unique<grpc::Channel>(
      address,
      grpc::ChannelOptions{.max_receive_message = Input::kMost, .connect_timeout = timeout, .default_timeout = timeout, .tls = std::move(tls)});
  auto connected = co_await io::with_timeout(timeout, channel->connect());
  if (connected) co_return channel;
  co_await channel->close();
  co_return std::unexpected(
      std::move(connected.error()).wrap(fmt::format("no server can be reached at {}; start one there or name another address", target.to_string())));
}

Result<std::unique_ptr<ProtoSource>> source_of(const CallFlags& flags, grpc::Channel& channel) {
  if (!flags.proto.empty()) return read_proto_files(flags.proto, flags.import);
  return ask_reflection(channel, flags.call_timeout());
}

class GrpcCallee final : public Callee {
 public:
  GrpcCallee(const CallPlan& plan, std::unique_ptr<grpc::Channel> channel) : plan_(plan), channel_(std::move(channel)) {}

  io::Task<Result<void>> open(Input& input) {
    auto source = co_await io::or_return(source_of(plan_.flags, *channel_));
    co_await io::or_return(method_.find(std::move(source), plan_.method.service, plan_.method.method));
    path_ = fmt::format("/{}/{}", method_.descriptor().service()->full_name(), method_.descriptor().name());
    if (!streams()) message_ = co_await io::or_return(method_.request(co_await io::or_return(input.rest())));
    co_return Result<void>();
  }

  io::Task<Result<void>> call(Answer* answer) override {
    http::Headers headers, trailers;
    grpc::CallOptions options{.timeout = plan_.flags.call_timeout(), .metadata = metadata_of(plan_)};
    if (answer != nullptr) options.headers = &headers, options.trailers = &trailers;
    auto bytes = co_await channel_->unary(path_, message_, std::move(options));
    if (answer != nullptr) take_headers(headers, *answer), take_headers(trailers, *answer);
    if (!bytes) co_return std::unexpected(at_target(std::move(bytes.error())));
    if (answer != nullptr) answer->json = co_await io::or_return(method_.response(*bytes));
    co_return Result<void>();
  }

  bool streams() const override { return method_.streams(); }

  io::Task<Result<void>> converse(Input& input, const std::function<void(const std::string&)>& show) override {
    auto stream = co_await channel_->stream(path_, {.timeout = plan_.flags.stream_timeout(), .metadata = metadata_of(plan_)});
    if (!stream) co_return std::unexpected(at_target(std::move(stream.error())));
    io::TaskGroup writer(co_await io::current_scope());
    io::CancelSource reading(co_await io::current_scope());
    writer.spawn("writer", send(**stream, input, reading));
    auto read = co_await reading.run(receive(**stream, show));
    writer.cancel("the server has ended the call");
    const auto written = co_await writer.join();
    if (write_failure_) co_return std::unexpected(std::move(*write_failure_));
    if (!read) co_return std::unexpected(at_target(std::move(read.error())));
    co_return Result<void>();
  }

  Result<std::unique_ptr<MessageFlow>> flow(std::string_view json, uint32_t messages) override {
    auto message = method_.request(json);
    if (!message) return forward_error(message);
    return grpc_flow(*channel_, {.path = path_,
                                 .metadata = metadata_of(plan_),
                                 .timeout = plan_.flags.call_timeout(),
                                 .message = std::move(*message),
                                 .client_streams = method_.descriptor().client_streaming(),
                                 .server_streams = method_.descriptor().server_streaming(),
                                 .messages = messages});
  }

  io::Task<void> close() override { co_await channel_->close(); }

 private:
  Error at_target(Error error) const { return std::move(error).wrap(fmt::format("{} at {}", path_.substr(1), plan_.target.address)); }

  /// A line that is no message ends the call.
  io::Task<void> send(grpc::ClientStream& stream, Input& input, io::CancelSource& reading) {
    auto sent = method_.descriptor().client_streaming() ? co_await send_lines(stream, input) : co_await send_one(stream, input);
    if (sent) sent = stream.finish_writes();
    if (sent || sent.error().code() != Code::invalid_argument) co_return;
    write_failure_ = std::move(sent.error());
    reading.cancel("the message to send is wrong");
  }

  io::Task<Result<void>> send_one(grpc::ClientStream& stream, Input& input) {
    co_return co_await stream.write(co_await io::or_return(method_.request(co_await io::or_return(input.rest()))));
  }

  io::Task<Result<void>> send_lines(grpc::ClientStream& stream, Input& input) {
    for (size_t number = 1; const auto line = co_await io::or_return(input.line()); ++number) {
      auto message = method_.request(*line);
      if (!message) co_return std::unexpected(std::move(message.error()).wrap(fmt::format("line {}", number)));
      co_await io::or_return(stream.write(std::move(*message)));
    }
    co_return Result<void>();
  }

  io::Task<Result<void>> receive(grpc::ClientStream& stream, const std::function<void(const std::string&)>& show) {
    while (auto bytes = co_await io::or_return(stream.read())) show(co_await io::or_return(method_.response(*bytes)));
    co_return Result<void>();
  }

  const CallPlan plan_;
  const std::unique_ptr<grpc::Channel> channel_;
  ProtoMethod method_;
  std::string path_;
  Bytes message_;  // of unary calls
  std::optional<Error> write_failure_;
};

}  // namespace

io::Task<Result<std::unique_ptr<Callee>>> open_grpc(const CallPlan& plan, Input& input) {
  auto callee = std::make_unique<GrpcCallee>(plan, co_await io::or_return(open_channel(plan.target, plan.flags)));
  auto opened = co_await callee->open(input);
  if (opened) co_return callee;
  co_await callee->close();
  co_return forward_error(opened);
}

namespace {

io::Task<Result<std::vector<ServiceMethods>>> list(ProtoSource& source) {
  std::vector<ServiceMethods> all;
  for (const std::string& name : co_await io::or_return(source.services())) {
    ServiceMethods one{.service = name, .methods = {}};
    const auto* service = co_await io::or_return(source.service(name));
    for (int i = 0; i < service->method_count(); ++i) one.methods.emplace_back(service->method(i)->name(), signature_of(*service->method(i)));
    all.push_back(std::move(one));
  }
  co_return all;
}

}  // namespace

io::Task<Result<std::vector<ServiceMethods>>> list_by_reflection(const Target& target, const CallFlags& flags) {
  const auto channel = co_await io::or_return(open_channel(target, flags));
  auto source = source_of(flags, *channel);
  auto listed = source ? co_await list(**source) : Result<std::vector<ServiceMethods>>(forward_error(source));
  co_await channel->close();
  co_return listed;
}

}  // namespace sofa::tool
