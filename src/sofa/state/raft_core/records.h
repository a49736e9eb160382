#pragma once
// What a node keeps of a group in a log (state/log), as the payloads of its records: a stream of entries, and a stream whose newest record is all
// else that must not be forgotten. Pure; the node and the simulator write the same bytes.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/state/raft_core/core.h"
#include "sofa/wire/jraft/entry.h"

namespace sofa::raft {

/// A file of a snapshot, as it must be found again.
struct KeptFile {
  std::string name{};
  int64_t size = 0;
  uint32_t crc32c = 0;
  Bytes meta{};  ///< LocalFileMeta as its maker gave it; may be empty
  bool operator==(const KeptFile&) const = default;
};

/// The newest snapshot. Its files are complete and durable before a record names it; what no record names is left over from a crash.
struct KeptSnapshot {
  LogId id{};
  std::shared_ptr<const Membership> members{};
  std::vector<KeptFile> files{};
};

/// The newest record of a group's second stream.
struct Kept {
  HardState state{};
  KeptSnapshot snapshot{};  ///< id all zero: there is none
};

Bytes encode_kept(const Kept& kept);
/// Errors: data_loss.
Result<Kept> decode_kept(const Bytes& bytes);

/// The payload of an entry's record. Its index is the record's; its term and whether it holds members are the record's term, see record_term.
Bytes encode_entry_record(const Entry& entry);
/// Errors: data_loss. The data is a slice of `payload`.
Result<Entry> decode_entry_record(int64_t index, uint64_t record_term, const Bytes& payload);

/// The term of an entry's record: the entry's, and in the highest bit whether it is a configuration entry, so that those are found without reading.
constexpr uint64_t kConfigurationBit = uint64_t{1} << 63;
inline uint64_t record_term(const Entry& entry) {
  return static_cast<uint64_t>(entry.id.term) | (entry.type == EntryType::configuration ? kConfigurationBit : 0);
}
inline int64_t term_of_record(uint64_t record_term) { return static_cast<int64_t>(record_term & ~kConfigurationBit); }

/// What a core wants to know of the log that was found. `record_term_of(index)` for every index of first..last; `entry_at(index)` for those of
/// configuration entries gives a Result<Entry>.
template <class RecordTermOf, class EntryAt>
Result<FoundLog> find_log(const KeptSnapshot& snapshot, int64_t first, int64_t last, const RecordTermOf& record_term_of, const EntryAt& entry_at) {
  FoundLog found{.snapshot = snapshot.id, .snapshot_members = snapshot.members, .first = first, .last = last};
  for (int64_t index = first; index <= last; ++index) {
    const uint64_t term = record_term_of(index);
    const LogId id{.index = index, .term = term_of_record(term)};
    if (found.term_begins.empty() || found.term_begins.back().term != id.term) found.term_begins.push_back(id);
    if ((term & kConfigurationBit) == 0) continue;
    Result<Entry> entry = entry_at(index);
    if (!entry) return forward_error(entry);
    found.members[index] = entry->membership;
  }
  return found;
}

}  // namespace sofa::raft
