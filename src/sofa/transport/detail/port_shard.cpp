#include "sofa/transport/detail/port_shard.h"

namespace sofa::transport::detail {

namespace {

const Logger kLog{"transport"};

/// Bytes of an unknown connection that the log shows.
constexpr size_t kShownBytes = 16;

}  // namespace

void PortShard::take(io::AcceptedSocket socket) {
  if (draining_) {
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  ++ended_.accepted;
  group_.spawn("connection", serve(std::move(socket)));
}

/// A connection stands in the list as long as this lives, however it ends.
class PortShard::Listed {
 public:
  Listed(PortShard& shard, Connection& connection) : shard_(shard), connection_(connection) { shard_.list(connection_); }
  ~Listed() { shard_.unlist(connection_); }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

 private:
  PortShard& shard_;
  Connection& connection_;
};

void PortShard::list(Connection& connection) {
  connection.index = connections_.size();
  connections_.push_back(&connection);
}

void PortShard::unlist(Connection& connection) {
  connections_[connection.index] = connections_.back();
  connections_[connection.index]->index = connection.index;
  connections_.pop_back();
}

io::Task<void> PortShard::serve(io::AcceptedSocket socket) {
  CloseKind kind = CloseKind::peer;
  try {
    if (auto stream = io::Stream::adopt(std::move(socket), shared_.options.stream)) kind = co_await serve_stream(std::move(*stream));
  } catch (const std::exception& e) {  // a fault of a handler costs its own connection, and no place of the port
    kind = CloseKind::handler_fault;
    kLog.error(shared_.refusal_log, "connection closed: a handler threw", {{"exception", e.what()}});
  }
  ++ended_.closed[static_cast<size_t>(kind)];
  shared_.open.fetch_sub(1, std::memory_order_relaxed);
}

io::Task<CloseKind> PortShard::serve_stream(io::Stream stream) {
  Connection connection(draining_);
  const Listed listed(*this, connection);
  const io::Address peer = stream.peer();
  // Until a protocol has claimed it, draining ends it: it has asked for nothing yet.
  io::CancelSource undecided(co_await io::current_scope());
  connection.on_drain([](void* context) { static_cast<io::CancelSource*>(context)->cancel("the port stops"); }, &undecided);
  Identified found = co_await undecided.run(identify(std::move(stream), shared_));
  connection.on_drain(nullptr, nullptr);
  if (found.protocol == nullptr) {
    if (!draining_ && !found.reason.empty()) log_refusal(found, peer);
    co_return draining_ ? CloseKind::local : found.kind;
  }
  if (found.stream.is_secure()) ++ended_.secure;
  co_await found.protocol->serve(std::move(found.stream), std::move(found.prefix), connection);
  ended_.add(connection.final_stats);
  co_return connection.close_kind;
}

void PortShard::log_refusal(const Identified& connection, const io::Address& peer) {
  const ByteSpan first = connection.prefix.span();
  kLog.warn(shared_.refusal_log, "connection refused",
            {{"peer", peer.to_string()}, {"reason", connection.reason}, {"bytes", to_hex(first.first(std::min(first.size(), kShownBytes)))}});
}

io::Task<Result<int>> PortShard::stop() {
  draining_ = true;
  const std::vector<Connection*> now = connections_;
  for (Connection* connection : now) connection->drain();
  // Joining sees its end in any case, so the time limit cancels the tasks, not the wait.
  io::TimerNode limit([](void* group) { static_cast<io::TaskGroup*>(group)->cancel("the port stops: drain_timeout has passed"); }, &group_);
  io::Shard& shard = io::Shard::current();
  shard.schedule(limit, deadline_after(shard.now(), shared_.options.drain_timeout));
  [[maybe_unused]] const auto joined = co_await group_.join();
  co_return 0;
}

ServerStats PortShard::stats() const {
  ServerStats sum = ended_;
  sum.open = connections_.size();
  for (const Connection* connection : connections_) {
    if (connection->live_stats != nullptr) sum.add(*connection->live_stats);
  }
  return sum;
}

}  // namespace sofa::transport::detail
