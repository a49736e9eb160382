#include "sofa/transport/detail/port_shard.h"

#include <algorithm>
#include <iterator>

#include "sofa/io/runtime.h"

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
  Listed(PortShard& port, const io::Stream& stream)
      : connection(port.draining_),
        shard_(port),
        id_(next_id(port)),
        opened_(io::Shard::current().now()),
        peer_(stream.peer()),
        local_(stream.local()) {
    connection.index = shard_.connections_.size();
    shard_.connections_.push_back(this);
  }
  ~Listed() {
    auto& all = shard_.connections_;
    all[connection.index] = all.back();
    all[connection.index]->connection.index = connection.index;
    all.pop_back();
  }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

  /// Its protocol is known.
  void identify(const Identified& found) {
    protocol_ = found.protocol->name();
    secure_ = found.stream.is_secure();
  }
  uint64_t id() const { return id_; }
  const io::Address& peer() const { return peer_; }
  ConnectionSnapshot snapshot() const {
    return {.id = id_,
            .peer = peer_,
            .local = local_,
            .protocol = protocol_,
            .secure = secure_,
            .shard = io::Shard::current().index(),
            .opened = opened_,
            .stats = connection.live_stats == nullptr ? SessionStats() : *connection.live_stats};
  }

  Connection connection;

 private:
  /// One that no other shard gives.
  static uint64_t next_id(PortShard& port) {
    const io::Shard& shard = io::Shard::current();
    return ++port.accepted_ids_ * shard.runtime().shard_count() + shard.index();
  }
  PortShard& shard_;
  const uint64_t id_;
  const Instant opened_;
  const io::Address peer_, local_;
  std::string_view protocol_;
  bool secure_ = false;
};

std::vector<ConnectionSnapshot> PortShard::connections(uint64_t from, size_t most) const {
  std::vector<const Listed*> chosen;
  std::ranges::copy_if(connections_, std::back_inserter(chosen), [from](const Listed* listed) { return listed->id() >= from; });
  most = std::min(most, chosen.size());
  std::ranges::partial_sort(chosen, chosen.begin() + static_cast<ptrdiff_t>(most), {}, &Listed::id);
  std::vector<ConnectionSnapshot> snapshots;
  for (size_t i = 0; i < most; ++i) snapshots.push_back(chosen[i]->snapshot());
  return snapshots;
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
  Listed listed(*this, stream);
  Connection& connection = listed.connection;
  // Until a protocol has claimed it, draining ends it: it has asked for nothing yet.
  io::CancelSource undecided(co_await io::current_scope());
  connection.on_drain([](void* context) { static_cast<io::CancelSource*>(context)->cancel("the port stops"); }, &undecided);
  Identified found = co_await undecided.run(identify(std::move(stream), shared_));
  connection.on_drain(nullptr, nullptr);
  if (found.protocol == nullptr) {
    if (!draining_ && !found.reason.empty()) log_refusal(found, listed.peer());
    co_return draining_ ? CloseKind::local : found.kind;
  }
  if (found.stream.is_secure()) ++ended_.secure;
  listed.identify(found);
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
  const std::vector<Listed*> now = connections_;
  for (Listed* listed : now) listed->connection.drain();
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
  for (const Listed* listed : connections_) {
    if (listed->connection.live_stats != nullptr) sum.add(*listed->connection.live_stats);
  }
  return sum;
}

}  // namespace sofa::transport::detail
