#pragma once
// Core: one node of one Raft group as a pure state machine. No sockets, clocks, files or threads: inputs are method calls with the time at which they
// happen, and what is to be done about them comes out as effects, in order. The same code runs under sockets (node.h) and under the simulator.
//
//   core.receive(now, token, lane, message);           // one input ...
//   for (Effect& effect : core.take()) perform(effect); // ... and its effects
//   wake me at core.due();                              // then: core.tick(now)
//
// Behaviour and messages are JRaft's (docs/protocols/jraft.md): unmodified Java nodes are peers. What leaves the node (Send, Answer) is held back
// until the term and the vote that it rests on are saved, and an answer to entries until they are durable; nothing else need be waited for.
//
// One thread at a time. Inputs that refer to something of a former term, or of the log before it was cut, are passed over.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/queue.h"
#include "sofa/base/random.h"
#include "sofa/state/raft_core/effects.h"
#include "sofa/state/raft_core/log_view.h"
#include "sofa/state/raft_core/quorum.h"
#include "sofa/wire/jraft/messages.h"
#include "sofa/wire/jraft/peer.h"
#include "sofa/wire/jraft/status.h"

namespace sofa::raft {

struct CoreOptions {
  std::string group{};
  PeerId self{};  ///< with its priority
  Duration election_timeout = std::chrono::seconds(1);
  Duration max_election_delay = std::chrono::seconds(1);  ///< an election waits up to so much longer, at random
  int heartbeats = 10;                                    ///< in an election timeout
  int lease_percent = 90;                                 ///< of the election timeout
  int priority_gap = 10;                                  ///< by which the priority that is waited for falls, at least
  size_t max_entries = 1024;                              ///< of one request
  size_t max_body = size_t{512} << 10;                    ///< bytes of data after which no further entry joins a request
  size_t max_entry_bytes = size_t{64} << 20;              ///< data of one entry of a leader's; over it EINVAL: it could not be stored
  size_t max_inflight = 256;                              ///< requests with entries to one peer
  size_t max_inflight_bytes = size_t{16} << 20;           ///< their data: what one write of the follower takes, and as much on the way
  size_t max_waiting_answers = 256;                       ///< requests of one peer whose entries are not durable here yet; over it EBUSY
  size_t max_held = 4096;                                 ///< requests and answers that wait for term and vote to be saved; over it EBUSY
  size_t max_unsaved_bytes = size_t{64} << 20;            ///< data of entries that are not durable here yet; over it EBUSY
  size_t max_uncommitted = 65'536;                        ///< entries of a leader; over it EBUSY
  size_t max_reads = 65'536;                              ///< that wait for a round; over it EBUSY
  size_t cache_bytes = size_t{8} << 20;                   ///< data of entries that stay in memory for lagging peers
  int64_t catchup_margin = 1000;                          ///< a new peer is up to date when it lacks no more entries than this
  bool lease_reads = false;                               ///< reads go by the leader's lease, and by a round of heartbeats when it has run out
  bool checksum = false;                                  ///< entries carry their checksum
  Duration quiet_after = {};                              ///< idle for so long, a group of nodes that know it needs no heartbeats; zero: never
  Duration longest_quiet = std::chrono::minutes(1);       ///< then it looks whether all is well
  bool step_down_when_vote_times_out = true;              ///< a candidate asks again whether it would win before its next election
  Duration lease() const { return election_timeout * lease_percent / 100; }
  Duration rpc_timeout = std::chrono::seconds(5);
  Duration install_timeout = std::chrono::minutes(5);
};

/// Term and vote, as they are saved.
struct HardState {
  int64_t term = 0;
  PeerId voted_for{};
  /// Of a node that began with nothing: what was committed then, and the term of the leader of whom it has heard. Before its log has reached both it
  /// leads nobody, and votes for nobody whose log has not: a term of which nobody has an entry keeps it from both until somebody else is elected.
  LogId must_reach{};
  bool operator==(const HardState&) const = default;
};

/// In JRaft's order. A leader that hands over takes no entries.
enum class Role : uint8_t { leader, transferring, candidate, follower, error, uninitialized, shutting, shutdown };
std::string_view to_string(Role role);

class Core {
 public:
  /// `initial` counts only while log and snapshot are empty.
  Core(CoreOptions options, HardState state, FoundLog log, jraft::Configuration initial, uint64_t seed);
  ~Core();

  // Time. start() once, before everything else.
  void start(Instant now);
  void tick(Instant now);
  /// When tick() has something to do; kNoDeadline: never.
  Instant due() const;
  /// What is to be done, in order; nothing is kept.
  std::vector<Effect> take();
  bool has_effects() const { return !effects_.empty(); }

  // The network.
  /// A request. Its answer is an effect with this token, sooner or later, exactly once. Requests of one lane (a peer's connection) that carry
  /// entries, and probes, are answered in the order of their coming.
  void receive(Instant now, uint64_t token, uint64_t lane, const jraft::Message& request);
  /// The lane is gone: nobody waits for its answers.
  void close_lane(uint64_t lane);
  /// What became of a Send: an answer, or why there is none.
  void answered(Instant now, uint64_t call, jraft::Message response);
  void failed(Instant now, uint64_t call, const jraft::Status& status);
  /// There is a connection to a peer again: it need not wait any longer.
  void connected(Instant now, const PeerId& peer);
  /// The node at this address answers no more, or has been started anew: who was quiet, counting on it, is so no longer.
  void node_lost(Instant now, const std::string& address);

  // The disk.
  void state_saved(Instant now, uint64_t number);
  /// All entries up to this one are durable.
  void log_saved(Instant now, LogId up_to);
  void entries_read(Instant now, uint64_t number, std::vector<Entry> entries);
  /// The disk, or the state machine, has failed: final.
  void fail(Instant now, jraft::Status status);

  // The state machine.
  /// Entries up to this one are applied.
  void applied(Instant now, int64_t index);
  /// A snapshot of this node is saved.
  void snapshot_saved(Instant now, LogId id, std::shared_ptr<const Membership> members);
  /// Of an OfferSnapshot: the address of what was opened, or why it was not.
  void snapshot_opened(Instant now, uint64_t number, jraft::SnapshotMeta meta, std::string uri);
  void snapshot_not_opened(Instant now, uint64_t number, const jraft::Status& status);
  /// Of a FetchSnapshot: it is here and loaded, or not.
  void snapshot_loaded(Instant now, uint64_t number, const jraft::Status& status);

  // Users. A status that is not ok: nothing was begun.
  /// Appends entries with this data; `expected_term`: -1, or the term in which they are meant. Gives the index of the first.
  struct Proposed {
    jraft::Status status{};
    LogId first{};
  };
  Proposed propose(Instant now, std::vector<Bytes> data, int64_t expected_term = -1);
  /// A linearizable read: an effect with this token tells the index that must be applied first.
  jraft::Status read(Instant now, uint64_t token);
  /// Changes the members; an effect with this token tells the end.
  jraft::Status change_members(Instant now, uint64_t token, jraft::Configuration next);
  /// Sets the members without asking anybody: for a group that has lost its majority.
  jraft::Status reset_peers(Instant now, jraft::Configuration next);
  /// Nobody: to the peer that lags least.
  jraft::Status transfer(Instant now, const PeerId& to);
  /// Hands leadership over; the last thing that is asked of it.
  void shut_down(Instant now);

  // How it is.
  Role role() const { return role_; }
  bool is_leader() const { return role_ == Role::leader || role_ == Role::transferring; }
  bool is_active() const { return role_ < Role::error; }
  const PeerId& leader() const { return leader_; }
  int64_t term() const { return term_; }
  const PeerId& voted_for() const { return voted_for_; }
  int64_t commit_index() const { return commit_; }
  int64_t applied_index() const { return applied_; }
  LogId saved_id() const { return saved_; }
  const LogView& log() const { return log_; }
  const Membership& members() const { return *members_; }
  const CoreOptions& options() const { return options_; }
  const jraft::Status& error() const { return error_; }
  /// No heartbeats are sent, or waited for: somebody must watch the nodes of the peers (of a follower: the leader's), and tell node_lost.
  bool is_quiet() const { return quiet_; }
  /// Whether this leader is known to be the only one at this time.
  bool has_lease(Instant now) const;

  enum class Following : uint8_t { probing, snapshot, replicating };
  struct Follower {
    PeerId peer{};
    bool learner = false;
    Following state{};
    int64_t match = 0, next = 0;
    size_t inflight = 0;   ///< requests with entries, and probes
    bool blocked = false;  ///< after an error: left in peace for a moment
    Instant last_answer{};
    int errors = 0;
  };
  /// Of a leader.
  std::vector<Follower> followers() const;
  /// The largest number of entries that one of them lacks.
  int64_t largest_lag() const;
  /// Of them those that lack entries although nothing is under way to them, and no timer looks again: there is never one. A leader of JRaft's may
  /// have one for ever while its heartbeats go on (issue 1271).
  std::vector<PeerId> stalled() const;
  /// Looks again at those that are stalled, and gives them: should there be one all the same, it is for a moment.
  std::vector<PeerId> revive_stalled(Instant now);
  /// The priority that elections wait for at the moment (jraft.md 2.3); kNoPriority: they go by the log alone.
  int target_priority() const { return target_priority_; }

  /// What is kept in memory, and by which of CoreOptions it is bounded; one request of a peer may go beyond a bound of bytes.
  struct Memory {
    size_t held = 0;                          ///< max_held
    size_t waiting_answers = 0;               ///< of the lane that has most: max_waiting_answers
    size_t unsaved_bytes = 0;                 ///< max_unsaved_bytes
    size_t inflight = 0, inflight_bytes = 0;  ///< of the peer that has most: max_inflight, and a probe; max_inflight_bytes
    size_t reads = 0;                         ///< max_reads that wait, and as many that are asked for in a round
    size_t cached_bytes = 0;                  ///< cache_bytes, and what is not durable yet
    int64_t uncommitted = 0;                  ///< of a leader, since its term began: max_uncommitted, and entries of members
  };
  Memory memory() const;

 private:
  struct Replicator;
  struct Change;
  struct Round;
  enum class CallKind : uint8_t { pre_vote, vote, heartbeat, append, install, timeout_now, read_index };
  struct Call {
    CallKind kind{};
    PeerId peer{};
    int64_t term = 0;
    Instant sent{};
    uint64_t round = 0;  // of heartbeats: the read round that they answer
    uint64_t token = 0;  // of a forwarded read
  };
  /// An answer that waits for entries to be durable.
  struct WaitingAnswer {
    uint64_t token = 0;
    LogId until{};
    int64_t commit = 0;
    jraft::AppendEntriesResponse response{};
  };

  // core.cpp
  void emit(Effect effect) { effects_.push_back(std::move(effect)); }
  void leave(Effect effect);  // Send or Answer: held while term or vote are unsaved
  void answer(uint64_t token, jraft::Message response) { leave(effect::Answer{token, std::move(response)}); }
  void refuse(uint64_t token, jraft::RaftError code, std::string message);
  uint64_t send(Instant now, CallKind kind, const PeerId& to, jraft::Message request, Duration timeout);
  template <class Request>
  Request addressed(const PeerId& to) const;
  std::optional<PeerId> parse_peer(uint64_t token, const std::string& text);
  void save_state(int64_t term, PeerId voted_for);
  bool is_saved() const { return saved_number_ == state_number_; }
  bool may_lead() const { return log_.last() >= must_reach_.index && log_.last_id().term >= must_reach_.term; }
  void step_down(Instant now, int64_t term, const jraft::Status& why, bool wake_candidate = false);
  void set_leader(PeerId leader, const jraft::Status& why);
  void set_members(std::shared_ptr<const Membership> members);
  Duration heartbeat_interval() const;
  Duration lease() const;
  bool votes() const;
  std::vector<PeerId> other_voters() const;

  // election.cpp
  void arm_election(Instant from);
  void election_timed_out(Instant now);
  void vote_timed_out(Instant now);
  bool may_campaign();
  void pre_vote(Instant now);
  void elect_self(Instant now, bool was_told = false);
  void ask_for_votes(Instant now, bool pre, bool was_told = false);
  void become_leader(Instant now);
  void on_vote_request(Instant now, uint64_t token, const jraft::RequestVoteRequest& request);
  bool may_be_led(Instant now) const;
  bool is_up_to_date(const jraft::RequestVoteRequest& request) const;
  bool grants_pre_vote(Instant now, const jraft::RequestVoteRequest& request, const PeerId& candidate) const;
  void on_vote_answer(Instant now, const Call& call, const jraft::RequestVoteResponse& response);
  void vote_refused(Instant now, const Call& call);
  void on_timeout_now(Instant now, uint64_t token, const jraft::TimeoutNowRequest& request);

  // follower.cpp
  void on_append(Instant now, uint64_t token, uint64_t lane, const jraft::AppendEntriesRequest& request);
  bool accepts_leader(Instant now, uint64_t token, int64_t term, const PeerId& sender, bool install);
  void note_what_is_committed(const jraft::AppendEntriesRequest& request, bool heartbeat);
  void take_entries(Instant now, uint64_t token, uint64_t lane, const jraft::AppendEntriesRequest& request);
  void cut_suffix(Instant now, int64_t last_kept);
  void take_in(Instant now, std::vector<Entry> entries);
  void answer_in_order(uint64_t lane, WaitingAnswer waiting);
  void release_answers(Instant now);
  void commit_up_to(Instant now, int64_t index);
  void on_install(Instant now, uint64_t token, const jraft::InstallSnapshotRequest& request);
  void end_install(const jraft::Status& why);

  // replication.cpp
  Replicator* find(const PeerId& peer);
  bool is_stalled(const Replicator& one) const;
  void add_replicator(Instant now, const PeerId& peer, bool learner);
  void tick_replicators(Instant now);
  void send_heartbeat(Instant now, Replicator& to, uint64_t round = 0);
  void probe(Instant now, Replicator& to);
  void replicate(Instant now, Replicator& to);
  void replicate_all(Instant now);
  bool send_entries(Instant now, Replicator& to, std::vector<Entry> entries);
  std::optional<jraft::AppendEntriesRequest> request_before(Replicator& to, int64_t first);
  void block(Instant now, Replicator& of);
  void append_failed(Instant now, Replicator& of, uint64_t call);
  void begin_install(Instant now, Replicator& to);
  void send_install(Instant now, Replicator& to);
  void forget_install(Replicator& of);
  void on_heartbeat_answer(Instant now, const Call& call, const jraft::AppendEntriesResponse& response);
  void on_append_answer(Instant now, uint64_t number, const Call& call, const jraft::AppendEntriesResponse& response);
  void take_append_answers(Instant now, Replicator& of);
  bool take_append_answer(Instant now, Replicator& of);
  void on_mismatch(Instant now, Replicator& of, int64_t prev, const jraft::AppendEntriesResponse& response);
  void on_install_answer(Instant now, uint64_t number, const Call& call, const jraft::InstallSnapshotResponse& response);
  void advance_commit(Instant now);
  void check_dead_peers(Instant now);
  void append_own(Instant now, EntryType type, std::vector<Bytes> data, std::shared_ptr<const Membership> members);

  // quiet.cpp
  void active(Instant now);
  bool may_be_quiet(Instant now) const;
  bool follows_quietly(Instant now, const jraft::AppendEntriesRequest& heartbeat);
  void quiet_answer(Instant now, Replicator& of);
  void end_quiet(Instant now);
  void give_memory_back();

  // membership.cpp
  void on_caught_up(Instant now, const PeerId& peer);
  void check_catch_up(Instant now, Replicator& of);
  void enter_joint(Instant now);
  void enter_stable(Instant now);
  void on_change_committed(Instant now);
  void end_change(const jraft::Status& status);
  void refresh_replicators(Instant now);
  void tick_transfer(Instant now);
  void try_transfer(Instant now);

  // reads.cpp
  void on_read_request(Instant now, uint64_t token, const jraft::ReadIndexRequest& request);
  struct Reader {
    uint64_t token = 0;
    bool is_peer = false;  // its answer is a message
  };
  void lead_read(Instant now, Reader reader, bool by_lease);
  void end_read(const Reader& reader, int64_t index, const jraft::Status& status);
  void begin_round(Instant now);
  void ask_in_round(Instant now, Replicator& peer);
  void on_round_answer(Instant now, const Call& call, bool good);
  void decide_round(Instant now);
  void fail_reads(const jraft::Status& why);

  const CoreOptions options_;
  const jraft::Configuration initial_;
  Random random_;
  LogView log_;

  Role role_ = Role::uninitialized;
  int64_t term_;
  PeerId voted_for_;
  LogId must_reach_;
  PeerId leader_{};
  std::shared_ptr<const Membership> members_;
  int64_t members_from_ = 0;
  int64_t commit_, applied_;
  LogId saved_;
  int64_t leaders_commit_ = 0;  // what the leader has said, perhaps of entries that are not durable here yet
  size_t unsaved_bytes_ = 0;
  Queue<std::pair<LogId, size_t>> unsaved_;  // sizes of entries that are not durable yet
  jraft::Status error_{};

  uint64_t state_number_ = 0, saved_number_ = 0;
  uint64_t next_call_ = 1, next_number_ = 1;
  std::vector<Effect> effects_;
  Queue<Effect> held_;
  std::unordered_map<uint64_t, Call> calls_;

  Instant election_at_ = kNoDeadline, vote_at_ = kNoDeadline, step_down_at_ = kNoDeadline, transfer_at_ = kNoDeadline;
  Instant last_leader_contact_{};  // a leader was heard, or the node has started; of a leader: a majority had answered
  Ballot ballot_;
  bool self_vote_waits_ = false;
  int target_priority_ = PeerId::kNoPriority;
  int timeouts_below_priority_ = 0;

  bool quiet_ = false;
  Instant active_at_{};  // of a leader: when something last happened
  Instant quiet_until_ = kNoDeadline;

  std::map<uint64_t, Queue<WaitingAnswer>> waiting_;  // by lane
  struct Install {
    uint64_t number = 0, token = 0;
    jraft::SnapshotMeta meta{};
  };
  std::optional<Install> install_;

  // Of a leader.
  std::map<PeerId, std::unique_ptr<Replicator>> replicators_;
  int64_t first_of_term_ = 0;  // the index of the entry that began this leader's term
  bool leads_ = false;         // that entry is committed
  std::unique_ptr<Change> change_;
  PeerId transfer_to_{};
  int64_t transfer_index_ = 0;
  bool lease_void_ = false;  // somebody was told to campaign in this term: who votes for it does not ask for the lease
  Queue<Reader> waiting_reads_;
  std::unique_ptr<Round> round_;
  uint64_t next_round_ = 1;
};

}  // namespace sofa::raft
