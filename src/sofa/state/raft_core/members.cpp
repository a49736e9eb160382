#include "sofa/state/raft_core/members.h"

#include "sofa/state/raft_core/plant.h"

namespace sofa::raft {

using jraft::Membership;
using jraft::PeerId;

namespace {

Result<void> parse(const std::vector<std::string>& texts, std::vector<PeerId>& into) {
  for (const std::string& text : texts) {
    auto peer = PeerId::parse(text);
    if (!peer) return fail(Code::invalid_argument, "the member '{}' of a group is no ip:port[:idx[:priority]]", text);
    into.push_back(std::move(*peer));
  }
  return {};
}

template <class Meta>
Result<Membership> parse_members(const Meta& meta) {
  Membership members;
  for (const auto& [texts, into] : {std::pair(&meta.peers, &members.current.peers), std::pair(&meta.old_peers, &members.old.peers),
                                    std::pair(&meta.learners, &members.current.learners), std::pair(&meta.old_learners, &members.old.learners)}) {
    if (auto parsed = parse(*texts, *into); !parsed) return forward_error(parsed);
  }
  return members;
}

template <class Meta>
void put(const Membership& members, Meta& into) {
  into.peers = texts_of(members.current.peers);
  into.old_peers = texts_of(members.old.peers);
  into.learners = texts_of(members.current.learners);
  into.old_learners = texts_of(members.old.learners);
}

}  // namespace

Result<Membership> members_of(const jraft::SnapshotMeta& meta) { return parse_members(meta); }
Result<Membership> members_of(const jraft::EntryMeta& meta) { return parse_members(meta); }

jraft::SnapshotMeta meta_of(jraft::LogId id, const Membership& members) {
  jraft::SnapshotMeta meta{.last_included_index = id.index, .last_included_term = id.term};
  put(members, meta);
  if (planted(Plant::snapshot_meta_without_joint) && id.index != 0) meta.old_peers.clear();
  return meta;
}

void put_members(const Membership& members, jraft::EntryMeta& into) { put(members, into); }

}  // namespace sofa::raft
