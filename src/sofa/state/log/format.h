#pragma once
// The bytes on the disk, format version 2. README.md has the picture. All numbers are little-endian.
//
// A segment file: a header of 4,096 bytes, then batches of records, then zeros up to its capacity. A batch is what one write and one fdatasync made
// durable; the next batch is written only when that was done. So every record says where its batch began: a record of a LATER batch behind a bad
// place proves that the bad place had been durable (corruption), a record of the SAME batch proves nothing (a torn, never acknowledged write).
//
// Payloads may hold bytes of a log, so a record proves something only where it was written: its checksum also covers the random number of its segment
// (the salt), the segment's sequence and its own offset. A copy anywhere else in the same file never fits (two checksums that differ only in the 32
// bits of the offset differ); a copy from another file, or what stood in this place before, fits by chance once in 2^48 (checksum and tag).

#include <optional>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

namespace sofa::log {

inline constexpr uint32_t kFormatVersion = 2;
inline constexpr uint64_t kSegmentHeaderSize = 4096;
inline constexpr uint64_t kRecordHeaderSize = 48;
inline constexpr uint64_t kRecordAlignment = 8;

/// failed_precondition when this program does not read that version; `path` says so.
Result<void> check_format(uint32_t version, const std::string& path);

enum class Kind : uint8_t {
  entry = 1,
  truncate_suffix = 2,  // drops the stream's entries from `index` on
  truncate_prefix = 3,  // drops the stream's entries up to and with `index`
  streams = 4,          // first record of a segment: bounds of every stream at that point (payload: StreamBounds, 24 bytes each)
  seal = 5,             // last record of a full segment
  moved = 6,            // an entry written again at the end, so that the segment of its first copy can be deleted
};
std::string_view to_string(Kind kind);

/// Where the entries of a stream begin and end; next is the index that the next entry gets. Empty when first == next.
struct StreamBounds {
  uint64_t stream = 0;
  uint64_t first = 1;
  uint64_t next = 1;
  friend bool operator==(const StreamBounds&, const StreamBounds&) = default;
};

struct RecordHeader {
  uint32_t checksum = 0;  // CRC32C over the place of the record, the header from `length` on, and the payload
  uint32_t length = 0;    // of the payload, bytes; zeros fill up to a multiple of 8
  Kind kind = Kind::entry;
  bool ends_batch = false;
  uint32_t previous = 0;  // checksum of the record before (also across segments): the chain
  uint64_t stream = 0;
  uint64_t term = 0;
  uint64_t index = 0;
  uint32_t batch_at = 0;  // offset in the segment of the first record of this batch, in units of 8 bytes
  uint32_t attempt = 0;   // number of the write, so that left-overs of a failed write never continue a later one

  uint64_t batch_offset() const { return uint64_t{batch_at} * kRecordAlignment; }
};

/// Bytes that a record with such a payload takes in the file.
constexpr uint64_t record_size(uint64_t payload) {
  return (kRecordHeaderSize + payload + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

/// Which segment file it is. The salt is drawn anew for each file, so that no record of any other file passes for one of this file.
struct SegmentId {
  uint64_t sequence = 0;
  uint64_t salt = 0;
};

/// Appends header, payload and padding for the place `offset` (bytes from the beginning of the file); fills in and returns the checksum.
uint32_t encode_record(Buffer& out, RecordHeader header, ByteSpan payload, const SegmentId& segment, uint64_t offset);

struct Record {
  RecordHeader header;
  ByteSpan payload;
  uint32_t expected = 0;  // what the checksum should be, for messages
  uint64_t size() const { return record_size(payload.size()); }
};

enum class RecordState { good, none, bad };  // none: all zeros where a header would be
/// Looks at the record at the front of `bytes`, which stands at `offset` of the file. `out` is set when good; when bad, header.checksum and expected
/// where they could be computed.
RecordState decode_record(ByteSpan bytes, const SegmentId& segment, uint64_t offset, Record& out);
/// Whether a record of a batch that began at or behind `begin` may stand at the front of `bytes`: cheap, and true for every good one.
bool may_be_record(ByteSpan bytes, const SegmentId& segment, uint64_t begin);

struct SegmentHeader {
  SegmentId id;
  uint64_t capacity = 0;
};
Bytes encode_segment_header(const SegmentHeader& header);
Result<SegmentHeader> decode_segment_header(ByteSpan bytes, const std::string& path);

Bytes encode_bounds(const std::vector<StreamBounds>& bounds);
std::optional<std::vector<StreamBounds>> decode_bounds(ByteSpan payload);

/// "segment-00000000000000000042.log" and back.
std::string segment_name(uint64_t sequence);
std::optional<uint64_t> parse_segment_name(std::string_view name);

/// How far the log was durable when last noted; two slots of a small file are written in turn. A lower bound: newer batches may be durable too.
struct DurableHint {
  uint64_t count = 0;
  uint64_t segment = 0;
  uint64_t offset = 0;
};
inline constexpr uint64_t kHintSlotSize = 512;
Bytes encode_hint(const DurableHint& hint);
/// The newest good slot; none when the file has none (then only the batches themselves tell torn from lost).
std::optional<DurableHint> decode_hint(ByteSpan file);

}  // namespace sofa::log
