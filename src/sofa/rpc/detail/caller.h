#pragma once
// The client's side of a service: chooses a provider, sends the call, retries, reads the answer. Lives on one shard.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sofa/io/task_group.h"
#include "sofa/rpc/client.h"
#include "sofa/rpc/detail/request_codec.h"
#include "sofa/transport/pool.h"

namespace sofa::rpc::detail {

/// One call, whatever its types: described, protobuf or dynamic. What it points to lives until the call has ended.
struct CallSpec {
  std::string_view method;
  Duration timeout{};  // the method's, zero: none
  std::optional<int> retries;
  uint8_t codec = bolt::kCodecHessian;
  bool oneway = false;
  std::span<const std::string_view> signatures;

  const MethodShape* shape = nullptr;  // typed calls
  std::span<const void* const> arguments;
  void* result = nullptr;

  std::string_view generic_type;  // dynamic calls
  std::span<const hessian::Value> values;
  hessian::Document* document = nullptr;
};

class Caller {
 public:
  /// Made on the shard that will own its connections.
  Caller(std::shared_ptr<Providers> providers, std::string interface, ClientOptions options);
  ~Caller() { close(); }
  /// Ends the calls that still run, then the connections; in the background, from whatever thread. The shard's runtime must still live.
  void close();

  /// Connects to one provider, when options.check asks for it.
  Task<Result<void>> open();
  /// On the shard.
  Task<Result<void>> call(CallSpec spec, CallOptions options);
  /// Runs a task of this client in the background; any thread.
  void start(Task<void> task);

  io::Shard& shard() const { return shard_; }
  const ClientOptions& options() const { return options_; }

 private:
  /// Lives until everything is closed and no call runs; ends on the shard.
  struct Core {
    Core(transport::PoolOptions pool_options, Random random) : pool(std::move(pool_options), std::move(random)) {}
    transport::ConnectionPool pool;
    io::TaskGroup tasks;
  };
  struct Attempt;

  static io::detail::Root close(std::shared_ptr<Core> core);
  Result<io::Address> choose(const std::string& target, std::span<const io::Address> tried);
  Task<Result<transport::SessionRef>> session_to(const io::Address& address, Deadline deadline);
  Task<Result<void>> attempt(Attempt& attempt);
  Task<Result<void>> send(Attempt& attempt);
  Error describe(const Attempt& attempt, Error error, Duration took) const;
  Task<Result<void>> pause(int attempt, Deadline deadline);
  OutgoingHead outgoing_head(const Attempt& attempt, const Context* served) const;
  Result<Bytes> write_content(const CallSpec& spec, const OutgoingHead& head) const;
  Result<void> read_answer(const Attempt& attempt, const bolt::Frame& frame) const;

  const std::shared_ptr<Providers> providers_;
  const std::string interface_;
  const std::string service_;  // unique name
  const ClientOptions options_;
  io::Shard& shard_;
  const std::shared_ptr<Core> core_;
  std::atomic<bool> closed_{false};
  size_t next_provider_ = 0;
};

}  // namespace sofa::rpc::detail
