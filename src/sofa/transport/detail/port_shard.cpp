#include "sofa/transport/detail/port_shard.h"

namespace sofa::transport::detail {

namespace {

const Logger kLog{"transport"};

/// Bytes of an unknown connection that the log shows.
constexpr size_t kShownBytes = 16;

struct Detection {
  Protocol* protocol = nullptr;
  bool undecided = false;
};

Detection look(const std::vector<Protocol*>& protocols, ByteSpan first_bytes) {
  Detection found;
  for (Protocol* protocol : protocols) {
    switch (protocol->detect(first_bytes)) {
      case Detected::yes:
        return {protocol, false};
      case Detected::maybe:
        found.undecided = true;
        break;
      case Detected::no:
        break;
    }
  }
  return found;
}

io::Task<Result<size_t>> read_more(io::Stream& stream, Buffer& in, size_t max) { co_return co_await stream.read_some(in, max); }

io::Task<Result<Detection>> read_until_known(io::Stream& stream, Buffer& in, const std::vector<Protocol*>& protocols, size_t max) {
  for (;;) {
    const Detection found = look(protocols, in.span());
    if (!found.undecided || found.protocol != nullptr) co_return found;
    if (in.size() >= max) co_return Detection{};
    if (co_await io::or_return(read_more(stream, in, max - in.size())) == 0) co_return Detection{};
  }
}

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
  const PortOptions& options = shared_.options;
  Connection connection(draining_);
  // Until a protocol has claimed it, draining ends it: it has asked for nothing yet.
  connection.on_drain([](void* context) { static_cast<io::Stream*>(context)->close(); }, &stream);
  const Listed listed(*this, connection);
  Buffer in;
  const auto first = co_await io::with_timeout(options.silent_timeout, read_more(stream, in, options.max_first_bytes));
  Result<Detection> found = Detection{};
  if (first && *first > 0) {
    found = co_await io::with_timeout(options.detect_timeout, read_until_known(stream, in, shared_.protocols, options.max_first_bytes));
  }
  connection.on_drain(nullptr, nullptr);
  if (found && found->protocol != nullptr) {
    co_await found->protocol->serve(std::move(stream), std::move(in), connection);
    ended_.add(connection.final_stats);
  } else if (!in.empty() && !draining_) {
    connection.close_kind = found ? CloseKind::unknown_protocol : CloseKind::half_frame;
    kLog.warn(
        shared_.refusal_log, "connection refused",
        {{"peer", stream.peer().to_string()},
         {"reason", found ? "its first bytes are no protocol of this port" : "its first bytes did not tell its protocol in time (detect_timeout)"},
         {"bytes", to_hex(in.span().first(std::min(in.size(), kShownBytes)))}});
  } else if (!first && first.error().code() == Code::deadline_exceeded) {
    connection.close_kind = CloseKind::idle;
  }
  co_return connection.close_kind;
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
