#include "truth.h"

#include <algorithm>
#include <set>

#include "sofa/state/raft_core/quorum.h"

namespace sofa::raft_sim {

void Truth::broken(std::string invariant, const std::string& what) const {
  throw sim::Broken(std::move(invariant), fmt::format("group {}: {}", group_, what));
}

uint64_t Truth::chain_after(uint64_t before, const Entry& entry) const {
  uint64_t hash = before * 0x9e3779b97f4a7c15 + static_cast<uint64_t>(entry.id.term) * 0xff51afd7ed558ccd + static_cast<uint64_t>(entry.type);
  hash ^= std::hash<std::string_view>()(entry.data.text());
  if (entry.membership != nullptr) {
    hash ^= 3 * std::hash<std::string>()(entry.membership->current.to_string()) + 5 * std::hash<std::string>()(entry.membership->old.to_string());
  }
  return hash ^ hash >> 32;
}

void Truth::check_chain(int node, LogId id, uint64_t chain) {
  if (id.index < first_) return;
  if (chains_.size() <= at(id.index)) chains_.resize(at(id.index) + 1);
  for (const auto& [term, known] : chains_[at(id.index)]) {
    if (term != id.term) continue;
    if (known == chain) return;
    broken("I4_log_matching",
           fmt::format("node {} has another entry {} of the term {} than another node, or another one before it", node, id.index, id.term));
  }
  chains_[at(id.index)].emplace_back(id.term, chain);
}

std::optional<uint64_t> Truth::chain_of(LogId id) const {
  if (id.index == 0) return 0;
  if (id.index < first_ || at(id.index) >= chains_.size()) return std::nullopt;
  for (const auto& [term, known] : chains_[at(id.index)]) {
    if (term == id.term) return known;
  }
  return std::nullopt;
}

void Truth::on_leader(int node, const Core& core) {
  const auto [known, fresh] = leaders_.emplace(core.term(), node);
  if (known->second != node) broken("I1_one_leader_a_term", fmt::format("{} and {} lead in the term {}", known->second, node, core.term()));
  if (!fresh) return;
  // The newest index that was committed in an older term.
  const auto after = std::ranges::lower_bound(committed_, core.term(), {}, &std::pair<int64_t, int64_t>::first);
  if (after == committed_.begin()) return;
  const int64_t index = std::prev(after)->second;
  if (core.log().last() < index) {
    broken("I5_leaders_have_what_is_committed",
           fmt::format("{} leads in the term {} with a log up to {}, where {} is committed", node, core.term(), core.log().last(), index));
  }
  const int64_t term = core.log().term_of(index);
  const auto chain = term == 0 ? std::nullopt : chain_of({.index = index, .term = term});
  if (chain && index <= most_applied() && *chain != applied_[at(index)].chain) {
    broken("I5_leaders_have_what_is_committed",
           fmt::format("{} leads in the term {} with another entry {} (of the term {}) than the committed one", node, core.term(), index, term));
  }
}

void Truth::on_vote(int node, int64_t term, const PeerId& candidate) {
  const auto [known, fresh] = votes_.emplace(std::pair(term, node), candidate);
  if (known->second == candidate) return;
  broken("I2_one_vote_a_term", fmt::format("{} votes for {} in the term {}, after {}", node, candidate.to_string(), term, known->second.to_string()));
}

bool quorums_meet(const Membership& one, const Membership& other) {
  std::vector<PeerId> all;
  for (const auto* peers : {&one.current.peers, &one.old.peers, &other.current.peers, &other.old.peers}) {
    for (const PeerId& peer : *peers) {
      if (std::ranges::find(all, peer) == all.end()) all.push_back(peer);
    }
  }
  for (uint32_t chosen = 0; chosen < 1u << all.size(); ++chosen) {
    const auto is_chosen = [&](const PeerId& peer) { return (chosen >> (std::ranges::find(all, peer) - all.begin()) & 1) != 0; };
    if (raft::is_quorum(one, is_chosen) && raft::is_quorum(other, [&](const PeerId& peer) { return !is_chosen(peer); })) return false;
  }
  return true;
}

void Truth::on_members(int node, const Membership& before, const Membership& after) {
  if (members_forced || before.current.peers.empty() || before == after || quorums_meet(before, after)) return;
  broken("I10_quorums_meet", fmt::format("at {} the members '{}' (old '{}') follow '{}' (old '{}')", node, after.current.to_string(),
                                         after.old.to_string(), before.current.to_string(), before.old.to_string()));
}

void Truth::check_leaders(std::span<const Leader> leaders, const std::function<int(const PeerId&)>& node_of) const {
  if (members_forced) return;
  for (const Leader& old : leaders) {
    const auto newer = std::ranges::find_if(leaders, [&](const Leader& one) { return one.term > old.term; });
    if (newer == leaders.end()) continue;
    const auto would_follow = [&](const PeerId& peer) {
      const auto known = newest_term_.find(node_of(peer));
      return known == newest_term_.end() || known->second <= old.term;
    };
    if (!raft::is_quorum(*old.members, would_follow)) continue;
    broken(
        "I10_one_may_commit",
        fmt::format("{} leads in the term {}, and {} in the term {} of '{}' (old '{}') may still commit with a majority that knows of no newer term",
                    newer->node, newer->term, old.node, old.term, old.members->current.to_string(), old.members->old.to_string()));
  }
}

void Truth::on_commit(int, int64_t term, int64_t index) {
  if (!committed_.empty() && (committed_.back().second >= index || committed_.back().first > term)) return;
  if (!committed_.empty() && committed_.back().first == term) {
    committed_.back().second = index;
  } else {
    committed_.emplace_back(term, index);
  }
}

void Truth::on_apply(int node, const Entry& entry, uint64_t chain, uint64_t state) {
  if (entry.id.index <= most_applied()) {
    if (entry.id.index >= first_ && applied_[at(entry.id.index)].chain != chain) {
      broken("I6_one_history", fmt::format("{} applies another entry {} (of the term {}) than others have", node, entry.id.index, entry.id.term));
    }
    return on_state(node, entry.id.index, state);
  }
  if (entry.id.index != most_applied() + 1) {
    broken("I6_one_history", fmt::format("{} applies {}, and nobody has applied {}", node, entry.id.index, most_applied() + 1));
  }
  if (entry.type == raft::EntryType::data) {
    ++data_;
    if (auto command = decode_command(entry.data)) {
      int64_t index = entry.id.index;
      const auto result = kv_.apply(*command, index);
      if (index == entry.id.index) {
        if (command->number != 0) results_[command->client] = {.number = command->number, .index = index, .result = result};
        values_[command->key].emplace_back(index, kv_.get(command->key));
        ++values_kept_;
      }
    }
  }
  if (entry.membership != nullptr) members_[entry.id.index] = entry.membership;
  applied_.push_back({.chain = chain, .state = kv_.hash()});
  on_state(node, entry.id.index, state);
}

void Truth::on_state(int node, int64_t index, uint64_t state) {
  if (index > most_applied()) {
    broken("I6_one_history", fmt::format("{} has a state up to {}, where nobody has applied more than {}", node, index, most_applied()));
  }
  if (index < first_ || applied_[at(index)].state == state) return;
  broken("I15_snapshot_equals_replay", fmt::format("the state of {} up to {} is not what the entries up to there give", node, index));
}

void Truth::on_snapshot_members(int node, int64_t index, const Membership& members) const {
  const auto after = members_.upper_bound(index);
  if (after == members_.begin() || *std::prev(after)->second == members) return;
  const Membership& known = *std::prev(after)->second;
  broken("I15_snapshot_equals_replay",
         fmt::format("a snapshot of {} up to {} names the members '{}' (old '{}'), and the entries up to there '{}' (old '{}')", node, index,
                     members.current.to_string(), members.old.to_string(), known.current.to_string(), known.old.to_string()));
}

std::optional<std::string> Truth::value_at(const std::string& key, int64_t index) const {
  const auto found = values_.find(key);
  if (found == values_.end()) return std::nullopt;
  const auto after = std::ranges::upper_bound(found->second, index, {}, &std::pair<int64_t, std::optional<std::string>>::first);
  return after == found->second.begin() ? std::nullopt : std::prev(after)->second;
}

std::optional<std::pair<int64_t, std::string>> Truth::result_of(uint64_t client, uint64_t number) const {
  const auto found = results_.find(client);
  if (found == results_.end() || found->second.number != number) return std::nullopt;
  return std::pair(found->second.index, found->second.result);
}

void Truth::forget_before(LogId horizon) {
  for (; first_ < horizon.index && applied_.size() > 1 && chains_.size() > 1; ++first_) chains_.pop_front(), applied_.pop_front();
  leaders_.erase(leaders_.begin(), leaders_.lower_bound(horizon.term));
  votes_.erase(votes_.begin(), votes_.lower_bound(std::pair(horizon.term, 0)));
  // Of what holds from an index or a term on, the last one before the horizon holds there.
  const auto after = std::ranges::lower_bound(committed_, horizon.term, {}, &std::pair<int64_t, int64_t>::first);
  if (after - committed_.begin() > 1) committed_.erase(committed_.begin(), std::prev(after));
  if (const auto later = members_.upper_bound(first_); later != members_.begin()) members_.erase(members_.begin(), std::prev(later));
  for (auto& [key, values] : values_) {
    const auto later = std::ranges::upper_bound(values, first_, {}, &std::pair<int64_t, std::optional<std::string>>::first);
    if (later - values.begin() <= 1) continue;
    values_kept_ -= static_cast<size_t>(later - values.begin() - 1);
    values.erase(values.begin(), std::prev(later));
  }
}

}  // namespace sofa::raft_sim
