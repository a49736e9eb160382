// Any bytes as the records of a segment: recovery ends in a log or in an error, in bounded time and memory.
#include "must.h"
#include "sofa/state/log/format.h"
#include "sofa/state/log/recovery.h"
#include "sofa/state/log/testing/fault_file_system.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sofa;
  constexpr size_t kSegment = 64 << 10;
  if (size > kSegment - log::kSegmentHeaderSize) return 0;
  std::vector<uint8_t> segment(kSegment, 0);
  constexpr log::SegmentId kId{.sequence = 1, .salt = 0x4c53};  // the tag of the corpus
  const Bytes header = log::encode_segment_header({kId, kSegment});
  std::copy(header.begin(), header.end(), segment.begin());
  std::copy(data, data + size, segment.begin() + log::kSegmentHeaderSize);
  // The fuzzer cannot guess checksums: records that look like some get theirs repaired, so that what stands behind the check is met too.
  for (size_t at = log::kSegmentHeaderSize; at + log::kRecordHeaderSize <= kSegment;) {
    log::Record record;
    const auto state = log::decode_record(ByteSpan(segment).subspan(at), kId, at, record);
    if (state == log::RecordState::none || record.expected == 0) break;
    std::memcpy(segment.data() + at, &record.expected, 4);
    at += log::record_size(record.header.length);
  }
  log::testing::FaultFileSystem files;
  const std::string version = fmt::format("sofa-log {}\n", log::kFormatVersion);
  files.put("/log/VERSION", {version.begin(), version.end()});
  files.put("/log/" + log::segment_name(1), std::move(segment));
  log::LogOptions options;
  options.folder = "/log";
  options.segment_bytes = kSegment;
  options.max_record_bytes = 16 << 10;
  options.control_reserve_bytes = 4096;
  auto opened = log::open_folder(files, options);
  fuzz::must(!opened || opened->active <= 1);
  fuzz::must_say_why(opened);
  return 0;
}
