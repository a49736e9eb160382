#pragma once
// What Bolt and Dubbo have in common on a client: a pool of sessions and the way to one.

#include "sofa/rpc/detail/client_protocol.h"
#include "sofa/transport/pool.h"

namespace sofa::rpc::detail {

/// S: transport::Session or transport::DubboSession.
template <class S>
class SessionProtocol : public ClientProtocol {
 public:
  SessionProtocol(const ClientOptions& options, std::shared_ptr<io::TlsClientContext> tls)
      : pool_(pool_options(options, std::move(tls)), Random(system_seed())) {}

  Task<Result<void>> reach(const io::Address& address) final {
    co_await or_return(pool_.get(address));
    co_return Result<void>();
  }
  bool is_live(const io::Address& address) final {
    auto* peer = pool_.peer(address);
    if (peer == nullptr) return false;
    if (peer->is_live()) return true;
    peer->connect();
    return false;
  }
  void forget_unused(Instant before, const std::function<bool(const io::Address&)>& keep) final { pool_.forget_unused(before, keep); }
  bool empty() const final { return pool_.addresses() == 0; }
  Task<void> close() final { return pool_.close(); }

 protected:
  /// A live connection without a wait, or null.
  transport::Ref<S> live_session(const io::Address& address) { return pool_.try_get(address); }
  Task<Result<transport::Ref<S>>> session_to(const io::Address& address, Deadline deadline) {
    auto session = co_await io::with_deadline(deadline, pool_.get(address));
    const io::Scope& scope = co_await io::current_scope();
    if (session || session.error().code() != Code::deadline_exceeded || scope.cancelled()) co_return session;
    // The call's own timeout, while it waited for a connection: another provider may be there.
    co_return std::unexpected(transport::with_status(Error(Code::deadline_exceeded, "no connection within the timeout of the call"),
                                                     bolt::Status::comm_error, transport::Sent::no));
  }

 private:
  using PoolOptions = typename transport::BasicPool<S>::Options;
  static PoolOptions pool_options(const ClientOptions& options, std::shared_ptr<io::TlsClientContext> tls) {
    PoolOptions pool;
    pool.tls = std::move(tls);
    pool.connections_per_address = options.connections;
    pool.connect_timeout = options.connect_timeout;
    pool.session.limits.max_frame = options.max_frame;
    pool.session.heartbeat_interval = options.heartbeat;
    pool.session.announce_goaway = true;
    pool.session.max_pending_calls = static_cast<uint32_t>(options.max_pending);
    return pool;
  }

  transport::BasicPool<S> pool_;
};

}  // namespace sofa::rpc::detail
