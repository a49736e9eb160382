#include "sofa/transport/port.h"

#include <algorithm>
#include <iterator>

#include "sofa/io/runtime.h"
#include "sofa/io/sync.h"
#include "sofa/transport/detail/port_shard.h"

namespace sofa::transport {

namespace {

class PortImpl final : public Port {
 public:
  PortImpl(std::vector<Protocol*> protocols, PortOptions options, std::vector<io::Listener> listeners)
      : shared_(std::move(protocols), std::move(options)),
        listeners_(std::move(listeners)),
        local_(listeners_.front().local()),
        home_(io::Shard::current()),
        runtime_(home_.runtime()),
        last_(runtime_.shard_count()) {
    shards_.resize(runtime_.shard_count());
  }
  ~PortImpl() override { assert(ended_.is_set() && "a port is stopped before it is destroyed"); }

  io::Task<Result<int>> start() {
    for (unsigned i = 0; i < shards_.size(); ++i) {
      co_await io::or_return(io::on(runtime_.shard(i), [this, i]() -> io::Task<Result<int>> {
        shards_[i] = std::make_unique<detail::PortShard>(shared_);
        co_return 0;
      }));
    }
    for (io::Listener& listener : listeners_) accepting_.spawn("accept", accept(listener));
    if (shared_.options.tls != nullptr) accepting_.spawn("tls reload", shared_.options.tls->watch());
    co_return 0;
  }

  const io::Address& local() const override { return local_; }

  io::Task<Result<void>> stop() override {
    return io::on(home_, [this] { return stop_here(); });
  }

  io::Task<Result<ServerStats>> stats() override {
    ServerStats sum;
    for (unsigned i = 0; i < shards_.size(); ++i) {
      sum.add(co_await io::or_return(io::on(
          runtime_.shard(i), [this, i]() -> io::Task<Result<ServerStats>> { co_return shards_[i] == nullptr ? last_[i] : shards_[i]->stats(); })));
    }
    sum.refused += refused_.load(std::memory_order_relaxed);
    co_return sum;
  }

  io::Task<Result<std::vector<ConnectionSnapshot>>> connections(uint64_t from, size_t most) override {
    std::vector<ConnectionSnapshot> all;
    for (unsigned i = 0; i < shards_.size(); ++i) {
      auto some = co_await io::or_return(io::on(runtime_.shard(i), [this, i, from, most]() -> io::Task<Result<std::vector<ConnectionSnapshot>>> {
        co_return shards_[i] == nullptr ? std::vector<ConnectionSnapshot>() : shards_[i]->connections(from, most);
      }));
      std::ranges::move(some, std::back_inserter(all));
    }
    std::ranges::sort(all, {}, &ConnectionSnapshot::id);
    if (all.size() > most) all.resize(most);
    co_return all;
  }

 private:
  // The first does it; others, and what they destroy afterwards, wait for its end.
  io::Task<Result<void>> stop_here() {
    if (std::exchange(stopped_, true)) co_return co_await ended_.wait();
    for (io::Listener& listener : listeners_) listener.close();
    accepting_.cancel("the port stops");
    [[maybe_unused]] const auto ended = co_await accepting_.join();
    // All at once: each shard has the whole drain_timeout.
    io::TaskGroup stopping(io::Shard::current().root_scope());
    for (unsigned i = 0; i < shards_.size(); ++i) stopping.spawn("port stop", stop_shard(i));
    [[maybe_unused]] const auto joined = co_await stopping.join();
    ended_.set();
    co_return Result<void>();
  }

  io::Task<Result<void>> accept(io::Listener& listener) {
    for (;;) {
      auto accepted = co_await listener.accept_socket();
      if (!accepted && stopped_) co_return Result<void>{};
      io::AcceptedSocket socket = co_await io::or_return(std::move(accepted));
      if (shared_.open.load(std::memory_order_relaxed) >= shared_.options.max_connections) {
        refused_.fetch_add(1, std::memory_order_relaxed);
        kLog.warn(shared_.refusal_log, "connection refused",
                  {{"peer", socket.peer().to_string()},
                   {"reason", "the port has max_connections open"},
                   {"max_connections", shared_.options.max_connections}});
        continue;
      }
      shared_.open.fetch_add(1, std::memory_order_relaxed);
      const unsigned target = next_shard_++ % static_cast<unsigned>(shards_.size());
      if (runtime_.shard(target).is_current()) {
        shards_[target]->take(std::move(socket));
      } else {
        runtime_.shard(target).post([this, target, moved = std::move(socket)]() mutable { shards_[target]->take(std::move(moved)); });
      }
    }
  }

  // What was posted to the shard before has arrived there when this runs.
  io::Task<Result<void>> stop_shard(unsigned i) {
    co_await io::or_return(io::on(runtime_.shard(i), [this, i]() -> io::Task<Result<int>> {
      const auto stopped = co_await shards_[i]->stop();
      last_[i] = shards_[i]->stats();
      shards_[i].reset();
      co_return stopped;
    }));
    co_return Result<void>{};
  }

  static inline const Logger kLog{"transport"};

  detail::PortShared shared_;
  std::vector<io::Listener> listeners_;  // not empty
  const io::Address local_;
  io::Shard& home_;  // whose accepting_, next_shard_, stopped_ and ended_ are
  io::Runtime& runtime_;
  std::vector<std::unique_ptr<detail::PortShard>> shards_;  // each touched on its shard only
  std::vector<ServerStats> last_;                           // of shards that have stopped, likewise
  io::TaskGroup accepting_;
  unsigned next_shard_ = 0;
  std::atomic<uint64_t> refused_{0};
  bool stopped_ = false;
  io::Event ended_;
};

}  // namespace

io::Task<Result<std::unique_ptr<Port>>> Port::open(io::Address address, std::vector<Protocol*> protocols, PortOptions options) {
  if (options.tls_only && options.tls == nullptr) {
    co_return fail(Code::invalid_argument, "a port that takes TLS alone (tls_only) needs certificates: set tls");
  }
  io::ListenOptions listen;
  listen.option_name = options.option_name;
  listen.stream = options.stream;
  auto listeners = co_await io::or_return(io::Listener::bind_name(std::move(address), listen));
  auto port = std::make_unique<PortImpl>(std::move(protocols), std::move(options), std::move(listeners));
  if (auto started = co_await port->start(); !started) {
    co_await io::or_return(port->stop());
    co_return forward_error(started);
  }
  co_return std::unique_ptr<Port>(std::move(port));
}

}  // namespace sofa::transport
