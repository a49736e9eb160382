#include "sofa/admin/detail/grpc_face.h"

#include "sofa/admin/detail/descriptor_writer.h"
#include "sofa/admin/detail/proto_json.h"
#include "sofa/admin/detail/reflection.h"
#include "sofa/base/json.h"
#include "sofa/io/shard.h"

namespace sofa::admin::detail {

namespace {

using io::or_return;

Credentials credentials_of(const grpc::Call& call) {
  const http::Headers& headers = call.metadata();
  return {.authorization = headers.get_or("authorization"),
          .cookies = headers.get_or("cookie"),
          .certificate_name = call.peer_certificate_name(),
          .peer = call.peer()};
}

io::Task<Result<Bytes>> only_message(grpc::StreamCall& call) {
  auto message = co_await or_return(call.read());
  if (!message) co_return fail(Code::invalid_argument, "the call has no message; it takes one");
  co_return std::move(*message);
}

class OperationHandler final : public grpc::StreamHandler {
 public:
  OperationHandler(const Operation& operation, const GrpcFace::Needs& needs) : operation_(operation), needs_(needs) {}

  io::Task<Result<void>> handle(grpc::StreamCall& call) override {
    const bool changes = operation_.method != "GET";
    const Caller caller = co_await or_return(co_await needs_.keeper.admit(credentials_of(call), call.metadata(), changes, operation_.permission));
    if (!operation_.streams) co_return co_await run(call, caller);
    const Places::Place place(needs_.streams);
    co_await or_return(place.given());
    co_return co_await run(call, caller);
  }

 private:
  io::Task<Result<void>> run(grpc::StreamCall& call, const Caller& caller) {
    const Operation::Fill fill = [&](void* into) -> io::Task<Result<void>> {
      const Bytes message = co_await or_return(co_await only_message(call));
      const std::string json = co_await or_return(json_of_message(*operation_.request, message.span()));
      co_return from_json(json, *operation_.request, into, {.source = "the request"});
    };
    const Operation::Emit emit = [&](std::string json) -> io::Task<Result<void>> { co_return co_await send(call, json); };
    const std::string json = co_await or_return(co_await operation_.run(fill, caller, emit));
    if (operation_.streams) co_return Result<void>();
    co_return co_await send(call, json);
  }

  /// Without JSON: a message without fields.
  io::Task<Result<void>> send(grpc::StreamCall& call, const std::string& json) {
    if (json.empty()) co_return co_await call.write(Bytes());
    co_return co_await call.write(co_await or_return(message_of_json(*operation_.response, json)));
  }

  const Operation& operation_;
  const GrpcFace::Needs& needs_;
};

/// grpc.health.v1 of the whole server, "", and of its services, which are ready together.
class HealthHandler final : public grpc::StreamHandler {
 public:
  HealthHandler(const GrpcFace::Needs& needs, const ProtoSchema& schema, bool watches) : needs_(needs), schema_(schema), watches_(watches) {}

  io::Task<Result<void>> handle(grpc::StreamCall& call) override {
    const Bytes message = co_await or_return(co_await only_message(call));
    std::string service;
    ProtobufFields fields(message.span());
    while (const auto field = fields.next()) {
      if (field->number == 1) service.assign(reinterpret_cast<const char*>(field->bytes.data()), field->bytes.size());
    }
    const bool known = service.empty() || schema_.has(service);
    if (watches_) co_return co_await watch(call, known);
    if (!known) co_return fail(Code::not_found, "the health of service '{}' is not known here", service);
    co_return co_await send(call, status());
  }

 private:
  enum Status : uint64_t { serving = 1, not_serving = 2, service_unknown = 3 };  // HealthCheckResponse.ServingStatus
  static constexpr Duration kLook = std::chrono::milliseconds(500);              // how often a Watch looks

  Status status() const { return !needs_.ready || needs_.ready() ? serving : not_serving; }

  io::Task<Result<void>> watch(grpc::StreamCall& call, bool known) {
    const Places::Place place(watches_of_all_);
    co_await or_return(place.given());
    for (std::optional<Status> told;;) {
      const Status now = known ? status() : service_unknown;
      if (told != now) co_await or_return(co_await send(call, now));
      told = now;
      co_await or_return(co_await io::sleep_for(kLook));
    }
  }

  static io::Task<Result<void>> send(grpc::StreamCall& call, Status status) {
    Buffer out;
    ProtobufWriter(out).number(1, status);
    co_return co_await call.write(out.take());
  }

  const GrpcFace::Needs& needs_;
  const ProtoSchema& schema_;
  const bool watches_;
  Places watches_of_all_{64};  // apart from the streams of those who have signed in
};

/// What the API is, told to whom may read it.
class ReflectionHandler final : public grpc::StreamHandler {
 public:
  ReflectionHandler(const GrpcFace::Needs& needs, const ProtoSchema& schema) : needs_(needs), reflection_(schema) {}

  io::Task<Result<void>> handle(grpc::StreamCall& call) override {
    co_await or_return(co_await needs_.keeper.admit(credentials_of(call), call.metadata(), false, "api:read"));
    const Places::Place place(needs_.streams);
    co_await or_return(place.given());
    for (;;) {
      const auto request = co_await or_return(co_await call.read());
      if (!request) co_return Result<void>();
      co_await or_return(co_await call.write(reflection_.answer(request->span())));
    }
  }

 private:
  const GrpcFace::Needs& needs_;
  const Reflection reflection_;
};

}  // namespace

GrpcFace::~GrpcFace() = default;

Result<void> GrpcFace::add(std::string path, std::unique_ptr<grpc::StreamHandler> handler) {
  handlers_.push_back(std::move(handler));
  return server_->add_stream(std::move(path), *handlers_.back());
}

Result<void> GrpcFace::open(const std::deque<Operation>& operations) {
  schema_ = std::make_unique<ProtoSchema>(operations);
  server_ = std::make_unique<grpc::Server>(grpc::ServerOptions{.max_receive_message = needs_.max_message});
  web_ = std::make_unique<grpc::WebHandler>(*server_, nullptr);
  for (const Operation& operation : operations) {
    auto added = add(fmt::format("/{}.{}/{}", kPackage, operation.part, operation.name), std::make_unique<OperationHandler>(operation, needs_));
    if (!added) return added;
  }
  for (const std::string_view version : {"v1", "v1alpha"}) {
    auto added =
        add(fmt::format("/grpc.reflection.{}.ServerReflection/ServerReflectionInfo", version), std::make_unique<ReflectionHandler>(needs_, *schema_));
    if (!added) return added;
  }
  auto check = add(fmt::format("/{}/Check", kHealthService), std::make_unique<HealthHandler>(needs_, *schema_, false));
  return check ? add(fmt::format("/{}/Watch", kHealthService), std::make_unique<HealthHandler>(needs_, *schema_, true)) : check;
}

io::Task<void> GrpcFace::stop_shard() {
  if (server_ != nullptr) co_await server_->stop_shard();
}

void GrpcFace::handle(http::ExchangePtr exchange) {
  if (!exchange->request().headers.get_or("content-type").starts_with("application/grpc")) return next().handle(std::move(exchange));
  web_->handle(std::move(exchange));
}

}  // namespace sofa::admin::detail
