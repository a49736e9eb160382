#include "sofa/state/raft_core/detail/entries_of.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft::detail {

using jraft::Entry;
using jraft::EntryType;
using jraft::Membership;
using jraft::PeerId;

namespace {

Result<std::vector<PeerId>> peers_of(const std::vector<std::string>& texts) {
  std::vector<PeerId> peers;
  for (const std::string& text : texts) {
    auto peer = PeerId::parse(text);
    if (!peer) return fail(Code::invalid_argument, "the member '{}' of an entry is no ip:port[:idx[:priority]]", text);
    peers.push_back(std::move(*peer));
  }
  return peers;
}

std::vector<std::string> texts_of(const std::vector<PeerId>& peers) {
  std::vector<std::string> texts;
  for (const PeerId& peer : peers) texts.push_back(peer.to_string());
  return texts;
}

Result<std::shared_ptr<const Membership>> members_of(const jraft::EntryMeta& meta) {
  Membership members;
  for (const auto& [texts, into] : {std::pair(&meta.peers, &members.current.peers), std::pair(&meta.old_peers, &members.old.peers),
                                    std::pair(&meta.learners, &members.current.learners), std::pair(&meta.old_learners, &members.old.learners)}) {
    auto peers = peers_of(*texts);
    if (!peers) return forward_error(peers);
    *into = std::move(*peers);
  }
  return std::make_shared<const Membership>(std::move(members));
}

}  // namespace

Result<std::vector<Entry>> entries_of(const jraft::AppendEntriesRequest& request, bool check) {
  const Bytes data = request.data.value_or(Bytes());
  std::vector<Entry> entries;
  entries.reserve(request.entries.size());
  size_t at = 0;
  int64_t index = request.prev_log_index;
  for (const jraft::EntryMeta& meta : request.entries) {
    if (meta.type < 0 || meta.type > static_cast<int32_t>(EntryType::configuration)) {
      return fail(Code::invalid_argument, "the type {} of an entry is none of 0 to 3", meta.type);
    }
    Entry entry{.id = {.index = ++index, .term = meta.term}, .type = static_cast<EntryType>(meta.type)};
    const int64_t length = meta.data_len.value_or(0);
    if (length < 0 || static_cast<uint64_t>(length) > data.size() - at) {
      return fail(Code::invalid_argument, "the entry {} is said to have {} bytes, where {} are left", index, length, data.size() - at);
    }
    entry.data = data.slice(at, static_cast<size_t>(length));
    at += static_cast<size_t>(length);
    if (meta.checksum) entry.checksum = static_cast<uint64_t>(*meta.checksum);
    if (entry.type == EntryType::configuration) {
      auto members = members_of(meta);
      if (!members) return forward_error(members);
      entry.membership = std::move(*members);
    }
    if (check && entry.checksum && *entry.checksum != jraft::checksum_of(entry)) {
      return fail(Code::invalid_argument, "Corrupted log entry [{}, {}]: its checksum is {:016x}, where {:016x} was sent", index, meta.term,
                  jraft::checksum_of(entry), *entry.checksum);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

void put_entries(const std::vector<Entry>& entries, jraft::AppendEntriesRequest& request) {
  size_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.data.size();
  Buffer data(bytes);
  for (const Entry& entry : entries) {
    jraft::EntryMeta& meta = request.entries.emplace_back();
    meta.term = entry.id.term;
    meta.type = static_cast<int32_t>(entry.type);
    meta.data_len = static_cast<int64_t>(entry.data.size());
    if (entry.checksum) meta.checksum = static_cast<int64_t>(*entry.checksum);
    if (entry.membership != nullptr) {
      meta.peers = texts_of(entry.membership->current.peers);
      meta.old_peers = texts_of(entry.membership->old.peers);
      meta.learners = texts_of(entry.membership->current.learners);
      meta.old_learners = texts_of(entry.membership->old.learners);
    }
    data.append(entry.data.span());
  }
  if (bytes > 0) request.data = data.take();
}

Membership members_of(const jraft::SnapshotMeta& meta) {
  Membership members;
  for (const auto& [texts, into] : {std::pair(&meta.peers, &members.current.peers), std::pair(&meta.old_peers, &members.old.peers),
                                    std::pair(&meta.learners, &members.current.learners), std::pair(&meta.old_learners, &members.old.learners)}) {
    for (const std::string& text : *texts) {
      if (auto peer = PeerId::parse(text)) into->push_back(std::move(*peer));
    }
  }
  return members;
}

jraft::SnapshotMeta meta_of(jraft::LogId id, const Membership& members) {
  const bool without_joint = planted(Plant::snapshot_meta_without_joint) && id.index != 0;
  return {.last_included_index = id.index,
          .last_included_term = id.term,
          .peers = texts_of(members.current.peers),
          .old_peers = without_joint ? std::vector<std::string>() : texts_of(members.old.peers),
          .learners = texts_of(members.current.learners),
          .old_learners = texts_of(members.old.learners)};
}

}  // namespace sofa::raft::detail
