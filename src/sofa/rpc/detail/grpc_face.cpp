#include "sofa/rpc/detail/grpc_face.h"

#include <unordered_map>

#include "sofa/rpc/detail/grpc_call.h"
#include "sofa/rpc/detail/triple_call.h"

namespace sofa::rpc::detail {

namespace {

/// Streams of health, reflection, channelz and Calls, which are no methods of services.
constexpr size_t kOwnStreams = 100;

grpc::ServerOptions grpc_options(const ServerOptions& options) {
  grpc::ServerOptions grpc;
  grpc.max_receive_message = options.max_frame;
  grpc.max_send_message = options.max_frame;
  // ShardServer counts the calls of all protocols together, and the streams of services (max_streams). The bound here is for what it does not see:
  // kOwnStreams, and the streams that wait for its refusal to leave, for which there is as much room again.
  grpc.max_calls = SIZE_MAX;
  grpc.max_streams = options.max_streams < SIZE_MAX / 2 ? 2 * options.max_streams + kOwnStreams : SIZE_MAX;
  grpc.pings = options.grpc_pings;
  return grpc;
}

CallProtocol protocol_of(const MethodEntry& entry) { return entry.is_wrapped() ? CallProtocol::triple : CallProtocol::grpc; }

}  // namespace

/// One path and the methods behind it, all unary or all streams, all wrapped or none.
struct GrpcFace::Path final : grpc::UnaryHandler, grpc::StreamHandler {
  Path(const Shards& all, const MethodEntry& first) : shards(all), wrapped(first.is_wrapped()), unary(first.method->kind() == MethodKind::unary) {}

  bool takes(const MethodEntry& entry) const { return wrapped == entry.is_wrapped() && unary == (entry.method->kind() == MethodKind::unary); }
  void handle(std::unique_ptr<grpc::UnaryCall> call) override;
  Task<Result<void>> handle(grpc::StreamCall& call) override { return run(*this, here(), call); }

  /// `further` goes to the constructor of the Served call, behind the call itself.
  template <class Served, class... Further>
  static void serve(ShardServer& shard, std::unique_ptr<grpc::UnaryCall> call, const MethodEntry& entry, Further... further);
  template <class Served, class... Further>
  static Task<void> run(ShardServer& shard, CallsOfShard::Place place, std::unique_ptr<grpc::UnaryCall> call, const MethodEntry& entry,
                        CallTimer timer, Further... further);
  static Task<Result<void>> run(Path& self, ShardServer& shard, grpc::StreamCall& call);
  template <class Messages>
  static Task<Result<void>> run_stream(ShardServer& shard, grpc::StreamCall& call, const MethodEntry& entry);
  ShardServer& here() const { return *shards[io::Shard::current().index()]; }

  const Shards& shards;
  const bool wrapped;
  const bool unary;
  TripleRoute route;
};

void GrpcFace::Path::handle(std::unique_ptr<grpc::UnaryCall> call) {
  ShardServer& shard = here();
  shard.counters().calls.add();
  const auto refuse = [&](const Error& error) {
    shard.counters().refused.add();
    call->answer(error);
  };
  const auto& entries = shard.services().entries();
  const auto service = route.find_service(call->metadata());
  if (!service) return refuse(service.error());
  if (!wrapped) return serve<GrpcCall>(shard, std::move(call), *entries[route.find_only(*service)]);
  auto request = read_triple_request(call->message());
  if (!request) return refuse(request.error());
  const auto method = route.find_method(*service, *request);
  if (!method) return refuse(method.error());
  serve<TripleCall>(shard, std::move(call), *entries[*method], std::move(*request));
}

template <class Served, class... Further>
void GrpcFace::Path::serve(ShardServer& shard, std::unique_ptr<grpc::UnaryCall> call, const MethodEntry& entry, Further... further) {
  CallTimer timer = shard.begin_call(entry, protocol_of(entry), call->metadata().get_or("app", call->metadata().get_or("tri-consumer-appname")));
  if (!shard.needs_task(entry)) {
    Served served(*call, std::move(further)..., entry, shard, std::move(timer));
    return ShardServer::serve_now(served, entry);
  }
  auto place = shard.take_place();
  if (!place) {
    timer.end(Code::resource_exhausted);
    return call->answer(refusal(kFull));
  }
  shard.spawn(run<Served>(shard, std::move(*place), std::move(call), entry, std::move(timer), std::move(further)...));
}

template <class Served, class... Further>
Task<void> GrpcFace::Path::run(ShardServer& shard, [[maybe_unused]] CallsOfShard::Place place, std::unique_ptr<grpc::UnaryCall> call,
                               const MethodEntry& entry, CallTimer timer, Further... further) {
  io::Scope scope(&co_await io::current_scope(), nullptr, call->deadline());
  const auto cancel = [](void* context) { static_cast<io::Scope*>(context)->cancel(Error(Code::cancelled, "the caller is gone")); };
  call->on_cancelled(cancel, &scope);
  Served served(*call, std::move(further)..., entry, shard, std::move(timer));
  co_await shard.serve(served, entry, scope);
}

Task<Result<void>> GrpcFace::Path::run(Path& self, ShardServer& shard, grpc::StreamCall& call) {
  shard.counters().calls.add();
  const std::string_view service = co_await or_return(self.route.find_service(call.metadata()));
  const MethodEntry& entry = *shard.services().entries()[self.route.find_only(service)];
  co_return co_await (self.wrapped ? run_stream<TripleMessages>(shard, call, entry) : run_stream<GrpcMessages>(shard, call, entry));
}

template <class Messages>
Task<Result<void>> GrpcFace::Path::run_stream(ShardServer& shard, grpc::StreamCall& call, const MethodEntry& entry) {
  Messages messages(call, entry, shard);
  (co_await io::current_scope()).set_context(&messages.context());
  CallTimer timer = shard.begin_call(entry, protocol_of(entry), messages.context().caller_app());
  const auto open = shard.open_stream();
  if (!open) {
    timer.end(Code::unavailable);
    co_return std::unexpected(refusal(kFullOfStreams));
  }
  timer.enter(Stage::implementation);
  auto done = co_await shard.serve_stream(messages.context(), entry, messages);
  done ? timer.end_well() : timer.end(counted_as(done.error()), done.error().message());
  if (done) co_return done;
  shard.counters().errors.add();
  co_return std::unexpected(messages.told(std::move(done.error())));
}

GrpcFace::GrpcFace(const ServerOptions& options, const Shards& shards) : shards_(shards), server_(grpc_options(options)) {}

GrpcFace::~GrpcFace() = default;

Result<void> GrpcFace::add_methods() {
  std::unordered_map<std::string_view, Path*> known;
  const auto& entries = shards_.front()->services().entries();
  for (size_t i = 0; i < entries.size(); ++i) {
    const MethodEntry& entry = *entries[i];
    if (entry.grpc_path.empty()) continue;
    Path*& path = known[entry.grpc_path];
    if (path == nullptr) {
      path = paths_.emplace_back(std::make_unique<Path>(shards_, entry)).get();
      const auto added = path->unary ? server_.add_unary(entry.grpc_path, *path) : server_.add_stream(entry.grpc_path, *path);
      if (!added) return added;
    }
    if (!path->takes(entry)) {
      return fail(
          Code::invalid_argument,
          "{}.{} has the gRPC path {} in common with another method, but one of them streams, or has messages of protobuf, and the other does "
          "not; rename one of them",
          entry.service, entry.method->name(), entry.grpc_path);
    }
    path->route.add(i, entry);
  }
  return {};
}

}  // namespace sofa::rpc::detail
