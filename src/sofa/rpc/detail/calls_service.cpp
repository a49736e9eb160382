#include "sofa/rpc/detail/calls_service.h"

#include "sofa/io/scope.h"
#include "sofa/rpc/detail/calls_wire.h"

namespace sofa::rpc::detail {

namespace {

Task<Result<void>> wait_for(io::Event& event) { co_return co_await event.wait(); }

}  // namespace

Result<void> check_may_see(ShowCalls to_whom, const io::Address& peer) {
  if (to_whom == ShowCalls::anyone || (to_whom == ShowCalls::loopback && peer.is_loopback())) return {};
  return fail(Code::permission_denied, "calls are shown to peers on this server's own machine, not to {}; ServerOptions::show_calls opens them",
              peer.to_string());
}

CallsService::CallsService(std::shared_ptr<Calls> calls, ShowCalls to_whom)
    : calls_(std::move(calls)), to_whom_(to_whom), begun_(io::Shard::current().clock().now_monotonic()) {}

Result<void> CallsService::add_to(grpc::Server& server) {
  if (calls_ == nullptr || to_whom_ == ShowCalls::nobody) return {};
  if (auto added = server.add_stream("/sofa.rpc.v1.Calls/Watch", watch_); !added) return added;
  return server.add_stream("/sofa.rpc.v1.Calls/Slowest", slowest_);
}

void CallsService::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (const auto& [shard, stopping] : stopping_) shard->post([stopping] { stopping->set(); });
}

std::shared_ptr<io::Event> CallsService::stopping_here() {
  const std::lock_guard lock(mutex_);
  auto& stopping = stopping_[&io::Shard::current()];
  if (stopping == nullptr) stopping = std::make_shared<io::Event>();
  if (stopped_) stopping->set();
  return stopping;
}

Task<Result<Bytes>> CallsService::admit(grpc::StreamCall& call) const {
  co_await or_return(check_may_see(to_whom_, call.peer()));
  auto message = co_await or_return(call.read());
  co_return message ? std::move(*message) : Bytes();
}

Task<Result<void>> CallsService::slowest(grpc::StreamCall& call) {
  const Bytes request = co_await or_return(admit(call));
  const size_t most = co_await or_return(read_slowest_request(request));
  const CallsSnapshot now = co_await or_return(calls_->read());
  Buffer out;
  write_slowest(out, now, most);
  co_return co_await call.write(out.take());
}

Task<Result<void>> CallsService::watch(grpc::StreamCall& call) {
  const Bytes request = co_await or_return(admit(call));
  const Duration interval = co_await or_return(read_watch_request(request));
  const std::unique_ptr<std::atomic<int>, void (*)(std::atomic<int>*)> place(&watching_, [](std::atomic<int>* watching) { --*watching; });
  if (++watching_ > kMostWatching) co_return fail(Code::resource_exhausted, "{} watch the calls already; try later", kMostWatching);
  co_return co_await send_snapshots(call, interval);
}

Task<Result<void>> CallsService::send_snapshots(grpc::StreamCall& call, Duration interval) {
  const std::shared_ptr<io::Event> stopping = stopping_here();
  CallsSnapshot before{.at = begun_, .methods = {}};
  for (;;) {
    CallsSnapshot now = co_await or_return(calls_->read());
    Buffer out;
    write_snapshot(out, now, before, now.at - before.at);
    co_await or_return(call.write(out.take()));
    before = std::move(now);
    const auto stopped = co_await io::with_timeout(interval, wait_for(*stopping));
    if (stopped) co_return fail(Code::unavailable, "the server is stopping");
    if ((co_await io::current_scope()).cancelled()) co_return stopped;
  }
}

}  // namespace sofa::rpc::detail
