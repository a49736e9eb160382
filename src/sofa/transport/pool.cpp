#include "sofa/transport/pool.h"

namespace sofa::transport {

namespace {
const Logger kLog{"transport"};
}  // namespace

template <class S>
BasicPool<S>::BasicPool(Options options, Random random, typename S::Handler* handler)
    : options_(std::move(options)), handler_(handler), random_(random) {}

template <class S>
BasicPool<S>::~BasicPool() {
  assert((closed_ || peers_.empty()) && "a pool is closed before it is destroyed");
}

template <class S>
io::Task<Result<Ref<S>>> BasicPool<S>::get(const io::Address& address) {
  Peer* found = peer(address);
  if (found == nullptr) {
    Error error = closed_ ? Error(Code::unavailable, fmt::format("no connection to {}: the pool is closed", address.to_string()))
                          : Error(Code::resource_exhausted,
                                  fmt::format("no connection to {}: the pool has {} addresses (max_addresses)", address.to_string(), peers_.size()));
    co_return std::unexpected(with_status(std::move(error), bolt::Status::comm_error, Sent::no));
  }
  co_return co_await found->get();
}

template <class S>
Ref<S> BasicPool<S>::try_get(const io::Address& address) {
  const auto at = peers_.find(address);
  S* session = at == peers_.end() ? nullptr : at->second->live();
  return session == nullptr ? Ref<S>() : Ref<S>(*session);
}

template <class S>
BasicPool<S>::Peer* BasicPool<S>::peer(const io::Address& address) {
  const auto at = peers_.find(address);
  if (at != peers_.end()) return at->second.get();
  if (closed_ || peers_.size() >= options_.max_addresses) return nullptr;
  return peers_.emplace(address, std::make_shared<Peer>(*this, address)).first->second.get();
}

template <class S>
void BasicPool<S>::forget(const io::Address& address) {
  const auto at = peers_.find(address);
  if (at == peers_.end()) return;
  const std::shared_ptr<Peer> peer = std::move(at->second);
  peers_.erase(at);
  peer->let_go();
  for (const Ref<S>& session : std::exchange(peer->sessions_, {})) session->drain();
}

template <class S>
void BasicPool<S>::forget_unused(Instant before, const std::function<bool(const io::Address&)>& keep) {
  std::vector<io::Address> unused;
  for (const auto& [address, peer] : peers_) {
    if (peer->asked_ < before && !peer->attempting_ && !keep(address)) unused.push_back(address);
  }
  for (const io::Address& address : unused) forget(address);
}

template <class S>
io::Task<void> BasicPool<S>::close() {
  if (!std::exchange(closed_, true)) {
    for (auto& [address, peer] : std::exchange(peers_, {})) {
      peer->let_go();
      for (const Ref<S>& session : std::exchange(peer->sessions_, {})) session->close("the pool is closed");
    }
    group_.cancel("the pool is closed");
  }
  [[maybe_unused]] const auto joined = co_await group_.join();
}

template <class S>
size_t BasicPool<S>::connections() const {
  size_t sum = 0;
  for (const auto& [address, peer] : peers_) sum += peer->sessions_.size();
  return sum;
}

// A connection that was told to go, or is closed, is no longer ours: it ends by itself, and another one takes its place.
template <class S>
bool BasicPool<S>::Peer::is_live() {
  const auto lost = std::erase_if(sessions_, [this](const Ref<S>& session) {
    if (session->told_to_go()) comeback_.peer_closes(io::Shard::current().now());
    return !session->usable();
  });
  if (lost > 0 && pool_.options_.reconnect) connect();
  return !sessions_.empty();
}

template <class S>
std::unexpected<Error> BasicPool<S>::Peer::no_connection(Error error) const {
  return std::unexpected(with_status(std::move(error), bolt::Status::comm_error, comeback_.sent(io::Shard::current().now())));
}

template <class S>
S* BasicPool<S>::Peer::live() {
  asked_ = io::Shard::current().now();
  if (!is_live()) return nullptr;
  next_ = next_ + 1 < sessions_.size() ? next_ + 1 : 0;
  return sessions_[next_].get();
}

template <class S>
io::Task<Result<Ref<S>>> BasicPool<S>::Peer::get() {
  const std::shared_ptr<Peer> self = this->shared_from_this();
  if (S* session = live()) co_return Ref<S>(*session);
  if (connecting_ && !attempting_ && last_error_) {
    co_return no_connection(Error(Code::unavailable, fmt::format("no connection to {} now; it is tried again within {} ms", address_.to_string(),
                                                                 std::chrono::ceil<std::chrono::milliseconds>(most_pause()).count()))
                                .with_cause(*last_error_));
  }
  connect();
  if (!forgotten_) co_await io::or_return(attempt_done_.wait());
  if (forgotten_)
    co_return no_connection(Error(Code::unavailable, fmt::format("no connection to {}: its address was given up", address_.to_string())));
  if (S* session = live()) co_return Ref<S>(*session);
  if (last_error_) co_return no_connection(*last_error_);
  co_return no_connection(Error(Code::unavailable, fmt::format("the connection to {} was lost at once", address_.to_string())));
}

template <class S>
void BasicPool<S>::Peer::connect() {
  if (connecting_ || forgotten_) return;
  connecting_ = attempting_ = true;
  if (pool_.options_.tls != nullptr && !std::exchange(pool_.watching_, true)) pool_.group_.spawn("tls reload", pool_.options_.tls->watch());
  pool_.group_.spawn("connect", connect_all(this->shared_from_this()));
}

template <class S>
void BasicPool<S>::Peer::let_go() {
  forgotten_ = true;
  attempt_done_.set();
}

template <class S>
io::Task<Result<void>> BasicPool<S>::Peer::connect_all(std::shared_ptr<Peer> self) {
  Peer& peer = *self;
  const Options& options = peer.pool_.options_;
  while (!peer.forgotten_ && peer.sessions_.size() < options.connections_per_address) {
    peer.attempting_ = true;
    const bool connected = co_await peer.connect_one();
    peer.attempting_ = false;
    if (peer.forgotten_) break;
    peer.attempt_done_.set();
    peer.attempt_done_.clear();
    if (connected) continue;
    if (!options.reconnect) break;
    Backoff backoff = options.backoff;
    backoff.most = peer.most_pause();
    if (auto slept = co_await io::sleep_for(backoff.pause(peer.failures_, peer.pool_.random_)); !slept) break;
  }
  peer.connecting_ = false;
  co_return Result<void>{};
}

template <class S>
io::Task<bool> BasicPool<S>::Peer::connect_one() {
  const Options& options = pool_.options_;
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
  comeback_.has_connected();
  last_error_.reset();
  Ref<S> session = S::create(std::move(*stream), options.session, pool_.handler_);
  sessions_.push_back(session);
  pool_.group_.spawn("session", keep(this->shared_from_this(), std::move(session)));
  co_return true;
}

template <class S>
io::Task<Result<void>> BasicPool<S>::Peer::keep(std::shared_ptr<Peer> self, Ref<S> session) {
  [[maybe_unused]] const auto why = co_await session->run();
  self->is_live();  // lets go of it, and sees whether it was told to go
  if (self->pool_.options_.reconnect) self->connect();
  co_return Result<void>{};
}

template class BasicPool<Session>;
template class BasicPool<DubboSession>;

}  // namespace sofa::transport
