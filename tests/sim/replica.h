#pragma once
// Machine: a computer of the simulation: its disk, its clock, one log for all its groups, and what happens to it. Replica: one group on it: the real
// core with all that a node does around it.

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

#include "raft_world.h"
#include "sofa/state/log/testing/stepped_log.h"
#include "sofa/state/raft_core/records.h"

namespace sofa::raft_sim {

using log::testing::SteppedLog;

/// What a client asks of a node.
struct Request {
  enum class Kind : uint8_t { write, read, local_read };
  Kind kind{};
  std::string key{};
  Bytes command{};  ///< of a write
};
struct Reply {
  enum class Kind : uint8_t { done, not_leader, failed };  ///< failed: a write may have been carried out, or may yet be
  Kind kind{};
  std::optional<std::string> value{};  ///< of a read; the result of a write
  int64_t index = 0;                   ///< where a write took place; up to where a read has seen
  int leader = -1;
  uint64_t life = 0;  ///< of the machine; of a local read
};
using Respond = std::function<void(const Reply&)>;

class Machine {
 public:
  enum class State : uint8_t { off, up, ruined };  ///< ruined: its disk is damaged, and it does not start

  Machine(RaftWorld& world, int number);
  ~Machine();

  RaftWorld& world;
  const int number;
  sim::Disk disk;
  sim::NodeClock clock;
  std::unique_ptr<SteppedLog> log;
  log::LogOptions log_options;  ///< of the next start
  /// Its replicas begin with the members of options.voters; else with none.
  bool knows_first_members = true;

  State state() const { return state_; }
  bool is_up() const { return state_ == State::up; }
  bool is_paused() const { return paused_; }
  uint64_t life() const { return life_; }
  Instant now() const { return clock.local(world.world.now()); }
  Instant off_since() const { return off_since_; }
  uint64_t writes() const { return writes_; }  ///< of its log, that have ended
  /// It does not run as usual, or has not for long enough: it stood still, its disk is slow or fails or is full.
  bool is_troubled() const { return world.world.now() - troubled_ < std::chrono::seconds(5); }
  /// Called now and then.
  void look_for_trouble();
  Replica& replica(int group) { return *replicas_[static_cast<size_t>(group)]; }

  bool start();
  void stop(bool power_lost);
  void wipe();
  void pause(Duration length);
  /// What is written to the log is not said to be durable before then, and nothing more is written.
  void hold_disk_until(Instant when) { disk_held_until_ = when; }
  /// Runs it now; while the machine is paused, when it goes on.
  void enter(sim::Action action);
  /// In a while, if it is still the same life of the machine.
  void later(Duration wait, sim::Action action);
  /// Something was asked of the log.
  void kick_log();
  /// The file system's calls have run: true when the machine stopped inside of one.
  bool died();

 private:
  void write_log();

  State state_ = State::off;
  bool paused_ = false, kicked_ = false;
  uint64_t life_ = 0;
  Instant off_since_{}, disk_held_until_{}, troubled_{}, write_began_{};
  uint64_t writes_ = 0;
  std::deque<sim::Action> inbox_;
  std::vector<std::unique_ptr<Replica>> replicas_;
};

class Replica {
 public:
  Replica(Machine& machine, int group);
  ~Replica();

  /// Reads its records and files, starts the core. Errors: data_loss.
  Result<void> start();
  void stop();
  Core* core() { return core_.get(); }
  int64_t applied() const { return applied_; }
  const Kv& kv() const { return kv_; }
  const raft::Kept& kept() const { return kept_; }
  const Durable& durable() const { return durable_; }
  /// The oldest entry and term that it may still go by: of one that has nothing, none.
  LogId oldest() const;
  bool is_fetching() const { return fetch_.has_value(); }
  bool has_failed() const { return core_ != nullptr && core_->role() == raft::Role::error; }
  /// The members by which it goes, and those by which it may go again when its log loses what is not committed; while it is down, as it ended. Who
  /// plans what a group is to survive looks at all of these: a node that was away, or was taken out, goes by members of which the others know no
  /// more.
  std::vector<std::shared_ptr<const Membership>> lives_in() const;
  /// Whether this peer votes in one of them.
  bool counts_on(const PeerId& peer) const;

  void request(const Request& request, Respond respond);
  jraft::Status change_members(const jraft::Configuration& next, RaftWorld::Ended ended);
  jraft::Status transfer(const PeerId& to);
  jraft::Status reset_peers(const jraft::Configuration& next);
  jraft::Status propose(Bytes data);
  void shut_down();
  /// Its state machine has failed.
  void fail_state_machine(const jraft::Status& why);
  /// The node at this address answers no more.
  void node_lost(const std::string& address);
  void take_snapshot();

  // The network.
  void receive(uint64_t connection, int from, uint64_t call, jraft::Message request);
  void answered(int from, uint64_t call, jraft::Message response);
  /// As they come to the core.
  void take_request(uint64_t connection, int from, uint64_t call, jraft::Message request);
  void take_answer(uint64_t call, jraft::Message response);
  void connection_broke(const sim::Network::End& end);
  struct ChunkRequest {
    uint64_t reader = 0;
    size_t file = 0;
    uint64_t offset = 0;
  };
  struct Chunk {
    bool good = false;
    std::vector<raft::KeptFile> files{};
    std::vector<uint8_t> bytes{};
  };
  Chunk read_chunk(const ChunkRequest& request);

  void check();           ///< what must hold at any time
  void check_progress();  ///< now and then
  size_t waiting() const { return reads_.size() + proposals_.size() + changes_.size(); }
  std::string describe() const;

 private:
  struct Call {
    uint64_t connection = 0;
    int to = 0;
    Instant deadline{};
    jraft::Message request{};  ///< kept for a resend
  };
  struct Asked {
    uint64_t connection = 0, call = 0;
    int from = 0;
    bool closed = false;
    int64_t vote_term = 0;  ///< of a request for a vote: what an answer that grants it would be
    PeerId candidate{};
    LogId last{};          ///< of entries
    int64_t old_term = 0;  ///< of entries of an older term than the node is in; 0: it is not
  };
  struct Read {
    std::string key{};
    Respond respond{};
    int64_t at = 0;  ///< 0: not known yet
  };
  struct Proposal {
    int64_t term = 0;
    Respond respond{};
  };
  struct Fetch {
    uint64_t number = 0, reader = 0;
    int source = 0, attempts = 0;
    jraft::SnapshotMeta meta{};
    std::vector<raft::KeptFile> files{};
    std::vector<std::vector<uint8_t>> bytes{};
    size_t file = 0;
    bool named = false;  ///< its record is on its way to the disk
  };

  /// What changes when a peer gets on.
  struct Progress {
    int64_t term = 0;
    uint64_t life = 0;
    int64_t match = 0, next = 0;
    size_t fetched = 0;
    uint64_t writes = 0;  // of its log, while it has something to write
    bool operator==(const Progress&) const = default;
  };

  template <class Input>
  void input(const Input& run) {
    if (core_ == nullptr) return;
    run(*core_, machine_.now());
    perform();
  }
  void perform();
  void perform(raft::effect::SaveState& one);
  void perform(raft::effect::Append& one);
  void perform(raft::effect::TruncateSuffix& one);
  void perform(raft::effect::TruncatePrefix& one);
  void perform(raft::effect::ResetLog& one);
  void perform(raft::effect::ReadEntries& one);
  void perform(raft::effect::Send& one);
  void perform(raft::effect::Answer& one);
  void perform(raft::effect::Apply& one);
  void perform(raft::effect::LeaderStarted& one);
  void perform(raft::effect::LeaderStopped& one);
  void perform(raft::effect::FollowingStarted& one);
  void perform(raft::effect::FollowingStopped& one);
  void perform(raft::effect::MembersCommitted& one);
  void perform(raft::effect::ProposalsLost& one);
  void perform(raft::effect::Failed& one);
  void perform(raft::effect::OfferSnapshot& one);
  void perform(raft::effect::CloseSnapshot& one);
  void perform(raft::effect::FetchSnapshot& one);
  void perform(raft::effect::CancelFetch& one);
  void perform(raft::effect::ReadAt& one);
  void perform(raft::effect::Changed& one);

  void schedule_tick();
  void schedule_sweep(Instant deadline);
  void sweep_calls();
  void send(uint64_t call, int to, jraft::Message request, bool again);
  void fail_call(uint64_t call, Duration after, jraft::RaftError code);

  Result<void> recover_snapshot();
  void check_members();
  void check_memory();
  void check_told(const jraft::Message& message) const;
  void check_acknowledged(LogId last, const jraft::Message& response) const;
  void check_caught_up(const Membership& before, const Membership& after);
  Result<void> check_recovered(const raft::FoundLog& found);
  /// The number of the record that names the state; `saved` when it is durable.
  void save_kept(std::function<void()> saved, bool early = false);
  SteppedLog::Done when_saved(std::function<void()> saved);
  Result<Entry> entry_at(int64_t index);
  void apply_some();
  void after_apply();
  void finish_read(uint64_t token);

  std::string folder() const { return "/g" + std::to_string(group_); }
  Result<std::vector<raft::KeptFile>> write_files(const std::vector<std::pair<std::string, Bytes>>& files, int64_t index);
  void drop_other_files();
  void fetch_next();
  void fetched(const ChunkRequest& asked, Chunk chunk);
  void fetch_failed(const std::string& why);
  void fetch_complete();
  bool load(const raft::KeptSnapshot& snapshot, Kv& into);
  /// Of the snapshot that is being fetched, and each attempt counts.
  size_t fetched_bytes() const;

  RaftWorld& world_;
  Machine& machine_;
  const int group_;
  Truth& truth_;

  // What it has told that it has made durable; outlives a crash.
  Durable durable_{};
  std::vector<std::shared_ptr<const Membership>> lived_in_{};  // when it ended

  // One life.
  std::unique_ptr<Core> core_;
  uint64_t life_ = 0;
  Instant tick_at_ = kNoDeadline, sweep_at_ = kNoDeadline;
  raft::Kept kept_{};                     // as the last record that was asked for says
  uint64_t kept_index_ = 0;               // of that record
  int64_t log_first_ = 1, log_next_ = 1;  // bounds of the entries that were asked for
  std::deque<uint64_t> chain_;            // of the log's entries from log_first_ on; before them chain_base_
  uint64_t chain_base_ = 0;
  raft::Role last_role_{};
  int64_t last_term_ = 0, last_commit_ = 0, last_applied_ = 0;
  int64_t told_to_campaign_in_ = 0;  // the term in which it, leading, has told another node to campaign
  bool was_quiet_ = false;
  std::map<int, std::pair<Progress, Instant>> following_;  // of a leader: by the peer's machine; since when

  std::unordered_map<uint64_t, Call> calls_;
  std::map<uint64_t, Asked> asked_;
  std::unordered_map<uint64_t, Read> reads_;
  std::multimap<int64_t, uint64_t> reads_at_;  // that wait for an index
  std::map<int64_t, Proposal> proposals_;
  std::unordered_map<uint64_t, RaftWorld::Ended> changes_;
  uint64_t next_token_ = 1;

  Kv kv_;
  int64_t applied_ = 0, apply_target_ = 0;
  bool applying_ = false, snapshotting_ = false, members_were_set_ = false;
  int64_t apply_twice_ = 0;
  std::map<uint64_t, raft::KeptSnapshot> readers_;
  std::map<uint64_t, uint64_t> offers_;  // number of the core, reader
  uint64_t next_reader_ = 1;
  std::optional<Fetch> fetch_;
};

}  // namespace sofa::raft_sim
