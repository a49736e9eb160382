// What the state machine is given: committed entries, and what happens to the node, in order.
#include "sofa/state/raft/detail/node_impl.h"

namespace sofa::raft::detail {

using jraft::RaftError;
using jraft::Status;

void NodeImpl::perform(effect::Apply& one) {
  if (!machine_tasks_.empty()) {
    if (auto* last = std::get_if<effect::Apply>(&machine_tasks_.back())) {
      last->up_to = one.up_to;
      return;
    }
  }
  machine_tasks_.emplace_back(one);
}

void NodeImpl::run_machine() {
  while (!machine_tasks_.empty() && !machine_busy_ && core_->is_active()) {
    if (!run_task(machine_tasks_.front())) return;
    if (!machine_tasks_.empty()) machine_tasks_.pop_front();
  }
}

/// False: it is not done yet.
bool NodeImpl::run_task(MachineTask& task) {
  if (auto* apply = std::get_if<effect::Apply>(&task)) return apply_cached(apply->up_to);
  if (auto* load = std::get_if<LoadSnapshot>(&task)) {
    machine_busy_ = true;
    tasks_.spawn("raft: loads a snapshot", load_fetched(load->number));
    return true;
  }
  if (auto* started = std::get_if<effect::LeaderStarted>(&task)) {
    call_machine(Timed::fsm_leader_start, [&] { machine_->on_leader_start(started->term); });
  } else if (auto* stopped = std::get_if<effect::LeaderStopped>(&task)) {
    call_machine(Timed::fsm_leader_stop, [&] { machine_->on_leader_stop(stopped->why); });
  } else if (auto* follows = std::get_if<effect::FollowingStarted>(&task)) {
    call_machine(Timed::fsm_start_following, [&] { machine_->on_start_following(follows->leader, follows->term); });
  } else if (auto* left = std::get_if<effect::FollowingStopped>(&task)) {
    last_election_ = left->why.message;
    last_election_at_ = io::Shard::current().clock().now_wall();
    call_machine(Timed::fsm_stop_following, [&] { machine_->on_stop_following(left->leader, left->term, left->why); });
  } else if (auto* members = std::get_if<effect::MembersCommitted>(&task)) {
    call_machine(Timed::fsm_commit, [&] { machine_->on_configuration_committed(members->members->current); });
  }
  return true;
}

/// Applies what is in memory; what is not is read first.
bool NodeImpl::apply_cached(int64_t up_to) {
  while (applied_ < up_to && core_->is_active()) {
    const LogView& log = core_->log();
    if (applied_ + 1 < log.cached_from() || applied_ + 1 > log.last()) {
      machine_busy_ = true;
      tasks_.spawn("raft: reads entries to be applied", apply_from_disk(up_to));
      return false;
    }
    const int64_t last = std::min({up_to, log.last(), applied_ + static_cast<int64_t>(options_.apply_batch)});
    // Deque iterators are no spans: entries are shared, not copied.
    std::vector<Entry> entries;
    entries.reserve(static_cast<size_t>(last - applied_));
    for (int64_t index = applied_ + 1; index <= last; ++index) entries.push_back(log.entry(index));
    apply_entries(entries);
  }
  return true;
}

io::Task<void> NodeImpl::apply_from_disk(int64_t up_to) {
  auto entries = co_await log_.read(applied_ + 1, options_.apply_batch, size_t{1} << 20);
  machine_busy_ = false;
  if (stopped_ || !core_->is_active()) co_return;
  if (!entries || entries->empty()) {
    const std::string why = entries ? fmt::format("the committed entry {} is not in the log", applied_ + 1) : entries.error().to_string();
    input([&](Core& core) { core.fail(now(), {RaftError::eio, why}); });
    co_return;
  }
  while (!entries->empty() && entries->back().id.index > up_to) entries->pop_back();
  apply_entries(*entries);
  drive();
}

void NodeImpl::apply_entries(std::span<const Entry> entries) {
  const Instant begun = metrics_ != nullptr ? exact_now() : Instant();
  for (const Entry& entry : entries) {
    if (entry.type == EntryType::data) take_entry(entry);
    if (!core_->is_active()) return;
  }
  apply_batch();
  if (!core_->is_active()) return;
  applied_ = entries.back().id.index;
  end_waiting_before(applied_ + 1);
  core_->applied(now(), applied_);
  release_reads();
  if (begun != Instant()) note(Timed::fsm_commit, exact_now() - begun);
}

/// Puts it into the batch, unless its session says that it has been applied before.
void NodeImpl::take_entry(const Entry& entry) {
  const bool waited = waiting_index_of(entry.id).has_value();
  if (!sessions_) {
    batch_.emplace_back(entry.id, entry.data, waited);
    return batch_writes_.emplace_back(), void();
  }
  auto write = decode_write(entry.data);
  if (!write) return core_->fail(now(), {RaftError::estatemachine, write.error().to_string()});
  // What a session has in the batch must be remembered before it is judged again.
  const bool is_there = write->of && std::ranges::any_of(batch_writes_, [&](const auto& one) { return one && one->session == write->of->session; });
  if (is_there) apply_batch();
  const auto verdict = write->of ? sessions_->judge(*write->of) : Sessions::Verdict::fresh;
  switch (verdict) {
    case Sessions::Verdict::fresh:
      batch_.emplace_back(entry.id, std::move(write->data), waited || write->of.has_value());
      batch_writes_.push_back(write->of);
      return;
    case Sessions::Verdict::repeated:
      return answer_waiting(entry.id, sessions_->reply_of(*write->of));
    case Sessions::Verdict::outdated:
      return answer_waiting(entry.id,
                            std::unexpected(error_of({RaftError::estale, fmt::format("the write {} of the session {:016x} is older than its last one",
                                                                                     write->of->number, write->of->session)})));
    case Sessions::Verdict::forgotten:
      return answer_waiting(
          entry.id,
          std::unexpected(error_of(
              {RaftError::enoent, fmt::format("the session {:016x} is not known any more: its write {} is not applied; begin another session",
                                              write->of->session, write->of->number)})));
  }
}

void NodeImpl::apply_batch() {
  if (batch_.empty()) return;
  std::vector<Committed> committed = std::exchange(batch_, {});
  const auto writes = std::exchange(batch_writes_, {});
  Batch batch(committed);
  if (metrics_ != nullptr) metrics_->record(Sized::fsm_apply_tasks_count, committed.size());
  call_machine(Timed::fsm_apply_tasks, [&] { machine_->apply(batch); });
  if (!core_->is_active()) return;
  for (size_t i = 0; i < committed.size(); ++i) {
    if (!committed[i].is_waited_for()) continue;
    Bytes reply = batch.take_result(i);
    if (writes[i]) sessions_->remember(*writes[i], reply);
    answer_waiting(committed[i].id(), std::move(reply));
  }
}

std::optional<size_t> NodeImpl::waiting_index_of(LogId id) const {
  if (waiting_.empty() || id.index < waiting_.front().id.index) return std::nullopt;
  // Mostly they follow each other without a gap.
  const auto at = std::ranges::lower_bound(waiting_, id.index, {}, [](const Waiting& one) { return one.id.index; });
  if (at == waiting_.end() || at->id != id) return std::nullopt;
  return static_cast<size_t>(at - waiting_.begin());
}

void NodeImpl::answer_waiting(LogId id, Result<Bytes> reply) {
  if (!waiting_index_of(id)) return;
  end_waiting_before(id.index);
  Waiting one = std::move(waiting_.front());
  waiting_.pop_front();
  shared_.pace.done(now(), now() - one.begun);
  one.done(std::move(reply));
}

/// Another entry has taken the place of what was proposed.
void NodeImpl::end_waiting_before(int64_t index) {
  while (!waiting_.empty() && waiting_.front().id.index < index) {
    Waiting lost = std::move(waiting_.front());
    waiting_.pop_front();
    lost.done(std::unexpected(error_of({RaftError::enewleader, fmt::format("another leader has put another entry at the index {}: this one is not "
                                                                           "applied",
                                                                           lost.id.index)})));
  }
}

void NodeImpl::release_reads() {
  while (!reads_at_.empty() && reads_at_.begin()->first <= applied_) {
    ReadDone done = std::move(reads_at_.begin()->second);
    reads_at_.erase(reads_at_.begin());
    done(Result<void>{});
  }
}

}  // namespace sofa::raft::detail
