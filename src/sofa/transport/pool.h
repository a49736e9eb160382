#pragma once
// ConnectionPool (Bolt), DubboPool: the client's connections of one shard, by address. Connects once for all who ask, connects again after a loss,
// gives the live ones in turn.
//
//   ConnectionPool pool(PoolOptions{}, Random(system_seed()));
//   SessionRef session = co_await or_return(pool.get(address));
//   ...
//   co_await pool.close();

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sofa/base/backoff.h"
#include "sofa/io/address.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/io/tls.h"
#include "sofa/transport/comeback.h"
#include "sofa/transport/dubbo_session.h"
#include "sofa/transport/session.h"

namespace sofa::transport {

/// Options are those of the session's class.
template <class Options>
struct BasicPoolOptions {
  uint32_t connections_per_address = 1;
  uint32_t max_addresses = 4096;
  Duration connect_timeout = std::chrono::seconds(1);
  bool reconnect = true;  ///< connect again, in the background, after a loss or a failure
  Backoff backoff{.first = std::chrono::milliseconds(50), .most = std::chrono::seconds(2), .jitter = 0.3};  ///< between the failures
  ComebackOptions comeback{};  ///< of a peer that has said that it closes (GoAway, READONLY)
  Options session = Options::client();
  io::StreamOptions stream = bolt_stream_options();
  std::shared_ptr<io::TlsClientContext> tls{};  ///< null: plain. The pool watches its files
};

/// Belongs to the shard it was made on, as do its sessions. Must be closed before it is destroyed. S: Session or DubboSession.
template <class S>
class BasicPool {
 public:
  class Peer;
  using Options = BasicPoolOptions<typename S::Options>;

  /// `handler` (null: none) gets the requests that servers send to this client; it outlives the pool.
  BasicPool(Options options, Random random, typename S::Handler* handler = nullptr);
  ~BasicPool();

  /// A usable connection to the address: a live one at once, else the outcome of a connect that all askers share. While a failed address waits
  /// for its next attempt, the answer is Code::unavailable at once. With several connections per address the first suffices; the others
  /// follow in the background.
  io::Task<Result<Ref<S>>> get(const io::Address& address);
  /// The same without a coroutine: null when there is no live connection now.
  Ref<S> try_get(const io::Address& address);

  /// The state of one address, made when it is not there; valid until forget() or close(). For callers that ask often. Null over max_addresses.
  Peer* peer(const io::Address& address);
  /// Closes the connections of an address in good order and connects to it no more.
  void forget(const io::Address& address);

  /// Forgets the addresses that nobody asked for since `before` and that `keep` does not hold. One that is being connected stays.
  void forget_unused(Instant before, const std::function<bool(const io::Address&)>& keep);

  /// Closes everything and waits for it. get() fails from then on.
  io::Task<void> close();

  /// Live connections of all addresses.
  size_t connections() const;
  size_t addresses() const { return peers_.size(); }

 private:
  struct AddressHash {
    size_t operator()(const io::Address& address) const { return std::hash<std::string>{}(address.host()) * 31 + address.port(); }
  };
  const Options options_;
  typename S::Handler* handler_;
  Random random_;
  bool closed_ = false;
  bool watching_ = false;  // the files of options_.tls
  io::TaskGroup group_;
  std::unordered_map<io::Address, std::shared_ptr<Peer>, AddressHash> peers_;
};

/// The connections to one address.
template <class S>
class BasicPool<S>::Peer : public std::enable_shared_from_this<Peer> {
 public:
  /// Whether there is a connection that takes calls now.
  bool is_live();
  /// A live connection, each in turn; null when there is none.
  S* live();
  /// A live connection, or the outcome of connecting; see BasicPool::get.
  io::Task<Result<Ref<S>>> get();
  /// Begins to connect in the background, unless that is under way already.
  void connect();
  const io::Address& address() const { return address_; }

  Peer(BasicPool& pool, io::Address address)
      : pool_(pool), address_(std::move(address)), asked_(io::Shard::current().now()), comeback_(pool.options_.comeback) {}

 private:
  friend class BasicPool;
  static io::Task<Result<void>> connect_all(std::shared_ptr<Peer> self);
  static io::Task<Result<void>> keep(std::shared_ptr<Peer> self, Ref<S> session);
  io::Task<bool> connect_one();
  void let_go();
  std::unexpected<Error> no_connection(Error error) const;
  /// The longest pause between two attempts now.
  Duration most_pause() const { return comeback_.most_pause(io::Shard::current().now(), pool_.options_.backoff.most); }

  BasicPool& pool_;
  const io::Address address_;
  Instant asked_;  // when a connection was last asked for
  Comeback comeback_;
  std::vector<Ref<S>> sessions_;
  size_t next_ = 0;
  int failures_ = 0;
  bool connecting_ = false;  // the background task runs
  bool attempting_ = false;  // ... and is in an attempt, not in a wait
  bool forgotten_ = false;
  std::optional<Error> last_error_;
  io::Event attempt_done_;
};

using PoolOptions = BasicPoolOptions<SessionOptions>;
using ConnectionPool = BasicPool<Session>;
using DubboPoolOptions = BasicPoolOptions<DubboSessionOptions>;
using DubboPool = BasicPool<DubboSession>;
extern template class BasicPool<Session>;
extern template class BasicPool<DubboSession>;

}  // namespace sofa::transport
