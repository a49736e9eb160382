#include "sofa/state/raft_core/records.h"

#include "sofa/base/protobuf_fields.h"
#include "sofa/state/raft_core/members.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft {
namespace {

// An entry's payload: kind 1 | [checksum 8, where kHasChecksum] | members as a configuration entry's EntryMeta, or data.
constexpr uint8_t kHasChecksum = 0x80;

struct FileRecord {
  std::string name{};
  int64_t size = 0, crc32c = 0;
  Bytes meta{};
  static void fields(auto& self, auto& visit) {
    visit(1, self.name);
    visit(2, self.size);
    visit(3, self.crc32c);
    visit(4, self.meta);
  }
};

struct KeptRecord {
  static constexpr std::string_view kName = "state of a Raft group";
  int64_t term = 0;
  std::string voted_for{};
  std::optional<jraft::SnapshotMeta> snapshot{};
  std::vector<FileRecord> files{};
  std::optional<int64_t> must_reach_index{}, must_reach_term{};
  static void fields(auto& self, auto& visit) {
    visit(5, self.must_reach_index);
    visit(6, self.must_reach_term);
    visit(1, self.term);
    visit(2, self.voted_for);
    visit(3, self.snapshot);
    visit(4, self.files);
  }
};

}  // namespace

Bytes encode_kept(const Kept& kept) {
  KeptRecord record{.term = kept.state.term, .voted_for = kept.state.voted_for.to_string()};
  if (kept.state.must_reach != LogId()) {
    record.must_reach_index = kept.state.must_reach.index;
    record.must_reach_term = kept.state.must_reach.term;
  }
  if (kept.snapshot.id.index != 0) {
    record.snapshot = meta_of(kept.snapshot.id, kept.snapshot.members != nullptr ? *kept.snapshot.members : Membership());
    for (const KeptFile& file : kept.snapshot.files) record.files.push_back({file.name, file.size, file.crc32c, file.meta});
  }
  return jraft::encode(record);
}

Result<Kept> decode_kept(const Bytes& bytes) {
  auto record = jraft::decode<KeptRecord>(bytes);
  if (!record) return fail(Code::data_loss, "{}", record.error().message());
  Kept kept{.state = {.term = record->term}};
  const auto voted_for = PeerId::parse(record->voted_for);
  if (!voted_for) return fail(Code::data_loss, "the vote '{}' in the state of a Raft group is no name of a node", record->voted_for);
  kept.state.voted_for = *voted_for;
  kept.state.must_reach = {.index = record->must_reach_index.value_or(0), .term = record->must_reach_term.value_or(0)};
  if (!record->snapshot) return kept;
  kept.snapshot.id = {.index = record->snapshot->last_included_index, .term = record->snapshot->last_included_term};
  if (kept.snapshot.id.index < 1)
    return fail(Code::data_loss, "a snapshot in the state of a Raft group ends at the entry {}", kept.snapshot.id.index);
  auto members = members_of(*record->snapshot);
  if (!members) return fail(Code::data_loss, "in the state of a Raft group {}", members.error().message());
  kept.snapshot.members = std::make_shared<const Membership>(std::move(*members));
  for (FileRecord& file : record->files) {
    kept.snapshot.files.push_back({std::move(file.name), file.size, static_cast<uint32_t>(file.crc32c), std::move(file.meta)});
  }
  return kept;
}

Bytes encode_entry_record(const Entry& entry) {
  Buffer out(entry.data.size() + 16);
  out.append_u8(static_cast<uint8_t>(entry.type) | (entry.checksum ? kHasChecksum : 0));
  if (entry.checksum) out.append_be64(*entry.checksum);
  if (entry.type == EntryType::configuration) {
    Membership members = entry.membership != nullptr ? *entry.membership : Membership();
    if (planted(Plant::record_without_joint)) members.old = {};
    out.append(jraft::encode(meta_of({}, members)).span());
  } else {
    out.append(entry.data.span());
  }
  return out.take();
}

Result<Entry> decode_entry_record(int64_t index, uint64_t record_term, const Bytes& payload) {
  const auto broken = [&] { return fail(Code::data_loss, "the record of the entry {} holds no entry", index); };
  if (payload.empty()) return broken();
  const uint8_t kind = payload[0];
  Entry entry{.id = {.index = index, .term = term_of_record(record_term)}, .type = static_cast<EntryType>(kind & ~kHasChecksum)};
  const bool holds_members = entry.type == EntryType::configuration;
  if (entry.type > EntryType::configuration || holds_members != ((record_term & kConfigurationBit) != 0)) return broken();
  size_t at = 1;
  if ((kind & kHasChecksum) != 0) {
    if (payload.size() < at + 8) return broken();
    uint64_t checksum = 0;
    for (int i = 0; i < 8; ++i) checksum = checksum << 8 | payload[at++];
    entry.checksum = checksum;
  }
  if (entry.type != EntryType::configuration) {
    entry.data = payload.slice(at);
    return entry;
  }
  const Bytes rest = payload.slice(at);
  jraft::SnapshotMeta meta;
  if (!jraft::detail::MessageReader::read(rest.span(), rest, meta)) return broken();
  auto members = members_of(meta);
  if (!members) return broken();
  entry.membership = std::make_shared<const Membership>(std::move(*members));
  return entry;
}

}  // namespace sofa::raft
