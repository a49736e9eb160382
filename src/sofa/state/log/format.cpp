#include "sofa/state/log/format.h"

#include <bit>

#include "sofa/base/crc.h"
#include "sofa/base/text.h"

static_assert(std::endian::native == std::endian::little, "the format is little-endian and is read in place");

namespace sofa::log {

namespace {
constexpr char kSegmentMagic[9] = "SOFA-LOG";
constexpr char kHintMagic[9] = "SOFAHINT";
constexpr uint8_t kEndsBatch = 1;

template <class T>
void put(uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <class T>
T get(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

uint32_t record_checksum(ByteSpan header_and_payload, const SegmentId& segment, uint64_t offset) {
  uint8_t place[20];
  put(place, segment.salt);
  put(place + 8, segment.sequence);
  put(place + 16, static_cast<uint32_t>(offset / kRecordAlignment));
  return crc32c(header_and_payload.subspan(4), crc32c(place));
}

/// Two bytes of every record: the quick look before the checksum, and 16 more bits that a record of another file must meet by chance.
uint16_t tag_of(const SegmentId& segment) { return static_cast<uint16_t>(segment.salt); }
}  // namespace

Result<void> check_format(uint32_t version, const std::string& path) {
  if (version > kFormatVersion) {
    return fail(Code::failed_precondition, "{} says log format {}, this program knows up to {}; use the newer program or another folder", path,
                version, kFormatVersion);
  }
  if (version < kFormatVersion) {
    return fail(Code::failed_precondition,
                "{} says log format {}, of a version from before the first release; this program reads format {}: give the "
                "log a new folder",
                path, version, kFormatVersion);
  }
  return {};
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::entry:
      return "entry";
    case Kind::truncate_suffix:
      return "truncate_suffix";
    case Kind::truncate_prefix:
      return "truncate_prefix";
    case Kind::streams:
      return "streams";
    case Kind::seal:
      return "seal";
    case Kind::moved:
      return "moved";
  }
  return "unknown";
}

uint32_t encode_record(Buffer& out, RecordHeader header, ByteSpan payload, const SegmentId& segment, uint64_t offset) {
  const size_t total = record_size(payload.size());
  uint8_t* at = out.extend(total);
  put(at + 4, static_cast<uint32_t>(payload.size()));
  put(at + 8, tag_of(segment));
  at[10] = static_cast<uint8_t>(header.kind);
  at[11] = header.ends_batch ? kEndsBatch : 0;
  put(at + 12, header.previous);
  put(at + 16, header.stream);
  put(at + 24, header.term);
  put(at + 32, header.index);
  put(at + 40, header.batch_at);
  put(at + 44, header.attempt);
  if (!payload.empty()) std::memcpy(at + kRecordHeaderSize, payload.data(), payload.size());
  std::memset(at + kRecordHeaderSize + payload.size(), 0, total - kRecordHeaderSize - payload.size());
  const uint32_t checksum = record_checksum({at, kRecordHeaderSize + payload.size()}, segment, offset);
  put(at, checksum);
  return checksum;
}

RecordState decode_record(ByteSpan bytes, const SegmentId& segment, uint64_t offset, Record& out) {
  out = {};
  if (bytes.size() < kRecordHeaderSize) {
    return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; }) ? RecordState::none : RecordState::bad;
  }
  const uint8_t* at = bytes.data();
  if (std::all_of(at, at + kRecordHeaderSize, [](uint8_t b) { return b == 0; })) return RecordState::none;
  RecordHeader& header = out.header;
  header.checksum = get<uint32_t>(at);
  header.length = get<uint32_t>(at + 4);
  if (get<uint16_t>(at + 8) != tag_of(segment) || at[10] < 1 || at[10] > static_cast<uint8_t>(Kind::moved) || at[11] > kEndsBatch)
    return RecordState::bad;
  if (header.length > bytes.size() - kRecordHeaderSize) return RecordState::bad;
  out.expected = record_checksum(bytes.first(kRecordHeaderSize + header.length), segment, offset);
  if (out.expected != header.checksum) return RecordState::bad;
  header.kind = static_cast<Kind>(at[10]);
  header.ends_batch = at[11] == kEndsBatch;
  header.previous = get<uint32_t>(at + 12);
  header.stream = get<uint64_t>(at + 16);
  header.term = get<uint64_t>(at + 24);
  header.index = get<uint64_t>(at + 32);
  header.batch_at = get<uint32_t>(at + 40);
  header.attempt = get<uint32_t>(at + 44);
  out.payload = bytes.subspan(kRecordHeaderSize, header.length);
  return RecordState::good;
}

bool may_be_record(ByteSpan bytes, const SegmentId& segment, uint64_t begin) {
  return bytes.size() >= kRecordHeaderSize && get<uint16_t>(bytes.data() + 8) == tag_of(segment) &&
         get<uint32_t>(bytes.data() + 40) >= begin / kRecordAlignment;
}

Bytes encode_segment_header(const SegmentHeader& header) {
  Buffer buffer(kSegmentHeaderSize);
  uint8_t* at = buffer.extend(kSegmentHeaderSize);
  std::memset(at, 0, kSegmentHeaderSize);
  std::memcpy(at, kSegmentMagic, 8);
  put(at + 8, kFormatVersion);
  put(at + 16, header.id.sequence);
  put(at + 24, header.capacity);
  put(at + 32, header.id.salt);
  put(at + 40, crc32c({at, 40}));
  return buffer.take();
}

Result<SegmentHeader> decode_segment_header(ByteSpan bytes, const std::string& path) {
  if (bytes.size() < kSegmentHeaderSize) {
    return fail(Code::data_loss, "{} is {} bytes long, shorter than a segment header ({}); restore the file from a copy", path, bytes.size(),
                kSegmentHeaderSize);
  }
  const uint32_t expected = crc32c(bytes.first(40)), found = get<uint32_t>(bytes.data() + 40);
  if (std::memcmp(bytes.data(), kSegmentMagic, 8) != 0 || expected != found) {
    return fail(Code::data_loss,
                "{} at offset 0: the segment header is corrupt (checksum expected {:08x}, found {:08x}); restore the file from a copy", path,
                expected, found);
  }
  const auto version = get<uint32_t>(bytes.data() + 8);
  if (auto fine = check_format(version, path); !fine) return forward_error(fine);
  return SegmentHeader{{get<uint64_t>(bytes.data() + 16), get<uint64_t>(bytes.data() + 32)}, get<uint64_t>(bytes.data() + 24)};
}

Bytes encode_bounds(const std::vector<StreamBounds>& bounds) {
  Buffer buffer(bounds.size() * 24 + 1);
  for (const auto& b : bounds) {
    uint8_t* at = buffer.extend(24);
    put(at, b.stream);
    put(at + 8, b.first);
    put(at + 16, b.next);
  }
  return buffer.take();
}

std::optional<std::vector<StreamBounds>> decode_bounds(ByteSpan payload) {
  if (payload.size() % 24 != 0) return std::nullopt;
  std::vector<StreamBounds> bounds;
  bounds.reserve(payload.size() / 24);
  for (const uint8_t* at = payload.data(); at != payload.data() + payload.size(); at += 24) {
    bounds.push_back({get<uint64_t>(at), get<uint64_t>(at + 8), get<uint64_t>(at + 16)});
    if (bounds.back().first == 0 || bounds.back().next < bounds.back().first) return std::nullopt;
  }
  return bounds;
}

std::string segment_name(uint64_t sequence) { return fmt::format("segment-{:020}.log", sequence); }

std::optional<uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != 32 || !name.starts_with("segment-") || !name.ends_with(".log")) return std::nullopt;
  return whole_number(name.substr(8, 20));
}

Bytes encode_hint(const DurableHint& hint) {
  Buffer buffer(64);
  uint8_t* at = buffer.extend(36);
  std::memcpy(at, kHintMagic, 8);
  put(at + 8, hint.count);
  put(at + 16, hint.segment);
  put(at + 24, hint.offset);
  put(at + 32, crc32c({at, 32}));
  return buffer.take();
}

std::optional<DurableHint> decode_hint(ByteSpan file) {
  std::optional<DurableHint> newest;
  for (size_t slot = 0; slot < 2; ++slot) {
    if (file.size() < slot * kHintSlotSize + 36) continue;
    const uint8_t* at = file.data() + slot * kHintSlotSize;
    if (std::memcmp(at, kHintMagic, 8) != 0 || crc32c({at, 32}) != get<uint32_t>(at + 32)) continue;
    const DurableHint hint{get<uint64_t>(at + 8), get<uint64_t>(at + 16), get<uint64_t>(at + 24)};
    if (!newest || hint.count > newest->count) newest = hint;
  }
  return newest;
}

}  // namespace sofa::log
