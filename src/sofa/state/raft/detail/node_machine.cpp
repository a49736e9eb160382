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
  call_machine([&] {
    if (auto* started = std::get_if<effect::LeaderStarted>(&task)) {
      machine_->on_leader_start(started->term);
    } else if (auto* stopped = std::get_if<effect::LeaderStopped>(&task)) {
      machine_->on_leader_stop(stopped->why);
    } else if (auto* follows = std::get_if<effect::FollowingStarted>(&task)) {
      machine_->on_start_following(follows->leader, follows->term);
    } else if (auto* left = std::get_if<effect::FollowingStopped>(&task)) {
      last_election_ = left->why.message;
      machine_->on_stop_following(left->leader, left->term, left->why);
    } else if (auto* members = std::get_if<effect::MembersCommitted>(&task)) {
      machine_->on_configuration_committed(members->members->current);
    }
  });
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
  batch_.clear();
  const auto waits = waiting_.begin();
  size_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.type != EntryType::data) continue;
    while (at < waiting_.size() && waits[static_cast<ptrdiff_t>(at)].id.index < entry.id.index) ++at;
    const bool waited = at < waiting_.size() && waits[static_cast<ptrdiff_t>(at)].id == entry.id;
    batch_.emplace_back(entry.id, entry.data, waited);
  }
  Batch batch(batch_);
  if (!batch_.empty()) call_machine([&] { machine_->apply(batch); });
  if (!core_->is_active()) return;
  applied_ = entries.back().id.index;
  for (size_t i = 0; i < batch_.size(); ++i) {
    if (!batch_[i].is_waited_for()) continue;
    end_waiting_before(batch_[i].id().index);
    Waiting one = std::move(waiting_.front());
    waiting_.pop_front();
    one.done(batch.take_result(i));
  }
  end_waiting_before(applied_ + 1);
  batch_.clear();
  core_->applied(now(), applied_);
  release_reads();
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
