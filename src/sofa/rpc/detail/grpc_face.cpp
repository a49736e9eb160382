#include "sofa/rpc/detail/grpc_face.h"

#include "sofa/rpc/detail/grpc_call.h"

namespace sofa::rpc::detail {

namespace {

grpc::ServerOptions grpc_options(const ServerOptions& options) {
  grpc::ServerOptions grpc;
  grpc.max_receive_message = options.max_frame;
  grpc.max_calls = options.max_calls;
  return grpc;
}

}  // namespace

/// One path: the entry at `index` of each shard's table.
struct GrpcFace::Method final : grpc::UnaryHandler, grpc::StreamHandler {
  Method(const Shards& all, size_t at) : shards(all), index(at) {}

  void handle(std::unique_ptr<grpc::UnaryCall> call) override;
  Task<Result<void>> handle(grpc::StreamCall& call) override { return run(here(), call, entry()); }

  static Task<void> run(ShardServer& shard, std::unique_ptr<grpc::UnaryCall> call, const MethodEntry& entry);
  static Task<Result<void>> run(ShardServer& shard, grpc::StreamCall& call, const MethodEntry& entry);
  ShardServer& here() const { return *shards[io::Shard::current().index()]; }
  const MethodEntry& entry() const { return *here().services().entries()[index]; }

  const Shards& shards;
  const size_t index;
};

void GrpcFace::Method::handle(std::unique_ptr<grpc::UnaryCall> call) {
  ShardServer& shard = here();
  const MethodEntry& called = entry();
  shard.counters().calls.add();
  if (!shard.needs_task(called)) {
    GrpcCall served(*call, called, shard.counters());
    return ShardServer::serve_now(served, called);
  }
  if (shard.is_full()) {
    shard.counters().busy.add();
    return call->answer(Error(Code::unavailable, "as many calls run as may (max_calls); try later"));
  }
  shard.spawn(run(shard, std::move(call), called));
}

Task<void> GrpcFace::Method::run(ShardServer& shard, std::unique_ptr<grpc::UnaryCall> call, const MethodEntry& entry) {
  io::Scope scope(&co_await io::current_scope(), nullptr, call->deadline());
  const auto cancel = [](void* context) { static_cast<io::Scope*>(context)->cancel(Error(Code::cancelled, "the caller is gone")); };
  if (call->is_cancelled()) {
    cancel(&scope);
  } else {
    call->on_cancelled(cancel, &scope);
  }
  GrpcCall served(*call, entry, shard.counters());
  co_await shard.serve(served, entry, scope);
}

Task<Result<void>> GrpcFace::Method::run(ShardServer& shard, grpc::StreamCall& call, const MethodEntry& entry) {
  shard.counters().calls.add();
  GrpcMessages messages(call, entry);
  (co_await io::current_scope()).set_context(&messages.context());
  auto done = co_await shard.serve_stream(messages.context(), entry, messages);
  if (done) co_return done;
  shard.counters().errors.add();
  co_return std::unexpected(grpc_error(std::move(done.error())));
}

GrpcFace::GrpcFace(const ServerOptions& options, const Shards& shards) : shards_(shards), server_(grpc_options(options)) {}

GrpcFace::~GrpcFace() = default;

void GrpcFace::add_methods() {
  const auto& entries = shards_.front()->services().entries();
  for (size_t i = 0; i < entries.size(); ++i) {
    const MethodEntry& entry = *entries[i];
    if (entry.grpc_path.empty()) continue;
    auto method = std::make_unique<Method>(shards_, i);
    // Of services that differ in version or uniqueId alone the first one has the path.
    const bool unary = entry.method->kind() == MethodKind::unary;
    [[maybe_unused]] const auto added = unary ? server_.add_unary(entry.grpc_path, *method) : server_.add_stream(entry.grpc_path, *method);
    methods_.push_back(std::move(method));
  }
}

}  // namespace sofa::rpc::detail
