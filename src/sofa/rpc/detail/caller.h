#pragma once
// The client's side of a service: chooses a provider, sends the call, retries, reads the answer. Lives on one shard.

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "sofa/cluster/retry.h"
#include "sofa/cluster/selector.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/client.h"
#include "sofa/rpc/detail/grpc_channels.h"
#include "sofa/rpc/detail/request_codec.h"
#include "sofa/rpc/streaming.h"
#include "sofa/transport/pool.h"
#include "sofa/transport/session.h"

namespace sofa::rpc::detail {

/// One call, whatever its types: described, protobuf or dynamic. What it points to lives until the call has ended.
struct CallSpec {
  std::string_view method;
  std::string_view proto_method;  // the last part of a gRPC path
  Duration timeout{};             // the method's, zero: none
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

/// Another provider may answer, or this one later: it was busy, stopping, silent, or not reachable.
bool is_retryable(const Error& error);

struct KeptCall;

class Caller {
 public:
  /// Made on the shard that will own its connections.
  /// `tls`: from options.tls; null: plain.
  Caller(std::shared_ptr<Providers> providers, ServiceNames names, ClientOptions options, std::shared_ptr<io::TlsClientContext> tls);
  ~Caller() { close(); }
  /// Ends the calls that still run, then the connections; in the background, from whatever thread. The shard's runtime must still live.
  void close();

  /// Makes the balancer; connects to one provider, when options.check asks for it. Before the first call.
  Task<Result<void>> open();
  /// On the shard; the task keeps the caller. `served`: the call that this one is made for, or null, when its shard is another one, which waits;
  /// nothing: that of the awaiting task.
  static Task<Result<void>> call(std::shared_ptr<Caller> self, CallSpec spec, CallOptions options, std::optional<const Context*> served = {});
  /// Opens a call that streams, on the shard. Over gRPC alone.
  static Task<Result<std::unique_ptr<MessageStream>>> open_stream(std::shared_ptr<Caller> self, const MethodSpec& method, CallOptions options);
  /// Keeps the spec of a method as long as this lives. Only before the first call.
  void share(std::shared_ptr<const MethodSpec> spec) { specs_.push_back(std::move(spec)); }
  /// Runs a task of this client in the background; any thread.
  void start(Task<void> task);

  io::Shard& shard() const { return shard_; }
  const ClientOptions& options() const { return options_; }

 private:
  /// Lives until everything is closed and no call runs; destroyed on the shard, whoever was the last to use it.
  struct Core {
    Core(std::shared_ptr<const Providers> known, const ClientOptions& options, std::shared_ptr<io::TlsClientContext> tls);
    /// From the first connection on, as long as there is any: looks for providers that nobody calls any more and that are not of the list.
    void watch_idle();
    void forget_idle();
    /// The provider's channel, which stays while it is kept. Code::cancelled when the client is closed.
    Result<std::shared_ptr<grpc::Channel>> channel_to(const io::Address& address);
    /// Whether a call can be sent to the provider now; else it is connected to, for the calls to come.
    bool is_live(const Provider& provider);
    /// Fault tolerance, once a second until the client is closed.
    Task<void> measure(std::string service);
    const std::shared_ptr<const Providers> providers;
    const Duration target_idle;
    transport::ConnectionPool pool;
    GrpcChannels channels;
    std::unique_ptr<cluster::Selector> selector;
    io::TaskGroup tasks;
    io::TimerNode idle_timer;
  };
  /// A provider, and the list that keeps it.
  struct Choice {
    ProviderList list;
    const Provider* provider = nullptr;
  };
  struct Attempt;
  /// Which of several attempts at once is the one that counts: the first that is answered. The others do not touch the result.
  struct Settlement {
    const Attempt* winner = nullptr;
    bool is_open() const { return winner == nullptr; }
    void settle(const Attempt& attempt, const Result<void>& done) {
      if (is_open() && (done || !is_retryable(done.error()))) winner = &attempt;
    }
  };
  /// One attempt at one provider, and what all attempts of a call have in common.
  struct Attempt {
    CallSpec& spec;
    CallOptions& options;
    Deadline deadline;  // of the scope
    const Context* served;
    const uint8_t codec;  // unless the provider wants another
    int number = 1;
    int most = 1;
    Choice choice{};
    Duration timeout{};
    Instant begun{};
    Settlement* settlement = nullptr;  // with others at once
    const Provider& provider() const { return *choice.provider; }
  };
  struct Branch;

  static std::shared_ptr<Core> make_core(io::Shard& shard, std::shared_ptr<const Providers> providers, const ClientOptions& options,
                                         std::shared_ptr<io::TlsClientContext> tls);
  static io::detail::Root close(std::shared_ptr<Core> core);
  Result<Choice> choose(const CallSpec& spec, const CallOptions& options, std::span<const io::Address> tried);
  Result<Choice> find_target(const std::string& target) const;
  cluster::RouteKey route_key(const CallSpec& spec, const CallOptions& options);
  Task<Result<void>> await_addresses();
  Task<Result<void>> reach_one();
  Task<Result<void>> reach(const Provider& provider);
  Task<Result<transport::SessionRef>> session_to(const io::Address& address, Deadline deadline);
  Duration timeout_of(const Attempt& attempt) const;
  Task<Result<void>> attempt(Attempt& attempt);
  Task<Result<void>> counted(Attempt& attempt);
  Task<Result<void>> pass_filters(Attempt& attempt);
  Task<Result<void>> send(Attempt& attempt);
  Task<Result<void>> send_bolt(Attempt& attempt);
  Task<Result<void>> send_grpc(Attempt& attempt);
  static Task<void> send_oneway(std::shared_ptr<grpc::Channel> channel, std::string path, Bytes message, grpc::CallOptions options);
  Result<void> read_wrapped_answer(ByteSpan message, const CallSpec& spec) const;
  http::Headers metadata_of(const CallOptions& options) const;
  /// Reads an answer, unless another attempt was first.
  template <class F>
  Result<void> settle(const Attempt& attempt, F read) const {
    if (attempt.settlement == nullptr) return read();
    if (!attempt.settlement->is_open()) return fail(Code::cancelled, "another attempt was answered first");
    Result<void> done = read();
    attempt.settlement->settle(attempt, done);
    return done;
  }

  // detail/strategies.cpp
  static Task<Result<void>> by_strategy(std::shared_ptr<Caller> self, CallSpec& spec, CallOptions& options, const Attempt& like);
  Task<Result<void>> race(CallSpec& spec, CallOptions& options, const Attempt& like, int most, Duration stagger);
  Task<Result<void>> broadcast(CallSpec& spec, CallOptions& options, const Attempt& like);
  Task<Result<void>> with_failback(std::shared_ptr<Caller> self, CallSpec& spec, CallOptions& options, const Attempt& like);
  static Task<void> repeat(std::shared_ptr<Caller> self, std::unique_ptr<KeptCall> kept);
  Task<void> run(Branch& branch, io::Event& ended);
  Result<void> conclude(Branch& branch, int attempts, CallResponse* response) const;
  Task<Result<void>> ask_mock(const CallSpec& spec) const;
  bool may_repeat() { return !budget_ || budget_->withdraw(shard_.clock().now_monotonic()); }

  Error describe(const Attempt& attempt, const Error& error) const;
  Task<Result<void>> pause(int attempt, Deadline deadline);
  OutgoingHead outgoing_head(const Attempt& attempt, const Context* served) const;
  Result<void> write_content(Buffer& out, const CallSpec& spec, const OutgoingHead& head) const;
  Result<void> write_request_parts(const CallSpec& spec, const OutgoingHead& head);
  transport::Request take_request(const CallSpec& spec, Duration timeout);
  Result<void> read_answer(const Attempt& attempt, const bolt::Frame& frame) const;

  const std::shared_ptr<Providers> providers_;
  const std::string interface_;
  const std::string proto_service_;  // in gRPC paths
  const std::string service_;        // unique name
  const ClientOptions options_;
  io::Shard& shard_;
  const std::shared_ptr<Core> core_;
  const bool one_at_a_time_;  // a call is one attempt after another
  Random random_;
  std::optional<cluster::RetryBudget> budget_;
  size_t failbacks_ = 0;  // calls that wait for their repetition
  std::vector<std::shared_ptr<const MethodSpec>> specs_;
  std::atomic<bool> closed_{false};
  std::string argument_text_;  // of the call that is being sent
  Buffer header_, content_;    // of the call that is being sent: written and given to its connection without a wait in between
};

/// Calls from any shard, the one that awaits the task. The task keeps the caller; what `spec` points to must be the caller's, or live until the task
/// has ended.
Task<Result<void>> call_from_here(std::shared_ptr<Caller> caller, CallSpec spec, CallOptions options);

}  // namespace sofa::rpc::detail
