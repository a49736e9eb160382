#pragma once
// Majorities of one configuration, or of two at once while they decide together.

#include <algorithm>
#include <map>
#include <vector>

#include "sofa/wire/jraft/entry.h"

namespace sofa::raft {

using jraft::Membership;
using jraft::PeerId;

/// Whether the peers for which `has(peer)` holds are a majority of the current members, and of the old ones where there are any.
template <class Has>
bool is_quorum(const Membership& members, const Has& has) {
  const auto majority = [&](const std::vector<PeerId>& peers) {
    return static_cast<size_t>(std::ranges::count_if(peers, has)) >= peers.size() / 2 + 1;
  };
  return !members.current.peers.empty() && majority(members.current.peers) && (members.old.peers.empty() || majority(members.old.peers));
}

/// The greatest value that a quorum has reached; `value_of(peer)` gives an ordered value.
template <class ValueOf>
auto reached_by_quorum(const Membership& members, const ValueOf& value_of) {
  const auto of = [&](const std::vector<PeerId>& peers) {
    std::vector<decltype(value_of(peers.front()))> values;
    for (const PeerId& peer : peers) values.push_back(value_of(peer));
    std::ranges::sort(values, std::greater{});
    return values[peers.size() / 2];
  };
  auto reached = of(members.current.peers);
  return members.old.peers.empty() ? reached : std::min(reached, of(members.old.peers));
}

/// Votes that come in one by one.
class Ballot {
 public:
  void begin(std::shared_ptr<const Membership> members) {
    members_ = std::move(members);
    answers_.clear();
  }
  void grant(const PeerId& peer) { answers_[peer] = true; }
  /// It votes for another, or cannot be asked.
  void refuse(const PeerId& peer) { answers_.try_emplace(peer, false); }
  bool is_won() const { return is_decided_by(false); }
  /// Whoever still answers, it will not be won.
  bool is_lost() const { return members_ != nullptr && !is_decided_by(true); }

 private:
  /// Whether those are a majority who have granted it; `open`: and those who have not answered.
  bool is_decided_by(bool open) const {
    return members_ != nullptr && is_quorum(*members_, [&](const PeerId& peer) {
             const auto answer = answers_.find(peer);
             return answer == answers_.end() ? open : answer->second;
           });
  }

  std::shared_ptr<const Membership> members_;
  std::map<PeerId, bool> answers_;
};

}  // namespace sofa::raft
