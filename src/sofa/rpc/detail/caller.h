#pragma once
// The client's side of a service: chooses a provider, sends the call, retries, reads the answer. Lives on one shard.

#include <memory>
#include <span>
#include <string>

#include "sofa/cluster/retry.h"
#include "sofa/cluster/selector.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/detail/bolt_client.h"
#include "sofa/rpc/detail/dubbo_client.h"
#include "sofa/rpc/detail/grpc_client.h"
#include "sofa/rpc/detail/http_client.h"
#include "sofa/rpc/detail/mock_script.h"

namespace sofa::rpc::detail {

struct KeptCall;

/// What became of a call, for those that judge its provider. An error without a status came from the service.
cluster::Outcome outcome_of(const Result<void>& done);

class Caller {
 public:
  /// Made on the shard that will own its connections.
  /// `tls`: from options.tls; null: plain.
  /// `in_process`: who takes the calls of providers with kInProcessScheme; null: there are none.
  Caller(std::shared_ptr<Providers> providers, ServiceNames names, ClientOptions options, std::shared_ptr<io::TlsClientContext> tls,
         std::shared_ptr<ClientProtocol> in_process = nullptr);
  ~Caller() { close(); }
  /// Ends the calls that still run, then the connections; in the background, from whatever thread. The shard's runtime must still live.
  void close();

  /// Makes the balancer; connects to one provider, when options.check asks for it. Before the first call.
  Task<Result<void>> open();
  /// On the shard; the task keeps the caller. `served`: the call that this one is made for, or null, when its shard is another one, which waits;
  /// nothing: that of the awaiting task.
  static Task<Result<void>> call(std::shared_ptr<Caller> self, CallSpec spec, CallOptions options, std::optional<const Context*> served = {});
  /// Opens a call that streams, on the shard: over gRPC and Triple, in the process, or to a mock script.
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
    Core(std::shared_ptr<const Providers> known, const std::shared_ptr<const ClientIdentity>& client, std::shared_ptr<io::TlsClientContext> tls,
         std::shared_ptr<ClientProtocol> here);
    /// What the provider speaks. Whoever asks may connect to it: from then on, as long as there is any connection, those that nobody uses any more
    /// and that are not of the list are looked for.
    ClientProtocol& protocol_of(const Provider& provider);
    void watch_idle();
    void forget_idle();
    /// Fault tolerance, once a second until the client is closed.
    Task<void> measure(std::string service);
    /// Connects to whomever of the list is not connected, once a second until the client is closed.
    Task<void> keep_connected();
    const std::shared_ptr<const Providers> providers;
    const Duration target_idle;
    BoltClient bolt;
    DubboClient dubbo;
    GrpcClient grpc, grpcs;
    HttpClient http, h2c, h2;
    const std::shared_ptr<ClientProtocol> in_process;  // null: no provider is
    std::vector<ClientProtocol*> protocols{&bolt, &dubbo, &grpc, &grpcs, &http, &h2c, &h2};
    std::unique_ptr<cluster::Selector> selector;
    io::TaskGroup tasks;
    io::TimerNode idle_timer;
  };
  /// A provider that was chosen and runs a call, until its balancer and its fault tolerance are told how that ended. One that was left in another
  /// way, by a filter that throws, has nothing that speaks against it.
  class Judged {
   public:
    Judged(Core& core, const Provider& provider, Instant begun) : core_(&core), provider_(provider), begun_(begun) { core.selector->began(provider); }
    ~Judged() { end(cluster::Outcome::answered); }
    Judged(const Judged&) = delete;
    Judged& operator=(const Judged&) = delete;
    void end(cluster::Outcome outcome) {
      const Instant now = io::Shard::current().clock().now_monotonic();
      if (core_ != nullptr) std::exchange(core_, nullptr)->selector->ended(provider_, now - begun_, outcome, now);
    }
    /// Somebody else tells.
    void hand_over() { core_ = nullptr; }

   private:
    Core* core_;
    const Provider& provider_;
    const Instant begun_;
  };
  struct Branch;
  struct Opening;
  class CountedStream;

  static Task<Result<void>> call_providers(std::shared_ptr<Caller> self, CallSpec spec, CallOptions options, std::optional<const Context*> served);
  static Task<Result<void>> call_or_mock(std::shared_ptr<Caller> self, const MockScript& mock, CallSpec spec, CallOptions options,
                                         std::optional<const Context*> served);
  const MockScript* script_of(std::string_view method) const;
  static Task<Result<std::unique_ptr<MessageStream>>> open_at_provider(std::shared_ptr<Caller> self, const MethodSpec& method, CallOptions options);
  static Task<Result<std::unique_ptr<MessageStream>>> open_mock(std::shared_ptr<Caller> self, const MockScript& mock, const MethodSpec& method,
                                                                CallOptions options);

  static std::shared_ptr<Core> make_core(io::Shard& shard, std::shared_ptr<const Providers> providers,
                                         const std::shared_ptr<const ClientIdentity>& client, std::shared_ptr<io::TlsClientContext> tls,
                                         std::shared_ptr<ClientProtocol> in_process);
  static io::detail::Root close(std::shared_ptr<Core> core);
  Result<Choice> choose(const CallSpec& spec, const CallOptions& options, std::span<const io::Address> tried);
  Result<Choice> find_target(const std::string& target) const;
  cluster::RouteKey route_key(const CallSpec& spec, const CallOptions& options);
  Task<Result<void>> await_addresses();
  Task<Result<void>> reach_one();
  Duration timeout_of(const Attempt& attempt) const;
  Task<Result<void>> attempt(Attempt& attempt);
  CallTimer begin_call(const Attempt& attempt);
  Task<Result<void>> counted(Attempt& attempt);
  Task<Result<void>> pass_filters(Attempt& attempt);
  Task<Result<void>> open(Opening& opening);
  Task<Result<void>> send(Attempt& attempt) { return core_->protocol_of(attempt.provider()).send(attempt); }

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
  /// Whether another attempt may stand in the place of one that failed so, which then does not count.
  bool is_free(const Attempt& attempt, const Error& error) const;
  bool may_go_on(const Attempt& attempt, const Error& error) const;
  Result<Choice> choose_next(const Attempt& attempt, std::span<const io::Address> tried);
  Task<Result<Choice>> go_on(Attempt& current, std::vector<io::Address>& tried, const Error& last);

  Error describe(const Attempt& attempt, const Error& error) const;
  Task<Result<void>> pause(int attempt, Deadline deadline);

  const std::shared_ptr<Providers> providers_;
  const std::shared_ptr<const ClientIdentity> client_;
  const std::string& interface_;
  const ClientOptions& options_;
  io::Shard& shard_;
  const std::shared_ptr<Core> core_;
  const bool one_at_a_time_;  // a call is one attempt after another
  Random random_;
  std::optional<cluster::RetryBudget> budget_;
  std::map<std::string, MockScript, std::less<>> scripts_;
  size_t failbacks_ = 0;  // calls that wait for their repetition
  CallLog* const log_;    // null: calls are not counted
  struct Row {
    std::string_view method;
    CallProtocol protocol;
    MethodCalls* calls;
  };
  std::vector<Row> rows_;  // of methods that were called, the last one first
  std::vector<std::shared_ptr<const MethodSpec>> specs_;
  std::atomic<bool> closed_{false};
  std::string argument_text_;  // of the call that is being sent
};

/// Calls from any shard, the one that awaits the task. The task keeps the caller; what `spec` points to must be the caller's, or live until the task
/// has ended.
Task<Result<void>> call_from_here(std::shared_ptr<Caller> caller, CallSpec spec, CallOptions options);

}  // namespace sofa::rpc::detail
