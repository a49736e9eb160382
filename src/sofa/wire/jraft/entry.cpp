#include "sofa/wire/jraft/entry.h"

#include "sofa/base/crc.h"
#include "sofa/base/protobuf_fields.h"

namespace sofa::jraft {

namespace {

constexpr uint8_t kVersion1 = 0xb8;
constexpr std::array<uint8_t, 6> kVersion2{0xbb, 0xd2, 0x01, 0x00, 0x00, 0x00};
constexpr Membership kNobody{};

uint64_t checksum_of(const std::vector<PeerId>& peers) {
  uint64_t sum = 0;
  for (const PeerId& peer : peers) sum ^= crc64(as_bytes(peer.to_string()));
  return sum;
}

void write_peers(ProtobufWriter& to, uint32_t field, const std::vector<PeerId>& peers) {
  for (const PeerId& peer : peers) to.bytes(field, as_bytes(peer.to_string()));
}

Result<PeerId> read_peer(ByteSpan text) {
  auto peer = PeerId::parse(as_text(text));
  if (!peer) return fail(Code::data_loss, "the peer '{}' of an entry is no ip:port[:idx[:priority]]", as_text(text));
  return *peer;
}

Result<EntryType> type_of(uint64_t number) {
  if (number > static_cast<uint64_t>(EntryType::configuration)) return fail(Code::data_loss, "the type {} of an entry is none of 0 to 3", number);
  return static_cast<EntryType>(number);
}

/// Reads big-endian numbers; past the end everything is zero, and `broken` is set.
class Reader {
 public:
  explicit Reader(ByteSpan rest) : rest_(rest) {}
  uint64_t number(size_t size) {
    uint64_t value = 0;
    for (const uint8_t byte : take(size)) value = value << 8 | byte;
    return value;
  }
  ByteSpan take(size_t size) {
    if (size > rest_.size()) broken_ = true;
    if (broken_) return {};
    const ByteSpan taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  ByteSpan rest() const { return rest_; }
  bool broken() const { return broken_; }

 private:
  ByteSpan rest_;
  bool broken_ = false;
};

Result<void> read_peers(Reader& reader, std::vector<PeerId>& into) {
  const auto count = static_cast<int32_t>(reader.number(4));
  for (int32_t i = 0; i < count && !reader.broken(); ++i) {
    auto peer = read_peer(reader.take(reader.number(2)));
    if (reader.broken()) break;
    if (!peer) return forward_error(peer);
    into.push_back(std::move(*peer));
  }
  return {};
}

Result<Entry> decode_version1(const Bytes& bytes) {
  Reader reader(bytes.span().subspan(1));
  Entry entry;
  auto type = type_of(reader.number(4));
  if (!type) return forward_error(type);
  entry.type = *type;
  entry.id.index = static_cast<int64_t>(reader.number(8));
  entry.id.term = static_cast<int64_t>(reader.number(8));
  Membership membership;
  for (auto* peers : {&membership.current.peers, &membership.old.peers}) {
    if (auto read = read_peers(reader, *peers); !read) return forward_error(read);
  }
  if (reader.broken()) return fail(Code::data_loss, "an entry of version 1 ends within its {} bytes", bytes.size());
  if (entry.type == EntryType::configuration) entry.membership = std::make_shared<const Membership>(std::move(membership));
  entry.data = bytes.slice(bytes.size() - reader.rest().size(), reader.rest().size());
  return entry;
}

Result<void> take_field(const ProtobufFields::Field& field, const Bytes& bytes, Entry& entry, Membership& membership) {
  const auto add = [&](std::vector<PeerId>& to) -> Result<void> {
    auto peer = read_peer(field.bytes);
    if (!peer) return forward_error(peer);
    to.push_back(std::move(*peer));
    return {};
  };
  const bool numbers = field.number <= 3 || field.number == 7;
  if (field.number <= 9 && numbers != field.is_number) return fail(Code::data_loss, "the field {} of an entry is of another kind", field.number);
  switch (field.number) {
    case 1: {
      auto type = type_of(field.value);
      if (!type) return forward_error(type);
      entry.type = *type;
      return {};
    }
    case 2:
      entry.id.term = static_cast<int64_t>(field.value);
      return {};
    case 3:
      entry.id.index = static_cast<int64_t>(field.value);
      return {};
    case 4:
      return add(membership.current.peers);
    case 5:
      return add(membership.old.peers);
    case 6:
      entry.data = bytes.slice(static_cast<size_t>(field.bytes.data() - bytes.data()), field.bytes.size());
      return {};
    case 7:
      entry.checksum = field.value;
      return {};
    case 8:
      return add(membership.current.learners);
    case 9:
      return add(membership.old.learners);
    default:
      return {};
  }
}

Result<Entry> decode_version2(const Bytes& bytes) {
  if (bytes.size() < kVersion2.size() || bytes[1] != kVersion2[1] || bytes[2] != kVersion2[2]) {
    return fail(Code::data_loss, "an entry begins with neither b8 nor bb d2 01");
  }
  ProtobufFields fields(bytes.span().subspan(kVersion2.size()));
  Entry entry{.type = EntryType::unknown};
  Membership membership;
  while (const auto field = fields.next_of_any_kind()) {
    if (auto taken = take_field(*field, bytes, entry, membership); !taken) return forward_error(taken);
  }
  if (fields.is_broken()) return fail(Code::data_loss, "an entry of version 2 is no protobuf message");
  if (entry.type == EntryType::configuration) entry.membership = std::make_shared<const Membership>(std::move(membership));
  return entry;
}

}  // namespace

uint64_t checksum_of(const Entry& entry) {
  Buffer head;
  head.append_be64(static_cast<uint64_t>(entry.id.index));
  head.append_be64(static_cast<uint64_t>(entry.id.term));
  const Membership& members = entry.membership == nullptr ? kNobody : *entry.membership;
  uint64_t sum = static_cast<uint64_t>(entry.type) ^ crc64(head.span());
  for (const auto* peers : {&members.current.peers, &members.old.peers, &members.current.learners, &members.old.learners}) sum ^= checksum_of(*peers);
  return sum ^ crc64(entry.data.span());  // of nothing it is 0
}

Bytes encode_entry(const Entry& entry) {
  Buffer out(entry.data.size() + 64);
  out.append(ByteSpan(kVersion2));
  ProtobufWriter to(out);
  const Membership& members = entry.membership == nullptr ? kNobody : *entry.membership;
  to.present_number(1, static_cast<uint64_t>(entry.type));
  to.present_number(2, static_cast<uint64_t>(entry.id.term));
  to.present_number(3, static_cast<uint64_t>(entry.id.index));
  write_peers(to, 4, members.current.peers);
  write_peers(to, 5, members.old.peers);
  to.bytes(6, entry.data.span());
  if (entry.checksum) to.present_number(7, *entry.checksum);
  write_peers(to, 8, members.current.learners);
  write_peers(to, 9, members.old.learners);
  return out.take();
}

Result<Entry> decode_entry(const Bytes& bytes) {
  if (bytes.empty()) return fail(Code::data_loss, "an entry has no bytes");
  return bytes[0] == kVersion1 ? decode_version1(bytes) : decode_version2(bytes);
}

}  // namespace sofa::jraft
