#include "sofa/state/raft_core/detail/entries_of.h"

#include "sofa/state/raft_core/members.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft::detail {

using jraft::Entry;
using jraft::EntryType;
using jraft::Membership;

Result<std::vector<Entry>> entries_of(const jraft::AppendEntriesRequest& request, bool check) {
  const Bytes data = request.data.value_or(Bytes());
  std::vector<Entry> entries;
  entries.reserve(request.entries.size());
  size_t at = 0;
  int64_t index = request.prev_log_index, term = request.prev_log_term;
  for (const jraft::EntryMeta& meta : request.entries) {
    if (meta.type < 0 || meta.type > static_cast<int32_t>(EntryType::configuration)) {
      return fail(Code::invalid_argument, "the type {} of an entry is none of 0 to 3", meta.type);
    }
    if (meta.term < std::exchange(term, meta.term) || meta.term > request.term) {
      return fail(Code::invalid_argument, "the term {} of an entry can be none: terms never fall, and the leader's is {}", meta.term, request.term);
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
      entry.membership = std::make_shared<const Membership>(std::move(*members));
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
    if (entry.membership != nullptr) put_members(*entry.membership, meta);
    data.append(entry.data.span());
  }
  if (bytes > 0) request.data = data.take();
}

}  // namespace sofa::raft::detail
