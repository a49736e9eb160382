#include "sofa/state/raft/node.h"

#include "sofa/io/later.h"
#include "sofa/io/shard.h"
#include "sofa/state/raft/detail/node_impl.h"

namespace sofa::raft {

using jraft::RaftError;
using jraft::Status;

namespace detail {

namespace {
const Logger kLog{"raft"};
}  // namespace

NodeImpl::NodeImpl(NodeOptions options, PeerId self, GroupStreams streams, std::string snapshot_folder, Shared& shared,
                   std::unique_ptr<StateMachine> machine)
    : options_(std::move(options)),
      self_(std::move(self)),
      shared_(shared),
      machine_(std::move(machine)),
      random_(system_seed()),
      log_(shared.log, streams, *this),
      snapshots_(SnapshotStore::make(shared.files, std::move(snapshot_folder))),
      gather_([](void* me) { static_cast<NodeImpl*>(me)->propose_gathered(); }, this),
      timer_(
          [](void* me) {
            auto& node = *static_cast<NodeImpl*>(me);
            node.armed_ = kNoDeadline;
            node.input([&](Core& core) { core.tick(node.now()); });
          },
          this),
      snapshot_timer_([](void* me) { static_cast<NodeImpl*>(me)->snapshot_due(); }, this) {}

NodeImpl::~NodeImpl() {
  shared_.metrics.awake.erase(this);
  end_metrics();
}

Instant NodeImpl::now() const { return io::Shard::current().now(); }
/// A lease is judged by the time at which it is asked for: the turn may have begun before the process was paused.
Instant NodeImpl::exact_now() const { return io::Shard::current().clock().now_monotonic(); }

CoreOptions NodeImpl::core_options() const {
  CoreOptions core = options_.core;
  core.group = options_.group;
  core.self = self_;
  core.election_timeout = options_.election_timeout;
  core.max_election_delay = options_.max_election_delay;
  core.checksum = options_.checksum;
  core.lease_reads = options_.lease_reads;
  core.quiet_after = options_.quiet_after;
  core.max_entry_bytes = shared_.max_entry_bytes;
  return core;
}

// Life.

io::Task<Result<void>> NodeImpl::recover() {
  kept_ = co_await io::or_return(log_.read_kept());
  FoundLog found = co_await io::or_return(log_.find(kept_.snapshot));
  co_await io::or_return(snapshots_->recover(kept_.snapshot));
  if (options_.sessions) sessions_.emplace();
  if (const auto reader = snapshots_->open_newest()) co_await io::or_return(load(*reader));
  applied_ = kept_.snapshot.id.index;
  const bool is_new = kept_.state == HardState() && found.last < found.first && kept_.snapshot.id.index == 0;
  if (is_new && !options_.initial.empty()) {
    kLog.warn("a member without a log begins: if it has been one before, and has lost its folder, what it voted and stored is forgotten",
              {{"group", options_.group}, {"node", self_.to_string()}});
  }
  core_ = std::make_unique<Core>(core_options(), kept_.state, std::move(found), options_.initial, random_.next());
  co_return Result<void>{};
}

void NodeImpl::start() {
  shared_.metrics.awake.insert(this);
  last_election_at_ = io::Shard::current().clock().now_wall();
  input([&](Core& core) { core.start(now()); });
  arm_snapshot(true);
  kLog.info("member started", {{"group", options_.group},
                               {"node", self_.to_string()},
                               {"term", core_->term()},
                               {"log", fmt::format("[{}, {}]", core_->log().first(), core_->log().last())},
                               {"snapshot", core_->log().snapshot().index},
                               {"members", core_->members().current.to_string()}});
}

io::Task<void> NodeImpl::stop() {
  if (std::exchange(stopped_, true)) co_return;
  input([&](Core& core) { core.shut_down(now()); });
  if (is_watching_) watch(false);
  timer_.cancel();
  snapshot_timer_.cancel();
  fail_all({RaftError::enodeshutdown, "the node is shutting down"});
  while (log_.is_writing()) {
    if (!co_await io::sleep_for(std::chrono::milliseconds(1))) break;
  }
  tasks_.cancel("the node ends");
  [[maybe_unused]] const auto joined = co_await tasks_.join();
  ended_ = true;
  answers_.clear();
}

void NodeImpl::fail_all(const Status& why) {
  const Error error = error_of(why);
  for (auto& done : std::exchange(gathered_done_, {})) done(std::unexpected(error));
  gathered_.clear();
  for (auto& one : std::exchange(waiting_, {})) one.done(std::unexpected(error));
  for (auto& [token, done] : std::exchange(reads_, {})) done(std::unexpected(error));
  for (auto& [index, done] : std::exchange(reads_at_, {})) done(std::unexpected(error));
  for (auto& [token, done] : std::exchange(changes_, {})) done(std::unexpected(error));
}

// Inputs, effects, timers.

void NodeImpl::drive() {
  if (std::exchange(driving_, true)) return;
  do {
    for (auto effects = core_->take(); !effects.empty(); effects = core_->take()) {
      for (Effect& effect : effects) {
        std::visit([this](auto& one) { perform(one); }, effect);
      }
    }
    run_machine();
  } while (core_->has_effects());
  driving_ = false;
  if (core_->is_quiet() != is_watching_) watch(core_->is_quiet());
  arm();
}

/// A quiet member counts on somebody watching the nodes of its peers.
void NodeImpl::watch(bool quiet) {
  is_watching_ = quiet;
  if (!quiet) {
    shared_.metrics.awake.insert(this);
    return shared_.watch.remove(*this);
  }
  shared_.metrics.awake.erase(this);
  give_memory_back(machine_tasks_);
  give_memory_back(waiting_);
  give_memory_back(answers_);
  give_memory_back(gathered_);
  give_memory_back(gathered_done_);
  give_memory_back(batch_);
  give_memory_back(batch_writes_);
  log_.give_memory_back();
  if (core_->is_leader()) {
    for (const Core::Follower& one : core_->followers()) shared_.watch.add(*this, one.peer.address());
  } else {
    shared_.watch.add(*this, core_->leader().address());
  }
}

void NodeImpl::node_lost(const std::string& address) {
  if (!stopped_) input([&](Core& core) { core.node_lost(now(), address); });
}

void NodeImpl::look_after_peers() {
  if (stopped_) return;
  const std::vector<PeerId> stalled = core_->revive_stalled(now());
  if (stalled.empty()) return;
  shared_.metrics.stalled += stalled.size();
  kLog.error("peers lack entries, and nothing was under way to them: they are asked again; this is a fault of this program",
             {{"group", options_.group}, {"node", self_.to_string()}, {"peer", stalled.front().to_string()}, {"peers", stalled.size()}});
  drive();
}

void NodeImpl::begin_metrics() {
  if (metrics_ == nullptr) metrics_ = shared_.metrics.begin_asked(now());
  if (metrics_ != nullptr) metrics_->used = now();
}

void NodeImpl::end_metrics() {
  if (metrics_ == nullptr) return;
  metrics_ = nullptr;
  shared_.metrics.ended();
}

/// Groups tick at the same moments, twenty in an interval of heartbeats, so that what those of one node send to another leaves together (peers.h).
void NodeImpl::arm() {
  Instant due = stopped_ ? kNoDeadline : core_->due();
  const Duration step = options_.election_timeout / 200;
  if (due != kNoDeadline && due > now() && step > Duration()) due += step - due.time_since_epoch() % step;
  if (due == armed_) return;
  armed_ = due;
  if (due == kNoDeadline) {
    timer_.cancel();
  } else {
    io::Shard::current().schedule(timer_, due);
  }
}

/// Who sends it has been cut off from the group, or is none of it.
void NodeImpl::tell_of_an_older_term(const jraft::Message& request) {
  const auto tell = [this](const auto& one) {
    if constexpr (requires { one.term < core_->term() && !one.server_id.empty(); }) {
      if (one.term >= core_->term()) return;
      kLog.info(refusals_, "request of an older term",
                {{"group", options_.group}, {"node", self_.to_string()}, {"from", one.server_id}, {"term", one.term}, {"own_term", core_->term()}});
    }
  };
  std::visit(tell, request);
}

void NodeImpl::receive(uint64_t lane, const jraft::Message& request, Answer answer) {
  tell_of_an_older_term(request);
  const uint64_t token = next_token_++;
  const auto* const append = std::get_if<jraft::AppendEntriesRequest>(&request);
  if (append != nullptr && append->is_probe() && !is_peer()) answer = unhurried(std::move(answer));
  if (metrics_ != nullptr) {
    if (const auto what = metrics_->received(request)) answer = timed(*what, std::move(answer));
  }
  answers_.emplace(token, std::move(answer));
  const bool is_read = std::holds_alternative<jraft::ReadIndexRequest>(request);
  input([&](Core& core) { core.receive(is_read ? exact_now() : now(), token, lane, request); });
}

bool NodeImpl::is_peer() const {
  const jraft::Membership& members = core_->members();
  return members.current.has_peer(self_) || members.old.has_peer(self_);
}

NodeImpl::Answer NodeImpl::unhurried(Answer answer) {
  return [this, alive = std::weak_ptr<bool>(alive_), answer = std::move(answer)](const jraft::Message& response) mutable {
    const auto* append = std::get_if<jraft::AppendEntriesResponse>(&response);
    if (append == nullptr || !append->success || alive.expired()) return answer(response);
    tasks_.spawn("raft: answers the leader that adds this node", [](Answer to, jraft::Message told) -> io::Task<void> {
      (void)co_await io::sleep_for(std::chrono::milliseconds(20));
      to(told);
    }(std::move(answer), response));
  };
}

void NodeImpl::connected(const std::string& address) {
  if (!core_->is_leader()) return;
  for (const Core::Follower& one : core_->followers()) {
    if (one.peer.address() == address) input([&](Core& core) { core.connected(now(), one.peer); });
  }
}

void NodeImpl::entries_saved(LogId up_to) {
  if (metrics_ != nullptr) metrics_->appended(now(), up_to.index);
  input([&](Core& core) { core.log_saved(now(), up_to); });
}

void NodeImpl::disk_failed(const Error& error) {
  kLog.error("the disk failed", {{"group", options_.group}, {"node", self_.to_string()}, {"error", error}});
  input([&](Core& core) { core.fail(now(), {RaftError::eio, error.to_string()}); });
}

void NodeImpl::disk_full(bool full) {
  if (!full) {
    kLog.info("the disk has space again", {{"group", options_.group}, {"node", self_.to_string()}});
    return;
  }
  kLog.error("the disk is full: the node takes no entries until there is space, and hands leadership over",
             {{"group", options_.group}, {"node", self_.to_string()}});
  if (core_->role() == Role::leader) {
    input([&](Core& core) { (void)core.transfer(now(), PeerId()); });
  }
}

void NodeImpl::perform(effect::SaveState& one) {
  if (one.voted_for == self_ && one.term > kept_.state.term) {
    ++elections_;
    ++shared_.metrics.elections;
    last_election_at_ = io::Shard::current().clock().now_wall();
    kLog.info("election", {{"group", options_.group}, {"node", self_.to_string()}, {"term", one.term}, {"why", last_election_}});
  }
  kept_.state = {.term = one.term, .voted_for = one.voted_for, .must_reach = one.must_reach};
  log_.save(kept_, [this, number = one.number, begun = now()] {
    note(Timed::save_raft_meta, now() - begun);
    input([&](Core& core) { core.state_saved(now(), number); });
  });
}
void NodeImpl::perform(effect::Append& one) {
  if (metrics_ == nullptr) metrics_ = shared_.metrics.begin(now());
  if (metrics_ != nullptr) metrics_->appending(now(), one.entries);
  log_.append(one.entries);
}
void NodeImpl::perform(effect::TruncateSuffix& one) {
  if (metrics_ != nullptr) metrics_->cut(one.last_kept);
  log_.truncate_suffix(one.last_kept);
}
void NodeImpl::perform(effect::TruncatePrefix& one) { log_.truncate_prefix(one.first_kept); }
void NodeImpl::perform(effect::ResetLog& one) { log_.reset(one.behind); }

void NodeImpl::perform(effect::ReadEntries& one) { tasks_.spawn("raft: reads entries for a peer", read_entries(one)); }

io::Task<void> NodeImpl::read_entries(effect::ReadEntries one) {
  auto entries = co_await log_.read(one.from, one.max_entries, one.max_bytes);
  if (stopped_) co_return;
  if (!entries) {
    input([&](Core& core) { core.fail(now(), {RaftError::eio, entries.error().to_string()}); });
    co_return;
  }
  uint64_t bytes = 0;
  for (const Entry& entry : *entries) bytes += entry.data.size();
  if (const Instant at = shared_.pace.admit(now(), bytes); at > now()) {
    if (!co_await io::sleep_until(at) || stopped_) co_return;
  }
  input([&](Core& core) { core.entries_read(now(), one.number, std::move(*entries)); });
}

void NodeImpl::perform(effect::Send& one) {
  if (ended_) return;
  const auto counted = metrics_ != nullptr ? metrics_->sent(now(), one.to, one.request) : GroupMetrics::Call();
  shared_.peers.call(one.to.address(), std::move(one.request), one.timeout,
                     [this, alive = std::weak_ptr<bool>(alive_), call = one.call, counted](Result<jraft::Message> answer) {
                       if (alive.expired()) return;
                       if (metrics_ != nullptr) metrics_->ended(now(), counted, answer && !std::holds_alternative<jraft::ErrorResponse>(*answer));
                       input([&](Core& core) {
                         if (answer) {
                           core.answered(now(), call, std::move(*answer));
                         } else {
                           core.failed(now(), call, status_of(answer.error()));
                         }
                       });
                     });
}

void NodeImpl::perform(effect::Answer& one) {
  const auto found = answers_.find(one.token);
  if (found == answers_.end()) return;
  Answer answer = std::move(found->second);
  answers_.erase(found);
  const auto* refusal = std::get_if<jraft::ErrorResponse>(&one.response);
  const auto is = [&](RaftError code) { return refusal != nullptr && refusal->code == static_cast<int32_t>(code); };
  if (is(RaftError::einval) || is(RaftError::eperm)) {
    kLog.warn(refusals_, "request of a peer refused",
              {{"group", options_.group}, {"node", self_.to_string()}, {"why", refusal->message.value_or("")}});
  }
  answer(one.response);
}

void NodeImpl::perform(effect::ProposalsLost& one) {
  while (!waiting_.empty() && waiting_.back().id.index > one.committed) {
    Waiting lost = std::move(waiting_.back());
    waiting_.pop_back();
    lost.done(std::unexpected(error_of({RaftError::enewleader, fmt::format("the node leads no longer ({}): whether the entry {} will be applied is "
                                                                           "not known",
                                                                           one.why.message, lost.id.index)})));
  }
}

void NodeImpl::perform(effect::Failed& one) {
  kLog.error("the node is in the state ERROR, until it is started again",
             {{"group", options_.group}, {"node", self_.to_string()}, {"why", one.why.to_string()}});
  machine_tasks_.clear();
  fail_all(one.why);
  call_machine(Timed::fsm_error, [&] { machine_->on_error(one.why); });
}

void NodeImpl::perform(effect::ReadAt& one) {
  const auto found = reads_.find(one.token);
  if (found == reads_.end()) return;
  ReadDone done = std::move(found->second);
  reads_.erase(found);
  if (!one.status.ok()) return done(std::unexpected(error_of(one.status)));
  if (one.index <= applied_ && !machine_busy_) return done(Result<void>{});
  reads_at_.emplace(one.index, std::move(done));
}

void NodeImpl::perform(effect::Changed& one) {
  const auto found = changes_.find(one.token);
  if (found == changes_.end()) return;
  ReadDone done = std::move(found->second);
  changes_.erase(found);
  done(one.status.ok() ? Result<void>{} : std::unexpected(error_of(one.status)));
}

// Users.

Error NodeImpl::refusal_of_full_disk() const {
  return error_of({RaftError::ebusy, fmt::format("the disk of {} is full: it takes no entries until there is space", shared_.address)});
}

void NodeImpl::apply(Bytes data, Done done) { gather(sessions_ ? encode_write(std::nullopt, data.span()) : std::move(data), std::move(done)); }

void NodeImpl::apply_once(SessionWrite write, Bytes data, Done done) {
  if (!sessions_) return done(std::unexpected(error_of({RaftError::einval, fmt::format("the group {} has no sessions", options_.group)})));
  if (write.number == 0) return done(std::unexpected(error_of({RaftError::einval, "the writes of a session are numbered from 1"})));
  gather(encode_write(write, data.span()), std::move(done));
}

void NodeImpl::gather(Bytes data, Done done) {
  if (stopped_) return done(std::unexpected(error_of({RaftError::enodeshutdown, "the node is shutting down"})));
  if (log_.is_full()) return done(std::unexpected(refusal_of_full_disk()));
  if (data.size() > options_.max_entry_bytes) {
    return done(std::unexpected(error_of(
        {RaftError::einval, fmt::format("an entry of {} bytes is over the bound of {} (max_entry_bytes)", data.size(), options_.max_entry_bytes)})));
  }
  if (waiting_.size() + gathered_.size() >= options_.max_waiting) {
    note(Refused::apply_task_overload_times);
    return done(std::unexpected(error_of({RaftError::ebusy, "Node is busy, has too many tasks, queue is full; try again later"})));
  }
  if (gathered_.empty()) io::Shard::current().at_turn_end(gather_);
  gathered_.push_back(std::move(data));
  gathered_done_.push_back(std::move(done));
}

/// All proposals of a turn are one append, and one request to each follower.
void NodeImpl::propose_gathered() {
  if (gathered_.empty() || stopped_) return;
  std::vector<Done> done = std::exchange(gathered_done_, {});
  uint64_t bytes = 0;
  for (const Bytes& one : gathered_) bytes += one.size();
  shared_.pace.begun(now(), bytes);
  Core::Proposed proposed;
  proposed = core_->propose(now(), std::exchange(gathered_, {}));
  if (!proposed.status.ok()) {
    if (proposed.status.code == RaftError::ebusy) note(Refused::apply_task_overload_times);
    const Error error = error_of(proposed.status);
    for (Done& one : done) one(std::unexpected(error));
    return drive();
  }
  LogId id = proposed.first;
  for (Done& one : done) {
    waiting_.push_back({.id = id, .done = std::move(one), .begun = now()});
    ++id.index;
  }
  drive();
}

io::Task<Result<Bytes>> NodeImpl::apply(Bytes data) {
  io::Later<Bytes> result;
  apply(std::move(data), [give = result.giver()](Result<Bytes> one) { give(std::move(one)); });
  co_return co_await result.wait();
}

void NodeImpl::read(ReadDone done) {
  if (stopped_) return done(std::unexpected(error_of({RaftError::enodeshutdown, "the node is shutting down"})));
  if (reads_.size() + reads_at_.size() >= options_.max_waiting) {
    note(Refused::read_index_overload_times);
    return done(std::unexpected(error_of({RaftError::ebusy, "Node is busy, too many reads wait; try again later"})));
  }
  const uint64_t token = next_token_++;
  if (metrics_ != nullptr) done = timed(Timed::read_index, std::move(done));
  reads_.emplace(token, std::move(done));
  const Status begun = core_->read(exact_now(), token);
  if (!begun.ok()) {
    ReadDone refused = std::move(reads_.at(token));
    reads_.erase(token);
    refused(std::unexpected(error_of(begun)));
  }
  drive();
}

namespace {
/// A void result is carried by a bool.
auto into(const io::Later<bool>::Giver& give) {
  return [give](Result<void> one) { give(one ? Result<bool>(true) : Result<bool>(std::unexpected(one.error()))); };
}
}  // namespace

io::Task<Result<void>> NodeImpl::read() {
  io::Later<bool> result;
  read(into(result.giver()));
  co_await io::or_return(result.wait());
  co_return Result<void>{};
}

io::Task<Result<void>> NodeImpl::change_members(jraft::Configuration next) {
  io::Later<bool> result;
  const uint64_t token = next_token_++;
  changes_.emplace(token, into(result.giver()));
  Status begun;
  input([&](Core& core) { begun = core.change_members(now(), token, std::move(next)); });
  if (!begun.ok()) {
    changes_.erase(token);
    co_return std::unexpected(error_of(begun));
  }
  co_await io::or_return(result.wait());
  co_return Result<void>{};
}

Result<void> NodeImpl::reset_peers(jraft::Configuration next) {
  Status done;
  input([&](Core& core) { done = core.reset_peers(now(), std::move(next)); });
  if (!done.ok()) return std::unexpected(error_of(done));
  return {};
}

Result<void> NodeImpl::transfer(PeerId to) {
  Status begun;
  input([&](Core& core) { begun = core.transfer(now(), to); });
  if (!begun.ok()) return std::unexpected(error_of(begun));
  return {};
}

NodeDescription NodeImpl::describe() const {
  const Core& core = *core_;
  return {.group = options_.group,
          .self = self_.to_string(),
          .leader = core.leader().is_nobody() ? std::string() : core.leader().to_string(),
          .members = core.members().current.to_string(),
          .old_members = core.members().old.empty() ? std::string() : core.members().old.to_string(),
          .role = std::string(to_string(core.role())),
          .error = core.error().ok() ? std::string() : core.error().to_string(),
          .term = core.term(),
          .first_log = core.log().first(),
          .last_log = core.log().last(),
          .saved = core.saved_id().index,
          .committed = core.commit_index(),
          .applied = applied_,
          .snapshot = core.log().snapshot().index,
          .voted_for = core.voted_for().is_nobody() ? std::string() : core.voted_for().to_string(),
          .last_log_term = core.log().last_id().term,
          .snapshot_term = core.log().snapshot().term,
          .target_priority = core.target_priority(),
          .waiting = waiting_.size() + gathered_.size(),
          .reads = reads_.size() + reads_at_.size(),
          .elections = elections_,
          .last_election = last_election_,
          .last_election_at = last_election_at_,
          .quiet = core.is_quiet(),
          .disk_full = log_.is_full(),
          .installing = fetch_ != nullptr,
          .saving_snapshot = saving_,
          .followers = core.followers()};
}

}  // namespace detail
}  // namespace sofa::raft
