#include "sofa/state/log/detail/log_core.h"

namespace sofa::log::detail {

LogCore::LogCore(LogOptions options, RecoveredLog recovered)
    : options_(std::move(options)),
      lock_(std::move(recovered.lock)),
      table_(std::move(recovered.table)),
      segments_(std::move(recovered.segments)),
      active_(recovered.active),
      end_(recovered.end),
      sealed_(recovered.sealed),
      prepared_(std::move(recovered.prepared)) {}

uint64_t LogCore::room_end(bool control) const {
  if (active_ == 0 || sealed_) return 0;
  const uint64_t all = segments_.at(active_).capacity - kRecordHeaderSize;  // a seal always fits
  return control || prepared_.file != nullptr ? all : all - std::min(all, options_.control_reserve_bytes);
}

Result<void> LogCore::admit(uint64_t bytes, uint64_t records, bool control) {
  if (failed_) return std::unexpected<Error>(*failed_);
  if (pending_bytes_ + bytes > options_.max_pending_bytes || pending_records_ + records > options_.max_pending_records) {
    return fail(Code::resource_exhausted,
                "{} bytes in {} records already wait for the disk (max_pending_bytes {}, max_pending_records {}); append again later", pending_bytes_,
                pending_records_, options_.max_pending_bytes, options_.max_pending_records);
  }
  if (!no_segment_ || control || end_ + pending_bytes_ + bytes <= room_end(false)) return {};
  return std::unexpected<Error>(*no_segment_);
}

const Error& LogCore::segment_refused(Error why) {
  const auto sentence =
      is_disk_full(why)
          ? fmt::format("The disk of {} is full: no room for another segment of {} bytes; free space or truncate streams, then append again",
                        options_.folder, options_.segment_bytes)
          : fmt::format("{} has no next segment; mend what the cause names, then append again", options_.folder);
  return no_segment_.emplace(std::move(why).wrap(sentence));
}

Result<Stream*> LogCore::stream_for(uint64_t stream) {
  if (table_.find(stream) == nullptr && (table_.streams().size() + 1) * sizeof(StreamBounds) > options_.segment_bytes / 4) {
    return fail(Code::resource_exhausted, "{} streams are as many as a segment of {} bytes can list; raise segment_bytes", table_.streams().size(),
                options_.segment_bytes);
  }
  return &table_.get(stream);
}

Result<uint64_t> LogCore::stage(std::span<NewRecord> records, void* waiter) {
  if (records.empty()) return fail(Code::invalid_argument, "An append of no records; pass at least one");
  uint64_t bytes = 0;
  for (const NewRecord& record : records) {
    if (record.payload.size() > options_.max_record_bytes) {
      return fail(Code::invalid_argument, "A record of {} bytes is over max_record_bytes ({})", record.payload.size(), options_.max_record_bytes);
    }
    bytes += record_size(record.payload.size());
  }
  if (records.size() > 1 && bytes > options_.segment_bytes / 2) {
    return fail(Code::invalid_argument, "An append of {} bytes is over half a segment ({}); split it", bytes, options_.segment_bytes / 2);
  }
  if (auto fine = admit(bytes, records.size(), false); !fine) return forward_error(fine);
  for (size_t i = 0; i < records.size(); ++i) {
    auto stream = stream_for(records[i].stream);
    Result<void> fine;
    if (!stream) {
      fine = forward_error(stream);
    } else if (records[i].index != 0 && records[i].index != (*stream)->staged_next) {
      fine = fail(Code::failed_precondition, "Stream {} goes on at index {}, not {}; truncate it first or append that index", records[i].stream,
                  (*stream)->staged_next, records[i].index);
    }
    if (!fine) {
      while (i-- > 0) --table_.get(records[i].stream).staged_next;
      return forward_error(fine);
    }
    records[i].index = (*stream)->staged_next++;
  }
  const uint64_t first = records.front().index;
  for (size_t i = 0; i < records.size(); ++i) {
    NewRecord& record = records[i];
    const bool last = i + 1 == records.size();
    push({Kind::entry, record.stream, record.term, record.index, std::move(record.payload), last, last ? waiter : nullptr});
  }
  return first;
}

Result<void> LogCore::stage_truncate(Kind kind, uint64_t stream, uint64_t index, void* waiter) {
  if (auto fine = admit(kRecordHeaderSize, 1, true); !fine) return fine;
  auto found = stream_for(stream);
  if (!found) return forward_error(found);
  Stream& state = **found;
  if (kind == Kind::truncate_suffix) {
    if (index < state.staged_first) {
      return fail(Code::out_of_range, "Stream {} begins at index {}: a suffix from {} cannot be cut; use truncate_prefix to move its beginning",
                  stream, state.staged_first, index);
    }
    state.staged_next = std::min(state.staged_next, index);
    ++state.staged_cuts;
  } else {
    if (index == UINT64_MAX) return fail(Code::invalid_argument, "Index {} leaves no next one", index);
    state.staged_first = std::max(state.staged_first, index + 1);
    state.staged_next = std::max(state.staged_next, state.staged_first);
  }
  push({kind, stream, 0, index, {}, true, waiter});
  return {};
}

bool LogCore::stage_moved(uint64_t stream, uint64_t index, uint64_t segment, Bytes payload, bool ends_group, void* waiter) {
  const Stream* state = table_.find(stream);
  if (failed_ || state == nullptr || state->staged_cuts > 0 || index < state->staged_first || index >= state->next()) return false;
  const Entry entry = state->entries[index - state->first];
  if (entry.at.segment != segment) return false;
  push({Kind::moved, stream, table_.term_of(entry.term), index, std::move(payload), ends_group, waiter});
  return true;
}

void LogCore::push(Op op) {
  pending_bytes_ += record_size(op.payload.size());
  ++pending_records_;
  staged_.push_back(std::move(op));
}

uint64_t LogCore::group_bytes(size_t begin, size_t& end, bool& control) const {
  uint64_t bytes = 0;
  control = true;
  for (end = begin; end < staged_.size(); ++end) {
    bytes += record_size(staged_[end].payload.size());
    // A moved entry lets space come back, so it may use the reserve as well.
    if (staged_[end].kind == Kind::entry) control = false;
    if (staged_[end].ends_group) {
      ++end;
      break;
    }
  }
  return bytes;
}

bool LogCore::blocked_on_segment() const {
  if (staged_.empty() || in_flight_ || prepared_.file != nullptr) return false;
  size_t end = 0;
  bool control = false;
  const uint64_t bytes = group_bytes(0, end, control);
  return end_ + bytes > room_end(control);
}

LogCore::Next LogCore::take(Batch& out) {
  if (staged_.empty() || in_flight_ || failed_) return Next::nothing;
  size_t end = 0;
  bool control = false;
  const uint64_t bytes = group_bytes(0, end, control);
  out = {};
  if (end_ + bytes <= room_end(control)) {
    out.segment = segments_.at(active_).id;
    out.file = segments_.at(active_).file;
    out.begin = end_;
  } else {
    if (prepared_.file == nullptr) return Next::need_segment;
    out.roll = true;
    out.table = encode_bounds(table_.bounds());
    out.segment = prepared_.id;
    out.file = prepared_.file;
    out.begin = kSegmentHeaderSize;
    out.old_end = end_;
    out.old_sealed = sealed_;
    if (active_ != 0) {
      out.old_segment = segments_.at(active_).id;
      out.old_file = segments_.at(active_).file;
    }
  }
  fill(out);
  in_flight_ = true;
  return Next::batch;
}

void LogCore::fill(Batch& out) {
  uint64_t at = out.begin + (out.roll ? record_size(out.table.size()) : 0);
  const uint64_t first = at;
  for (;;) {
    size_t end = 0;
    bool control = false;
    const uint64_t bytes = group_bytes(0, end, control);
    if (end == 0) break;
    const uint64_t room = out.roll ? prepared_.capacity - kRecordHeaderSize - (at == first ? 0 : options_.control_reserve_bytes) : room_end(control);
    if (at + bytes > room || (at != first && at - first + bytes > options_.max_batch_bytes)) break;
    for (size_t i = 0; i < end; ++i) {
      out.offsets8.push_back(static_cast<uint32_t>(at / kRecordAlignment));
      at += record_size(staged_.front().payload.size());
      out.ops.push_back(std::move(staged_.front()));
      staged_.pop_front();
    }
  }
  out.end = at;
}

void LogCore::complete(const Batch& batch, const WriteOutcome& outcome) {
  in_flight_ = false;
  if (batch.roll && outcome.old_sealed) sealed_ = true;
  for (const Op& op : batch.ops) pending_bytes_ -= record_size(op.payload.size());
  pending_records_ -= batch.ops.size();
  if (outcome.error) {
    if (outcome.fatal) failed_ = *outcome.error;
    return;
  }
  if (batch.roll) {
    segments_[batch.segment.sequence] = std::move(prepared_);
    prepared_ = {};
    active_ = batch.segment.sequence;
    sealed_ = false;
  }
  end_ = batch.end;
  for (size_t i = 0; i < batch.ops.size(); ++i) {
    const Op& op = batch.ops[i];
    const Location at{static_cast<uint32_t>(batch.segment.sequence), batch.offsets8[i], static_cast<uint32_t>(op.payload.size())};
    const RecordHeader header{.kind = op.kind, .stream = op.stream, .term = op.term, .index = op.index};
    if (const char* wrong = table_.apply(header, op.payload, at, op.kind == Kind::entry ? op.payload : Bytes())) {
      failed_ = Error(Code::internal,
                      fmt::format("The log staged {} of stream {}, index {}: {}; this is a bug", to_string(op.kind), op.stream, op.index, wrong));
    }
    if (op.kind == Kind::truncate_suffix) --table_.get(op.stream).staged_cuts;
  }
}

std::vector<void*> LogCore::refuse_staged() {
  assert(!in_flight_);
  std::vector<void*> waiters;
  for (const Op& op : staged_) {
    if (op.ends_group && op.waiter != nullptr) waiters.push_back(op.waiter);
  }
  staged_.clear();
  pending_bytes_ = 0;
  pending_records_ = 0;
  table_.reset_staged();
  return waiters;
}

std::optional<std::string> LogCore::take_deletable() {
  // A failed log deletes nothing more: past a segment that could not be deleted there would be a hole.
  if (failed_ || segments_.empty() || segments_.begin()->first == active_ || table_.live(segments_.begin()->first).records != 0) return std::nullopt;
  std::string path = segments_.begin()->second.file->path();
  segments_.erase(segments_.begin());
  return path;
}

Result<Bytes> read_entry(const SegmentFile& segment, uint64_t stream, uint64_t index, const Location& at) {
  const size_t size = record_size(at.length);
  Buffer buffer(size);
  File& file = *segment.file;
  auto read = file.read_at(at.offset(), {buffer.extend(size), size});
  if (!read) return forward_error(read);
  Record record;
  const RecordState state = decode_record(buffer.span().first(*read), segment.id, at.offset(), record);
  if (state != RecordState::good || record.header.stream != stream || record.header.index != index || record.header.length != at.length) {
    return fail(
        Code::data_loss,
        "{} at offset {}: entry {} of stream {} is corrupt (checksum expected {:08x}, found {:08x}); stop, and restore the file from a copy or let a "
        "replica fill it again",
        file.path(), at.offset(), index, stream, record.expected, record.header.checksum);
  }
  return buffer.share(kRecordHeaderSize, at.length);
}

}  // namespace sofa::log::detail
