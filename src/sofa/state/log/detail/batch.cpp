#include "sofa/state/log/detail/batch.h"

namespace sofa::log::detail {

namespace {
constexpr size_t kZeroChunk = 1 << 20;
constexpr size_t kLargestKeptBuffer = 16 << 20;

void set_error(WriteOutcome& outcome, Error error, bool was_sync, const std::string& path) {
  outcome.fatal = was_sync || error.code() != Code::resource_exhausted;
  const auto sentence =
      outcome.fatal ? fmt::format("{} of {} failed: the log acknowledges nothing more; check the disk, then restart: the start verifies every record",
                                  was_sync ? "The sync" : "A write", path)
      : is_disk_full(error) ? fmt::format("The disk of {} is full: nothing was appended; free space and append again", path)
                            : fmt::format("A write of {} was refused: nothing was appended; mend what the cause names and append again", path);
  outcome.error = std::move(error).wrap(sentence);
}
}  // namespace

WriteOutcome BatchWriter::write(const Batch& batch) {
  WriteOutcome outcome{.error = std::nullopt, .old_sealed = batch.old_sealed};
  if (batch.roll && batch.old_file != nullptr && !batch.old_sealed && !seal_old(batch, outcome)) return outcome;
  const uint32_t chain = encode(batch);
  if (auto done = write_all_early(*batch.file, batch.begin, buffer_.span()); !done) {
    set_error(outcome, std::move(done.error()), false, batch.file->path());
    return outcome;
  }
  const auto begun = std::chrono::steady_clock::now();
  if (auto done = batch.file->sync(); !done) {
    set_error(outcome, std::move(done.error()), true, batch.file->path());
    return outcome;
  }
  outcome.sync_time = std::chrono::steady_clock::now() - begun;
  chain_ = chain;
  note_durable(batch);
  return outcome;
}

bool BatchWriter::seal_old(const Batch& batch, WriteOutcome& outcome) {
  Buffer seal(kRecordHeaderSize);
  ++attempt_;
  const RecordHeader header{.kind = Kind::seal,
                            .ends_batch = true,
                            .previous = chain_,
                            .batch_at = static_cast<uint32_t>(batch.old_end / kRecordAlignment),
                            .attempt = attempt_};
  const uint32_t chain = encode_record(seal, header, {}, batch.old_segment, batch.old_end);
  if (auto done = write_all(*batch.old_file, batch.old_end, seal.span()); !done) {
    set_error(outcome, std::move(done.error()), false, batch.old_file->path());
    return false;
  }
  if (auto done = batch.old_file->sync(); !done) {
    set_error(outcome, std::move(done.error()), true, batch.old_file->path());
    return false;
  }
  chain_ = chain;
  outcome.old_sealed = true;
  return true;
}

uint32_t BatchWriter::encode(const Batch& batch) {
  if (buffer_.size() > kLargestKeptBuffer) buffer_ = Buffer();
  buffer_.clear();
  buffer_.reserve(batch.end - batch.begin);
  ++attempt_;
  uint32_t chain = chain_;
  RecordHeader header{.batch_at = static_cast<uint32_t>(batch.begin / kRecordAlignment), .attempt = attempt_};
  if (batch.roll) {
    header.kind = Kind::streams;
    header.previous = chain;
    header.ends_batch = batch.ops.empty();
    chain = encode_record(buffer_, header, batch.table, batch.segment, batch.begin);
  }
  for (size_t i = 0; i < batch.ops.size(); ++i) {
    const Op& op = batch.ops[i];
    header.kind = op.kind;
    header.ends_batch = i + 1 == batch.ops.size();
    header.previous = chain;
    header.stream = op.stream;
    header.term = op.term;
    header.index = op.index;
    chain = encode_record(buffer_, header, op.payload, batch.segment, batch.begin + buffer_.size());
  }
  assert(buffer_.size() == batch.end - batch.begin);
  return chain;
}

void BatchWriter::note_durable(const Batch& batch) {
  // Only a hint: it survives a killed process at once, and a power cut when the kernel wrote it back; so its errors do not matter.
  hint_ = {hint_.count + 1, batch.segment.sequence, batch.end};
  (void)write_all(*hint_file_, hint_.count % 2 * kHintSlotSize, encode_hint(hint_));
  if (batch.roll) sync_hint();
}

void BatchWriter::sync_hint() { (void)hint_file_->sync(); }

Result<SegmentFile> prepare_segment(FileSystem& files, const std::string& folder, const SegmentId& id, uint64_t bytes, Space space) {
  const std::string path = folder + "/" + segment_name(id.sequence), temporary = path + ".tmp";
  auto write_file = [&]() -> Result<SegmentFile> {
    auto opened = files.open(temporary, OpenMode::create);
    if (!opened) return forward_error(opened);
    File& file = **opened;
    if (auto done = file.allocate(bytes); !done) return forward_error(done);
    if (auto done = write_all(file, 0, encode_segment_header({id, bytes})); !done) return forward_error(done);
    const std::vector<uint8_t> zeros(std::min<uint64_t>(kZeroChunk, bytes), 0);
    for (uint64_t at = kSegmentHeaderSize; space == Space::zeroed && at < bytes; at += kZeroChunk) {
      if (auto done = write_all(file, at, ByteSpan(zeros).first(std::min<uint64_t>(kZeroChunk, bytes - at))); !done) return forward_error(done);
    }
    if (auto done = file.sync(); !done) return forward_error(done);
    opened->reset();
    if (auto done = files.rename(temporary, path); !done) return forward_error(done);
    if (auto done = files.sync_folder(folder); !done) return forward_error(done);
    auto final = files.open(path, OpenMode::read_write);
    if (!final) return forward_error(final);
    return SegmentFile{std::move(*final), id, bytes};
  };
  auto made = write_file();
  if (!made) (void)files.unlink(temporary);
  return made;
}

}  // namespace sofa::log::detail
