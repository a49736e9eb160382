#include "sofa/transport/pool.h"

namespace sofa::transport {

namespace {
const Logger kLog{"transport"};

std::unexpected<Error> no_connection(Error error) { return std::unexpected(with_status(std::move(error), bolt::Status::comm_error)); }
}  // namespace

ConnectionPool::ConnectionPool(PoolOptions options, Random random, const Handlers* handlers)
    : options_(options), handlers_(handlers), random_(random) {}

ConnectionPool::~ConnectionPool() { assert((closed_ || peers_.empty()) && "a pool is closed before it is destroyed"); }

io::Task<Result<SessionRef>> ConnectionPool::get(const io::Address& address) {
  Peer* found = peer(address);
  if (found == nullptr) {
    co_return no_connection(closed_ ? Error(Code::unavailable, fmt::format("no connection to {}: the pool is closed", address.to_string()))
                                    : Error(Code::resource_exhausted, fmt::format("no connection to {}: the pool has {} addresses (max_addresses)",
                                                                                  address.to_string(), peers_.size())));
  }
  co_return co_await found->get();
}

SessionRef ConnectionPool::try_get(const io::Address& address) {
  const auto at = peers_.find(address);
  Session* session = at == peers_.end() ? nullptr : at->second->live();
  return session == nullptr ? SessionRef() : SessionRef(*session);
}

ConnectionPool::Peer* ConnectionPool::peer(const io::Address& address) {
  const auto at = peers_.find(address);
  if (at != peers_.end()) return at->second.get();
  if (closed_ || peers_.size() >= options_.max_addresses) return nullptr;
  return peers_.emplace(address, std::make_shared<Peer>(*this, address)).first->second.get();
}

void ConnectionPool::forget(const io::Address& address) {
  const auto at = peers_.find(address);
  if (at == peers_.end()) return;
  const std::shared_ptr<Peer> peer = std::move(at->second);
  peers_.erase(at);
  peer->let_go();
  for (const SessionRef& session : std::exchange(peer->sessions_, {})) session->drain();
}

void ConnectionPool::forget_unused(Instant before, const std::function<bool(const io::Address&)>& keep) {
  std::vector<io::Address> unused;
  for (const auto& [address, peer] : peers_) {
    if (peer->asked_ < before && !peer->attempting_ && !keep(address)) unused.push_back(address);
  }
  for (const io::Address& address : unused) forget(address);
}

io::Task<void> ConnectionPool::close() {
  if (!std::exchange(closed_, true)) {
    for (auto& [address, peer] : std::exchange(peers_, {})) {
      peer->let_go();
      for (const SessionRef& session : std::exchange(peer->sessions_, {})) session->close("the pool is closed");
    }
    group_.cancel("the pool is closed");
  }
  [[maybe_unused]] const auto joined = co_await group_.join();
}

size_t ConnectionPool::connections() const {
  size_t sum = 0;
  for (const auto& [address, peer] : peers_) sum += peer->live_count();
  return sum;
}

// A connection that was told to go, or is closed, is no longer ours: it ends by itself, and another one takes its place.
Session* ConnectionPool::Peer::live() {
  asked_ = io::Shard::current().now();
  while (!sessions_.empty()) {
    next_ = next_ + 1 < sessions_.size() ? next_ + 1 : 0;
    Session* session = sessions_[next_].get();
    if (session->usable()) return session;
    sessions_.erase(sessions_.begin() + static_cast<std::ptrdiff_t>(next_));
    if (pool_.options_.reconnect) connect();
  }
  return nullptr;
}

io::Task<Result<SessionRef>> ConnectionPool::Peer::get() {
  const std::shared_ptr<Peer> self = shared_from_this();
  if (Session* session = live()) co_return SessionRef(*session);
  if (connecting_ && !attempting_ && last_error_) {
    co_return no_connection(Error(Code::unavailable, fmt::format("no connection to {} now; it is tried again within {} ms", address_.to_string(),
                                                                 std::chrono::ceil<std::chrono::milliseconds>(pool_.options_.backoff_most).count()))
                                .with_cause(*last_error_));
  }
  connect();
  if (!forgotten_) co_await io::or_return(attempt_done_.wait());
  if (forgotten_)
    co_return no_connection(Error(Code::unavailable, fmt::format("no connection to {}: its address was given up", address_.to_string())));
  if (Session* session = live()) co_return SessionRef(*session);
  if (last_error_) co_return no_connection(*last_error_);
  co_return no_connection(Error(Code::unavailable, fmt::format("the connection to {} was lost at once", address_.to_string())));
}

void ConnectionPool::Peer::connect() {
  if (connecting_ || forgotten_) return;
  connecting_ = attempting_ = true;
  if (pool_.options_.tls != nullptr && !std::exchange(pool_.watching_, true)) pool_.group_.spawn("tls reload", pool_.options_.tls->watch());
  pool_.group_.spawn("connect", connect_all(shared_from_this()));
}

void ConnectionPool::Peer::let_go() {
  forgotten_ = true;
  attempt_done_.set();
}

io::Task<Result<void>> ConnectionPool::Peer::connect_all(std::shared_ptr<Peer> self) {
  Peer& peer = *self;
  const PoolOptions& options = peer.pool_.options_;
  while (!peer.forgotten_ && peer.sessions_.size() < options.connections_per_address) {
    peer.attempting_ = true;
    const bool connected = co_await peer.connect_one();
    peer.attempting_ = false;
    if (peer.forgotten_) break;
    peer.attempt_done_.set();
    peer.attempt_done_.clear();
    if (connected) continue;
    if (!options.reconnect) break;
    if (auto slept = co_await io::sleep_for(peer.next_backoff()); !slept) break;
  }
  peer.connecting_ = false;
  co_return Result<void>{};
}

io::Task<bool> ConnectionPool::Peer::connect_one() {
  const PoolOptions& options = pool_.options_;
  io::ConnectOptions how;
  how.timeout = options.connect_timeout;
  how.stream = options.stream;
  auto stream = co_await (options.tls == nullptr ? io::Stream::connect(address_, how) : io::tls_connect(address_, *options.tls, how));
  if (!stream) {
    if (failures_++ == 0 && !forgotten_) kLog.warn("cannot connect", {{"peer", address_.to_string()}, {"reason", stream.error()}});
    last_error_ = std::move(stream.error());
    co_return false;
  }
  if (forgotten_) co_return false;
  if (failures_ > 0) kLog.info("connected again", {{"peer", address_.to_string()}, {"attempts", failures_ + 1}});
  failures_ = 0;
  last_error_.reset();
  SessionRef session = Session::create(std::move(*stream), options.session, pool_.handlers_);
  sessions_.push_back(session);
  pool_.group_.spawn("bolt session", keep(shared_from_this(), std::move(session)));
  co_return true;
}

io::Task<Result<void>> ConnectionPool::Peer::keep(std::shared_ptr<Peer> self, SessionRef session) {
  [[maybe_unused]] const auto why = co_await session->run();
  std::erase(self->sessions_, session);
  if (self->pool_.options_.reconnect) self->connect();
  co_return Result<void>{};
}

Duration ConnectionPool::Peer::next_backoff() {
  const PoolOptions& options = pool_.options_;
  const uint32_t doublings = std::min<uint32_t>(failures_ - 1, 30);
  const auto base =
      std::min<double>(static_cast<double>(options.backoff_most.count()), static_cast<double>(options.backoff_first.count()) * (1u << doublings));
  return Duration(static_cast<int64_t>(base * (1 + options.backoff_jitter * (2 * pool_.random_.unit() - 1))));
}

}  // namespace sofa::transport
