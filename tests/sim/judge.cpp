// Replica: what must hold of a node at any time (README.md has the table of invariants).
#include <algorithm>

#include "replica.h"
#include "sofa/state/raft_core/quorum.h"

namespace sofa::raft_sim {

void Replica::check() {
  const Core& core = *core_;
  const auto back = [&](std::string_view what, int64_t now, int64_t before) {
    truth_.broken("I7_nothing_goes_back", fmt::format("node {}: its {} is {} after {}", machine_.number, what, now, before));
  };
  if (core.term() < last_term_) back("term", core.term(), last_term_);
  if (core.commit_index() < last_commit_) back("commit index", core.commit_index(), last_commit_);
  if (applied_ < last_applied_) back("applied index", applied_, last_applied_);
  if (core.saved_id().index > core.log().last())
    truth_.broken("I7_nothing_goes_back", fmt::format("node {}: saved {} of {}", machine_.number, core.saved_id().index, core.log().last()));
  if (core.commit_index() > core.log().last()) {
    truth_.broken("I5_leaders_have_what_is_committed",
                  fmt::format("node {} commits {}, and has {}", machine_.number, core.commit_index(), core.log().last()));
  }
  if (core.is_leader() && (last_role_ > raft::Role::transferring || last_term_ != core.term())) {
    truth_.on_leader(machine_.number, core);
    world_.world.note(static_cast<uint64_t>(core.term()) * 16 + static_cast<uint64_t>(machine_.number));
  }
  if (core.term() != last_term_) truth_.on_term(machine_.number, core.term());
  if (core.commit_index() > last_commit_) truth_.on_commit(machine_.number, core.term(), core.commit_index());
  if (core.is_leader() && core.commit_index() > last_commit_ && last_role_ <= raft::Role::transferring &&
      core.log().term_of(core.commit_index()) != core.term()) {
    truth_.broken("I5_commits_in_its_own_term", fmt::format("node {} leads in the term {}, and commits {} of the term {}", machine_.number,
                                                            core.term(), core.commit_index(), core.log().term_of(core.commit_index())));
  }
  if (told_to_campaign_in_ == core.term() && core.has_lease(machine_.now())) {
    truth_.broken("I16_one_lease",
                  fmt::format("node {} counts on its lease, and has told another one to campaign in the term {}", machine_.number, core.term()));
  }
  check_members();
  check_memory();
  if (core.is_quiet()) world_.marks.reach("quiet", was_quiet_ ? 0 : 1);
  was_quiet_ = core.is_quiet();
  last_role_ = core.role();
  last_term_ = core.term();
  last_commit_ = core.commit_index();
  last_applied_ = applied_;
}

/// A node goes by the newest members of its log.
void Replica::check_members() {
  const Core& core = *core_;
  if (members_were_set_ || core.log().members_from(core.log().last()) == 0) return;
  const auto newest = core.log().members_at(core.log().last());
  if (&core.members() == newest.get() || core.members() == *newest) return;
  truth_.broken("I10_members_of_the_log", fmt::format("node {} goes by the members '{}' (old '{}'), and the newest in its log are '{}' (old '{}')",
                                                      machine_.number, core.members().current.to_string(), core.members().old.to_string(),
                                                      newest->current.to_string(), newest->old.to_string()));
}

/// Who is to vote from now on has what the others have.
void Replica::check_caught_up(const Membership& before, const Membership& after) {
  const Core& core = *core_;
  const auto is_new = [&](const PeerId& peer) { return !before.current.has_peer(peer) && !before.old.has_peer(peer); };
  if (std::ranges::count_if(after.current.peers, is_new) != 1) return;  // of several, one may have lagged again meanwhile
  for (const Core::Follower& one : core.followers()) {
    if (!after.current.has_peer(one.peer) || !is_new(one.peer)) continue;
    if (one.match + core.options().catchup_margin + 1 >= core.log().last()) continue;
    truth_.broken("I10_new_voters_have_caught_up", fmt::format("node {} lets {} vote, which has confirmed up to {} of {}", machine_.number,
                                                               one.peer.to_string(), one.match, core.log().last()));
  }
}

/// The term that a message tells is saved, or an entry of it is: it must not be another one after a restart.
void Replica::check_told(const jraft::Message& message) const {
  const auto* const vote = std::get_if<jraft::RequestVoteRequest>(&message);
  if (vote != nullptr && vote->pre_vote) return;  // of the term that it would have
  const int64_t told = std::visit(
      [](const auto& one) -> int64_t {
        if constexpr (requires { one.term; }) return one.term;
        return 0;
      },
      message);
  if (told <= std::max(durable_.term, durable_.last.term)) return;
  truth_.broken("I7_terms_told_are_saved", fmt::format("node {} tells the term {}, and has saved {}", machine_.number, told, durable_.term));
}

/// Entries that are acknowledged are durable, and they are those of the request.
void Replica::check_acknowledged(LogId last, const jraft::Message& response) const {
  const auto* const append = std::get_if<jraft::AppendEntriesResponse>(&response);
  if (append == nullptr || !append->success || last.index <= std::max(durable_.snapshot, core_->log().snapshot().index)) return;
  const bool is_there = last.index <= durable_.last.index && core_->log().term_of(last.index) == last.term;
  if (is_there) return;
  truth_.broken("D2_acknowledged_is_durable", fmt::format("node {} acknowledges the entry {} of the term {}, and what is durable goes up to {}",
                                                          machine_.number, last.index, last.term, durable_.last.index));
}

/// Bounds of memory, at their strictest: what one request or a change of members may add to them is known.
void Replica::check_memory() {
  const raft::CoreOptions& bounds = core_->options();
  const Core::Memory memory = core_->memory();
  const auto most = [&](std::string_view what, size_t is, size_t bound) {
    if (is > bound)
      truth_.broken("I11_memory_is_bounded", fmt::format("node {} keeps {} {}, where {} are allowed", machine_.number, is, what, bound));
  };
  const size_t request = bounds.max_body + world_.largest_entry, lanes = static_cast<size_t>(world_.options.nodes);
  const size_t unsaved = static_cast<size_t>(core_->log().last() - core_->saved_id().index) * sizeof(Entry) + memory.unsaved_bytes;
  most("requests under way to one peer", memory.inflight, bounds.max_inflight + 1);
  most("bytes under way to one peer", memory.inflight_bytes, bounds.max_inflight_bytes + request);
  most("bytes that are not durable yet", memory.unsaved_bytes, bounds.max_unsaved_bytes + request);
  most("answers of one lane that wait", memory.waiting_answers, bounds.max_waiting_answers);
  // What waits for entries to be durable may come to wait for term and vote all at once.
  most("requests and answers that wait for term and vote", memory.held, bounds.max_held + lanes * (bounds.max_waiting_answers + 4));
  most("reads", memory.reads, 2 * bounds.max_reads);
  most("bytes of entries", memory.cached_bytes, bounds.cache_bytes + unsaved);
  most("entries that are not committed", static_cast<size_t>(memory.uncommitted), bounds.max_uncommitted + 3);
}

/// A peer that lacks entries and is heard gets on, or a disk or a link has an excuse for it: nothing may stand still without anybody knowing (I12).
void Replica::check_progress() {
  if (core_ == nullptr || !core_->is_leader() || machine_.is_troubled()) return following_.clear();
  const std::vector<Core::Follower> followers = core_->followers();
  // Who is taken out and in again begins anew.
  std::erase_if(following_, [&](const auto& known) {
    return std::ranges::none_of(followers, [&](const Core::Follower& one) { return RaftWorld::machine_of(one.peer) == known.first; });
  });
  for (const Core::Follower& one : followers) {
    const int number = RaftWorld::machine_of(one.peer);
    Machine& to = world_.machine(number);
    const bool heard = machine_.now() - one.last_answer <= core_->options().election_timeout;
    const bool excused = !heard || to.is_troubled() || to.replica(group_).core() == nullptr;
    if (one.match >= core_->log().last() || excused) {
      following_.erase(number);
      continue;
    }
    const Replica& peer = to.replica(group_);
    const Progress now{
        .term = core_->term(),
        .life = peer.life_,
        .match = one.match,
        .next = one.next,
        .fetched = peer.fetched_bytes(),
        .writes = peer.core_->saved_id().index < peer.core_->log().last() ? to.writes() : static_cast<uint64_t>(peer.core_->log().last())};
    auto& [last, since] = following_[number];
    since = std::max(since, std::min(world_.network.disturbed_until(machine_.number, number), world_.world.now()));
    if (now != last) {
      last = now;
      since = world_.world.now();
    } else if (world_.world.now() - since > world_.patience(peer.is_fetching())) {
      truth_.broken("I12_who_lags_gets_on",
                    fmt::format("node {} is heard by its leader {}, lacks what is behind {} of {}, and has got nothing for {:.3f} s", number,
                                machine_.number, one.match, core_->log().last(), std::chrono::duration<double>(world_.world.now() - since).count()));
    }
  }
}

}  // namespace sofa::raft_sim
