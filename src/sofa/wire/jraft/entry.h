#pragma once
// The entries of a log, and the bytes of one on JRaft's disk (jraft.md 4.1, 4.2).

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/wire/jraft/peer.h"

namespace sofa::jraft {

/// A place in the log. The newer log is the one whose last entry has the higher term, then the higher index.
struct LogId {
  int64_t index = 0;
  int64_t term = 0;
  auto operator<=>(const LogId& other) const {
    if (const auto by_term = term <=> other.term; by_term != 0) return by_term;
    return index <=> other.index;
  }
  bool operator==(const LogId&) const = default;
};

enum class EntryType : uint8_t { unknown, no_op, data, configuration };

/// Who is in a group, from an entry on: `old` has members while two configurations decide together.
struct Membership {
  Configuration current{};
  Configuration old{};
  bool is_joint() const { return !old.empty(); }
  bool operator==(const Membership&) const = default;
};

struct Entry {
  LogId id{};
  EntryType type = EntryType::data;
  Bytes data{};
  std::shared_ptr<const Membership> membership{};  ///< of a configuration entry; else null
  std::optional<uint64_t> checksum{};              ///< what its maker has computed
};

/// The checksum of an entry (jraft.md 4.2b).
uint64_t checksum_of(const Entry& entry);

/// Version 2 of the bytes on the disk.
Bytes encode_entry(const Entry& entry);
/// Version 1 or 2, told apart by the first byte. Errors say what is wrong; the entry keeps slices of `bytes`.
Result<Entry> decode_entry(const Bytes& bytes);

}  // namespace sofa::jraft
