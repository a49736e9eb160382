#include "sofa/state/log/recovery.h"

#include <charconv>

namespace sofa::log {

namespace {
constexpr std::string_view kVersionPrefix = "sofa-log ";
// Checksums computed in the search behind a bad place: past it the file counts as corrupt (it would be a crafted one).
constexpr uint64_t kMostSearchedBytes = 1ull << 30;

struct Scan {
  SegmentId id;
  const std::string& path;
  ByteSpan bytes;
  uint64_t end = kSegmentHeaderSize;  // behind the last good batch
  bool clean = false;                 // only zeros follow
  uint64_t bad_at = 0;
  Record bad;
};

/// Reads the batch at scan.end; true and its records when it is whole and continues the chain.
bool read_batch(Scan& scan, uint32_t chain, bool check_chain, std::vector<std::pair<uint64_t, Record>>& out) {
  out.clear();
  uint64_t at = scan.end;
  for (;;) {
    Record record;
    const RecordState state = at > scan.bytes.size() ? RecordState::bad : decode_record(scan.bytes.subspan(at), scan.id, at, record);
    const RecordHeader& header = record.header;
    const bool same_batch =
        state == RecordState::good && header.batch_offset() == scan.end && (out.empty() || header.attempt == out[0].second.header.attempt);
    if (!same_batch || (check_chain && header.previous != chain)) {
      scan.bad_at = at;
      scan.bad = record;
      return false;
    }
    out.emplace_back(at, record);
    chain = header.checksum;
    check_chain = true;
    at += record.size();
    if (header.ends_batch) break;
  }
  scan.end = at;
  return true;
}

bool all_zero(ByteSpan bytes) { return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0); }

/// Offset of a good record that belongs to a batch which began at or behind `begin`: it was only written once everything before it was durable.
/// That it is good at this very place of this very file excludes copies within payloads and what was in the file's blocks before (format.h).
std::optional<uint64_t> record_of_batch_from(const Scan& scan, uint64_t begin) {
  uint64_t searched = 0;
  for (uint64_t at = begin; at + kRecordHeaderSize <= scan.bytes.size(); at += kRecordAlignment) {
    const ByteSpan bytes = scan.bytes.subspan(at);
    if (!may_be_record(bytes, scan.id, begin)) continue;
    Record record;
    if (decode_record(bytes, scan.id, at, record) == RecordState::good) return at;
    searched += kRecordHeaderSize + (record.expected != 0 ? record.header.length : 0);
    if (searched > kMostSearchedBytes) return at;
  }
  return std::nullopt;
}

std::unexpected<Error> corrupt(const Scan& scan, std::string_view why) {
  return fail(
      Code::data_loss,
      "{} at offset {}: corrupt record (checksum expected {:08x}, found {:08x}) in front of data that was acknowledged: {}. Nothing was changed; "
      "restore the file from a copy, or move the folder away and let a replica fill it again",
      scan.path, scan.bad_at, scan.bad.expected, scan.bad.header.checksum, why);
}

class Recovery {
 public:
  Recovery(FileSystem& files, const LogOptions& options, RecoveredLog& log) : files_(files), options_(options), log_(log) {}

  Result<void> run(const std::vector<uint64_t>& sequences) {
    for (size_t i = 0; i < sequences.size(); ++i) {
      if (i > 0 && sequences[i] != sequences[i - 1] + 1) {
        return fail(Code::data_loss, "{}: {} is missing between its neighbours; restore the file from a copy", options_.folder,
                    segment_name(sequences[i - 1] + 1));
      }
      if (auto done = read_segment(sequences[i], i + 1 == sequences.size()); !done) return done;
    }
    if (auto done = cut_tail(); !done) return done;
    return check_complete();
  }

 private:
  static Result<Bytes> read_bounded(File& file) {
    const auto size = file.size();
    if (size && *size > kMostSegmentBytes) {
      return fail(Code::data_loss, "{} has {} bytes, and no segment has more than {}; restore the file from a copy", file.path(), *size,
                  kMostSegmentBytes);
    }
    auto bytes = read_all(file);
    if (bytes) return bytes;
    return std::unexpected<Error>(
        std::move(bytes.error()).wrap(fmt::format("{} cannot be read; replace the disk and restore the file from a copy", file.path())));
  }

  struct Tail {
    uint64_t sequence = 0, from = 0, to = 0, bad_at = 0;
    uint32_t expected = 0, found = 0;
  };

  Result<void> read_segment(uint64_t sequence, bool last) {
    const std::string path = options_.folder + "/" + segment_name(sequence);
    auto file = files_.open(path, OpenMode::read_write);
    if (!file) return forward_error(file);
    auto bytes = read_bounded(**file);
    if (!bytes) return forward_error(bytes);
    auto header = decode_segment_header(*bytes, path);
    if (!header) return forward_error(header);
    if (header->id.sequence != sequence || header->capacity != bytes->size()) {
      return fail(Code::data_loss,
                  "{} at offset 0: the header says segment {} of {} bytes, expected segment {} of {} bytes; restore the file from a copy", path,
                  header->id.sequence, header->capacity, sequence, bytes->size());
    }
    Scan scan{.id = header->id, .path = path, .bytes = bytes->span(), .bad = {}};
    SegmentFile segment{std::move(*file), header->id, header->capacity};
    auto batches = read_batches(scan);
    if (!batches) return forward_error(batches);
    if (auto done = judge_end(scan, *batches); !done) return done;
    if (*batches == 0) {
      empty_ = true;
      if (last) log_.prepared = segment;
      return {};
    }
    log_.segments[sequence] = segment;
    log_.active = sequence;
    log_.end = scan.end;
    return {};
  }

  Result<uint64_t> read_batches(Scan& scan) {
    std::vector<std::pair<uint64_t, Record>> records;
    uint64_t batches = 0;
    while (scan.end < scan.bytes.size()) {
      const uint64_t begin = scan.end;
      if (!read_batch(scan, log_.chain, log_.active != 0 || batches > 0, records)) break;
      if (empty_ || (batches == 0 && log_.active != 0 && !log_.sealed) || tail_) {
        scan.bad_at = records.front().first;
        return corrupt(scan, "a later segment has records though the one before it has no end");
      }
      log_.sealed = false;
      for (const auto& [at, record] : records) {
        const detail::Location location{static_cast<uint32_t>(scan.id.sequence), static_cast<uint32_t>(at / kRecordAlignment), record.header.length};
        if (const char* wrong = log_.table.apply(record.header, record.payload, location, {})) {
          return fail(Code::data_loss, "{} at offset {}: the record of stream {}, index {} ({}) is {}; restore the file from a copy", scan.path, at,
                      record.header.stream, record.header.index, to_string(record.header.kind), wrong);
        }
        log_.sealed = record.header.kind == Kind::seal;
        log_.chain = record.header.checksum;
        log_.attempt = record.header.attempt;
        ++log_.records;
      }
      ++batches;
      log_.last_batch = begin;
    }
    return batches;
  }

  /// What follows the last good batch: nothing, a torn write, or corruption.
  Result<void> judge_end(Scan& scan, uint64_t batches) {
    const ByteSpan rest = scan.bytes.subspan(std::min<uint64_t>(scan.end, scan.bytes.size()));
    if (all_zero(rest)) return {};
    const uint64_t begin = scan.end;
    // A segment is written once the one before it has its end on the disk, so there even a record of the first batch proves a loss.
    const bool must_be_untouched = batches == 0 && log_.active != 0 && !log_.sealed;
    if (auto later = record_of_batch_from(scan, must_be_untouched ? begin : begin + kRecordAlignment))
      return corrupt(scan, fmt::format("a good record of a later write stands at offset {}", *later));
    if (batches > 0 && log_.sealed) return {};  // left-overs behind the seal are never read
    if (tail_) return fail(Code::data_loss, "{} at offset {}: torn records in two segments; restore the files from a copy", scan.path, scan.bad_at);
    size_t used = rest.size();
    while (used > 0 && rest[used - 1] == 0) --used;
    tail_ = Tail{scan.id.sequence, begin, begin + used, scan.bad_at, scan.bad.expected, scan.bad.header.checksum};
    tail_file_ = scan.path;
    return {};
  }

  Result<void> cut_tail() {
    const DurableHint& hint = log_.last_hint;
    if (hint.segment > log_.active || (hint.segment == log_.active && hint.offset > log_.end)) {
      return fail(Code::data_loss,
                  "{} at offset {}: the log ends here, but it was durable up to {}, offset {} (checksum expected {:08x}, found {:08x}): acknowledged "
                  "records are "
                  "lost. Nothing was changed; restore the files from a copy, or move the folder away and let a replica fill it again",
                  options_.folder + "/" + segment_name(log_.active), log_.end, segment_name(hint.segment), hint.offset, tail_ ? tail_->expected : 0,
                  tail_ ? tail_->found : 0);
    }
    if (!tail_) return {};
    auto file = tail_->sequence == log_.active ? log_.segments[log_.active].file : log_.prepared.file;
    if (file == nullptr) return fail(Code::data_loss, "{} at offset {}: torn record in a segment that is not the last", tail_file_, tail_->bad_at);
    const std::vector<uint8_t> zeros(tail_->to - tail_->from, 0);
    if (auto done = write_all(*file, tail_->from, zeros); !done) return done;
    if (auto done = file->sync(); !done) return done;
    log_.notes.push_back(fmt::format("{} at offset {}: {} bytes of a write that was never acknowledged (torn at {}) were cut", tail_file_,
                                     tail_->from, tail_->to - tail_->from, tail_->bad_at));
    return {};
  }

  Result<void> check_complete() {
    if (auto missing = log_.table.missing()) {
      return fail(Code::data_loss, "{}: entry {} of stream {} is in no segment file; restore the files older than {} from a copy", options_.folder,
                  missing->second, missing->first, log_.segments.empty() ? std::string("all") : segment_name(log_.segments.begin()->first));
    }
    log_.table.reset_staged();
    return {};
  }

  FileSystem& files_;
  const LogOptions& options_;
  RecoveredLog& log_;
  bool empty_ = false;
  std::optional<Tail> tail_;
  std::string tail_file_;
};

Result<void> check_version(FileSystem& files, const LogOptions& options, const std::vector<std::string>& names, bool has_segments) {
  const std::string path = options.folder + "/VERSION";
  if (std::find(names.begin(), names.end(), "VERSION") == names.end()) {
    if (has_segments)
      return fail(Code::data_loss, "{} is missing though the folder holds segments; write \"{}{}\" into it if this is a log folder", path,
                  kVersionPrefix, kFormatVersion);
    return replace_file(files, options.folder, "VERSION", {as_bytes(fmt::format("{}{}\n", kVersionPrefix, kFormatVersion))});
  }
  auto file = files.open(path, OpenMode::read);
  if (!file) return forward_error(file);
  auto bytes = read_all(**file);
  if (!bytes) return forward_error(bytes);
  std::string_view text = bytes->text();
  uint32_t version = 0;
  if (!text.starts_with(kVersionPrefix) ||
      std::from_chars(text.data() + kVersionPrefix.size(), text.data() + text.size(), version).ec != std::errc()) {
    return fail(Code::failed_precondition, "{} does not say \"sofa-log N\": this is no log folder; give the log a folder of its own", path);
  }
  return check_format(version, path);
}

Result<void> open_hint(FileSystem& files, const LogOptions& options, bool present, RecoveredLog& log) {
  const std::string path = options.folder + "/last-durable";
  auto file = files.open(path, present ? OpenMode::read_write : OpenMode::create);
  if (!file) return forward_error(file);
  if (present) {
    auto bytes = read_all(**file);
    if (!bytes) return forward_error(bytes);
    if (auto hint = decode_hint(*bytes)) {
      log.last_hint = *hint;
    } else if (!bytes->empty() && !all_zero(*bytes)) {
      log.notes.push_back(fmt::format("{} has no good slot; a lost tail of the last write could not be told from a torn one", path));
    }
  } else if (auto done = files.sync_folder(options.folder); !done) {
    return done;
  }
  log.hint = std::move(*file);
  return {};
}

/// The prepared segment is empty: it goes when the options ask for another size now.
Result<void> drop_prepared_of_other_size(FileSystem& files, const LogOptions& options, RecoveredLog& log) {
  if (log.prepared.file == nullptr || log.prepared.capacity == options.segment_bytes) return {};
  const std::string path = log.prepared.file->path();
  log.prepared = {};
  if (auto done = files.unlink(path); !done) return done;
  return files.sync_folder(options.folder);
}

/// A process that was killed, or whose last sync failed, leaves what it had written, synced or not. What the log shows now, no later power cut may
/// take away again. Only the last batch can be in doubt; it is written once more, since after a failed sync the kernel may take its pages for clean.
Result<void> make_durable(FileSystem& files, const LogOptions& options, RecoveredLog& log) {
  if (log.active != 0) {
    File& file = *log.segments.at(log.active).file;
    std::vector<uint8_t> batch(log.end - log.last_batch);
    if (auto read = file.read_at(log.last_batch, batch); !read) return forward_error(read);
    if (auto done = write_all(file, log.last_batch, batch); !done) return done;
    if (auto done = file.sync(); !done) return done;
  }
  return files.sync_folder(options.folder);
}

}  // namespace

Result<void> check_options(const LogOptions& options) {
  if (options.folder.empty()) return fail(Code::invalid_argument, "The log has no folder: its path is empty; name a folder");
  if (options.segment_bytes < (64u << 10) || options.segment_bytes > kMostSegmentBytes || options.segment_bytes % 4096 != 0) {
    return fail(Code::invalid_argument, "segment_bytes is {}; it must be a multiple of 4096 from 64 KiB to 1 GiB (each is read whole at the start)",
                options.segment_bytes);
  }
  if (options.control_reserve_bytes < 4096 || options.control_reserve_bytes > options.segment_bytes / 4) {
    return fail(Code::invalid_argument, "control_reserve_bytes is {}; it must be from 4096 to a quarter of segment_bytes ({})",
                options.control_reserve_bytes, options.segment_bytes);
  }
  if (options.max_record_bytes == 0 || options.max_record_bytes > options.segment_bytes / 2) {
    return fail(Code::invalid_argument, "max_record_bytes is {}; it must be from 1 to half of segment_bytes ({})", options.max_record_bytes,
                options.segment_bytes);
  }
  if (options.max_batch_bytes == 0 || options.max_pending_bytes == 0 || options.max_pending_records == 0 || options.max_read_bytes == 0) {
    return fail(Code::invalid_argument, "max_batch_bytes, max_pending_bytes, max_pending_records and max_read_bytes must be above 0");
  }
  return {};
}

Result<RecoveredLog> open_folder(FileSystem& files, const LogOptions& options) {
  if (auto fine = check_options(options); !fine) return forward_error(fine);
  RecoveredLog log{.lock = nullptr,
                   .hint = nullptr,
                   .last_hint = {},
                   .table = detail::StreamTable(options.cache_bytes),
                   .segments = {},
                   .prepared = {},
                   .notes = {}};
  if (auto made = create_folders(files, options.folder); !made) return forward_error(made);
  auto lock = files.lock(options.folder + "/LOCK");
  if (!lock && lock.error().code() == Code::permission_denied) {
    return std::unexpected<Error>(
        std::move(lock.error())
            .wrap(fmt::format("The log folder {} is not writable; grant this user write permission or choose another folder", options.folder)));
  }
  if (!lock) return std::unexpected<Error>(std::move(lock.error()).wrap(fmt::format("The log folder {} cannot be taken into use", options.folder)));
  log.lock = std::move(*lock);
  auto names = files.list(options.folder);
  if (!names) return forward_error(names);
  std::vector<uint64_t> sequences;
  bool has_hint = false;
  for (const std::string& name : *names) {
    if (auto sequence = parse_segment_name(name)) sequences.push_back(*sequence);
    if (name.ends_with(".tmp")) {
      if (auto done = files.unlink(options.folder + "/" + name); !done) return forward_error(done);
    }
    has_hint = has_hint || name == "last-durable";
  }
  if (auto fine = check_version(files, options, *names, !sequences.empty()); !fine) return forward_error(fine);
  if (auto fine = open_hint(files, options, has_hint, log); !fine) return forward_error(fine);
  if (auto fine = Recovery(files, options, log).run(sequences); !fine) return forward_error(fine);
  if (auto fine = drop_prepared_of_other_size(files, options, log); !fine) return forward_error(fine);
  if (auto fine = make_durable(files, options, log); !fine) return forward_error(fine);
  return log;
}

}  // namespace sofa::log
