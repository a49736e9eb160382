#pragma once
// NodeImpl: carries out what the core of a group's member asks for, on the shard's log, its connections and the user's state machine.
//
//   node.cpp            what users ask; inputs, effects and timers
//   node_machine.cpp    what the state machine is given, in order
//   node_snapshots.cpp  snapshots: saved, offered to peers, fetched

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "sofa/base/log.h"
#include "sofa/base/queue.h"
#include "sofa/io/task_group.h"
#include "sofa/io/timer.h"
#include "sofa/state/raft/detail/group_log.h"
#include "sofa/state/raft/detail/node_watch.h"
#include "sofa/state/raft/detail/peers.h"
#include "sofa/state/raft/detail/server_metrics.h"
#include "sofa/state/raft/file_service.h"
#include "sofa/state/raft/node.h"
#include "sofa/state/raft/snapshot.h"

namespace sofa::raft::detail {

/// What the members of a server share. Outlives them.
struct Shared {
  std::string address{};  // of this server, as peers know it
  log::Log& log;
  log::FileSystem& files;
  Peers& peers;
  FileService& file_service;
  SnapshotThrottle& throttle;
  Pace& pace;
  NodeWatch& watch;
  ServerMetrics& metrics;
  size_t max_entry_bytes = 0;  // that fit into a record of the log
};

class NodeImpl final : public Node, public NodeWatch::Watcher, private GroupLog::Owner {
 public:
  NodeImpl(NodeOptions options, PeerId self, GroupStreams streams, std::string snapshot_folder, Shared& shared,
           std::unique_ptr<StateMachine> machine);
  ~NodeImpl() override;

  // Life, by the server.
  /// Reads what the disk has, and loads the snapshot into the state machine.
  io::Task<Result<void>> recover();
  void start();
  /// Hands leadership over and ends; what waits gets an error. It must live on while is_writing(), which a cancelled stop may leave behind.
  io::Task<void> stop();
  bool is_writing() const { return log_.is_writing(); }

  // Peers.
  using Answer = std::move_only_function<void(const jraft::Message& response)>;
  /// A request of one of the five kinds of Raft; answered once, or never when the node ends before.
  void receive(uint64_t lane, const jraft::Message& request, Answer answer);
  void connected(const std::string& address);
  void node_lost(const std::string& address) override;
  /// Once a second, while it is not quiet: a peer that lags is being worked on.
  void look_after_peers();

  // Metrics.
  GroupMetrics* metrics() const { return metrics_.get(); }
  void begin_metrics();
  void end_metrics();
  int64_t applied() const { return applied_; }

  // Node
  const std::string& group() const override { return options_.group; }
  const PeerId& self() const override { return self_; }
  StateMachine& machine() override { return *machine_; }
  const Core& core() const override { return *core_; }
  NodeDescription describe() const override;
  bool is_full() const override { return log_.is_full(); }
  bool takes_cli() const override { return options_.cli; }
  io::Task<Result<Bytes>> apply(Bytes data) override;
  void apply(Bytes data, Done done) override;
  void apply_once(SessionWrite write, Bytes data, Done done) override;
  io::Task<Result<void>> read() override;
  void read(std::function<void(Result<void>)> done) override;
  io::Task<Result<void>> change_members(jraft::Configuration next) override;
  Result<void> reset_peers(jraft::Configuration next) override;
  Result<void> transfer(PeerId to) override;
  io::Task<Result<void>> snapshot() override;
  const NodeOptions& options() const { return options_; }

 private:
  using ReadDone = std::function<void(Result<void>)>;
  struct Waiting {
    LogId id{};
    Done done{};
    Instant begun{};
  };
  struct LoadSnapshot {
    uint64_t number = 0;
  };
  using MachineTask = std::variant<effect::Apply, effect::LeaderStarted, effect::LeaderStopped, effect::FollowingStarted, effect::FollowingStopped,
                                   effect::MembersCommitted, LoadSnapshot>;
  /// A snapshot of a peer on its way here.
  struct Fetch {
    explicit Fetch(uint64_t n, io::Scope& parent) : number(n), scope(&parent, "raft: fetches a snapshot") {}
    const uint64_t number;
    io::Scope scope;
    FetchProgress progress{};
  };

  // node.cpp
  Instant now() const;
  Instant exact_now() const;
  CoreOptions core_options() const;
  void drive();
  void arm();
  void watch(bool quiet);
  bool is_peer() const;
  void tell_of_an_older_term(const jraft::Message& request);
  /// A Java leader that adds a node which lacks nothing may have the answer to its only probe before it has noted that it waits for one; then it
  /// waits until somebody writes. Good news to such a leader takes its time.
  Answer unhurried(Answer answer);
  void gather(Bytes entry, Done done);
  void propose_gathered();
  void fail_all(const jraft::Status& why);
  void note(Timed what, Duration took) {
    if (metrics_ != nullptr) metrics_->record(what, took);
  }
  void note(Refused what) {
    if (metrics_ != nullptr) metrics_->count(what);
  }
  /// The same, which notes how long it took until it was called.
  template <class Done>
  auto timed(Timed what, Done done) {
    return [this, alive = std::weak_ptr<bool>(alive_), what, begun = now(), done = std::move(done)](auto&& told) mutable {
      if (!alive.expired()) note(what, now() - begun);
      done(std::forward<decltype(told)>(told));
    };
  }
  Error refusal_of_full_disk() const;
  template <class Call>
  void input(Call&& call) {
    call(*core_);
    drive();
  }
  void entries_saved(LogId up_to) override;
  void disk_failed(const Error& error) override;
  void disk_full(bool full) override;
  void perform(effect::SaveState& one);
  void perform(effect::Append& one);
  void perform(effect::TruncateSuffix& one);
  void perform(effect::TruncatePrefix& one);
  void perform(effect::ResetLog& one);
  void perform(effect::ReadEntries& one);
  void perform(effect::Send& one);
  void perform(effect::Answer& one);
  void perform(effect::ProposalsLost& one);
  void perform(effect::Failed& one);
  void perform(effect::ReadAt& one);
  void perform(effect::Changed& one);
  template <class MachineEffect>
    requires std::constructible_from<MachineTask, MachineEffect>
  void perform(MachineEffect& one) {
    machine_tasks_.emplace_back(std::move(one));
  }
  io::Task<void> read_entries(effect::ReadEntries one);

  // node_machine.cpp
  void perform(effect::Apply& one);
  void run_machine();
  bool run_task(MachineTask& task);
  bool apply_cached(int64_t up_to);
  void apply_entries(std::span<const Entry> entries);
  void take_entry(const Entry& entry);
  void apply_batch();
  std::optional<size_t> waiting_index_of(LogId id) const;
  void answer_waiting(LogId id, Result<Bytes> reply);
  io::Task<void> apply_from_disk(int64_t up_to);
  void end_waiting_before(int64_t index);
  void release_reads();
  /// An exception of the user's is the end of the node.
  template <class Call>
  void call_machine(Timed what, Call&& call) {
    const Instant begun = metrics_ != nullptr ? exact_now() : Instant();
    try {
      call();
    } catch (const std::exception& thrown) {
      core_->fail(now(), {jraft::RaftError::estatemachine, fmt::format("the state machine threw an exception: {}", thrown.what())});
    }
    if (begun != Instant()) note(what, exact_now() - begun);
  }

  // node_snapshots.cpp
  void perform(effect::OfferSnapshot& one);
  void perform(effect::CloseSnapshot& one);
  void perform(effect::FetchSnapshot& one);
  void perform(effect::CancelFetch& one);
  io::Task<Result<void>> save_snapshot();
  io::Task<void> apply_waiting();
  io::Task<Result<void>> keep_snapshot(std::unique_ptr<SnapshotWriter> writer, KeptSnapshot kept);
  io::Task<Result<void>> save_kept();
  io::Task<void> fetch(std::shared_ptr<Fetch> fetch, effect::FetchSnapshot one);
  io::Task<Result<void>> fetch_into_place(Fetch& fetch, const effect::FetchSnapshot& one);
  io::Task<void> load_fetched(uint64_t number);
  io::Task<Result<void>> save(SnapshotWriter& to);
  io::Task<Result<void>> load(SnapshotReader& from);
  void arm_snapshot(bool first);
  void snapshot_due();

  const NodeOptions options_;
  const PeerId self_;
  Shared& shared_;
  const std::unique_ptr<StateMachine> machine_;
  Random random_;
  GroupLog log_;
  std::unique_ptr<SnapshotStore> snapshots_;
  std::unique_ptr<Core> core_;
  Kept kept_{};
  bool driving_ = false, stopped_ = false, is_watching_ = false;
  bool ended_ = false;  // it sends nothing any more

  // Inputs.
  std::vector<Bytes> gathered_{};  // proposals of this turn
  std::vector<Done> gathered_done_{};
  io::TurnEndHook gather_;
  Queue<Waiting> waiting_{};  // proposals, by index
  uint64_t next_token_ = 1;
  std::unordered_map<uint64_t, Answer> answers_{};
  std::unordered_map<uint64_t, ReadDone> reads_{};  // that wait for an index
  std::multimap<int64_t, ReadDone> reads_at_{};     // that wait until it is applied
  std::unordered_map<uint64_t, ReadDone> changes_{};
  io::TimerNode timer_, snapshot_timer_;
  Instant armed_ = kNoDeadline;

  // The state machine.
  Queue<MachineTask> machine_tasks_{};
  bool machine_busy_ = false;  // something that waits for the disk is under way
  int64_t applied_ = 0;
  std::vector<Committed> batch_{};
  std::vector<std::optional<SessionWrite>> batch_writes_{};  // of which session each of them is
  std::optional<Sessions> sessions_{};                       // of a group that has them

  // Snapshots.
  std::shared_ptr<Fetch> fetch_{};
  std::unordered_map<uint64_t, int64_t> offered_{};  // OfferSnapshot's number: reader id
  bool saving_ = false;

  std::unique_ptr<GroupMetrics> metrics_{};  // null: nobody wants to know, or it is idle
  uint64_t elections_ = 0;
  std::string last_election_ = "no leader is known since the start";
  WallTime last_election_at_{};
  LogRate refusals_{5};
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // expires with the node
  io::TaskGroup tasks_;
};

}  // namespace sofa::raft::detail
