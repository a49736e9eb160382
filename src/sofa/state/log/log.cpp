#include "sofa/state/log/log.h"

#include "sofa/base/random.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"
#include "sofa/state/log/detail/log_runtime.h"

namespace sofa::log {

using detail::AppendWaiter;
using detail::Entry;
using detail::LogRuntime;
using detail::Stream;

namespace {

/// Until nothing is staged or being written and no other close is at work; look again afterwards, another close may have been resumed first.
class QuietWait {
 public:
  explicit QuietWait(LogRuntime& log) : log_(log) {}
  bool await_ready() const { return log_.quiet(); }
  template <io::detail::ScopedPromise P>
  void await_suspend(std::coroutine_handle<P> self) {
    wait_.begin_uncancellable(self);
    log_.add_quiet_wait(wait_);
  }
  void await_resume() const {}

 private:
  LogRuntime& log_;
  io::Wait wait_;
};

io::BlockingPool& file_pool() { return io::Shard::current().runtime().file_pool(); }

}  // namespace

void Append::stage() {
  auto index = log_.stage(group_ ? std::span<NewRecord>(many_) : std::span<NewRecord>(&one_, 1), &own_);
  if (index) {
    own_.index = *index;
  } else {
    own_.error = std::move(index.error());
    own_.done = true;
  }
}

Ticket::~Ticket() {
  if (waiter_ == nullptr) return;
  if (waiter_->done) {
    delete waiter_;
  } else {
    waiter_->abandoned = true;
  }
}

namespace {

/// A log that has no room at all gets its segment before anyone waits for it. A full disk is no reason not to open: reads and truncations work.
Result<RecoveredLog> open_ready(FileSystem& files, const LogOptions& options) {
  auto log = open_folder(files, options);
  if (!log && is_disk_full(log.error())) {
    return std::unexpected(
        std::move(log.error())
            .wrap(fmt::format("The disk of {} is full: it refuses what a start has to write; free space, then start again", options.folder)));
  }
  if (!log || log->prepared.file != nullptr || (log->active != 0 && !log->sealed)) return log;
  auto made = detail::prepare_segment(files, options.folder, {log->active + 1, system_seed()}, options.segment_bytes);
  if (made) {
    log->prepared = std::move(*made);
  } else if (made.error().code() == Code::resource_exhausted) {
    log->notes.push_back(made.error().to_string());
  } else {
    return forward_error(made);
  }
  return log;
}

}  // namespace

io::Task<Result<std::unique_ptr<Log>>> Log::open(LogOptions options, FileSystem& files) {
  auto recovered = co_await io::or_return(io::run_blocking(file_pool(), [&files, options] { return open_ready(files, options); }));
  auto runtime = std::make_shared<LogRuntime>(files, std::move(options), std::move(recovered));
  runtime->start();
  co_return std::unique_ptr<Log>(new Log(std::move(runtime)));
}

Log::~Log() { runtime_->stop(); }

Append Log::append(uint64_t stream, uint64_t term, Bytes payload, uint64_t index) {
  return Append(*runtime_, NewRecord{stream, term, index, std::move(payload)});
}

Append Log::append(std::vector<NewRecord> records) { return Append(*runtime_, std::move(records)); }

Result<Ticket> Log::append_nowait(NewRecord record) {
  auto waiter = std::make_unique<AppendWaiter>();
  auto index = runtime_->stage({&record, 1}, waiter.get());
  if (!index) return forward_error(index);
  waiter->index = *index;
  return Ticket(waiter.release());
}

Result<uint64_t> Log::append_nowait(std::span<NewRecord> records, Completion& completion) {
  completion.done = false;
  return runtime_->stage(records, &completion);
}

Result<void> Log::truncate_suffix_nowait(uint64_t stream, uint64_t from_index, Completion& completion) {
  completion.done = false;
  return runtime_->stage_truncate(Kind::truncate_suffix, stream, from_index, &completion);
}

Result<void> Log::truncate_prefix_nowait(uint64_t stream, uint64_t upto_index, Completion& completion) {
  completion.done = false;
  return runtime_->stage_truncate(Kind::truncate_prefix, stream, upto_index, &completion);
}

io::Task<Result<void>> Log::truncate_suffix(uint64_t stream, uint64_t from_index) {
  AppendWaiter waiter;
  co_await io::or_return(runtime_->stage_truncate(Kind::truncate_suffix, stream, from_index, &waiter));
  co_await io::or_return(Durable(waiter));
  co_return Result<void>{};
}

io::Task<Result<void>> Log::truncate_prefix(uint64_t stream, uint64_t upto_index) {
  AppendWaiter waiter;
  co_await io::or_return(runtime_->stage_truncate(Kind::truncate_prefix, stream, upto_index, &waiter));
  co_await io::or_return(Durable(waiter));
  co_return Result<void>{};
}

namespace {

struct DiskRead {
  SegmentFile segment;
  detail::Location at;
  uint64_t index;
  size_t slot;
};

/// What is cached goes into `out` at once; the rest is listed for the disk.
std::vector<DiskRead> gather(LogRuntime& log, const Stream& stream, uint64_t from, uint64_t max_bytes, std::vector<ReadRecord>& out) {
  std::vector<DiskRead> disk;
  uint64_t bytes = 0;
  for (uint64_t index = from; index < stream.next(); ++index) {
    const Entry entry = stream.entries[index - stream.first];
    if (!out.empty() && bytes + entry.at.length > max_bytes) break;
    bytes += entry.at.length;
    Bytes cached = stream.cached_payload(index);
    if (cached.empty() && entry.at.length > 0) disk.push_back({log.core().segments().at(entry.at.segment), entry.at, index, out.size()});
    out.push_back({log.core().table().term_of(entry.term), index, std::move(cached)});
    // Small and empty payloads are bounded by count through their headers.
    bytes += kRecordHeaderSize;
  }
  return disk;
}

}  // namespace

io::Task<Result<std::vector<ReadRecord>>> Log::read(uint64_t stream, uint64_t from_index, uint64_t max_bytes) {
  std::vector<ReadRecord> out;
  const std::shared_ptr<LogRuntime> runtime = runtime_;
  const Stream* found = runtime->core().table().find(stream);
  const uint64_t first = found == nullptr ? 1 : found->first;
  if (from_index < first) {
    co_return fail(Code::out_of_range, "Index {} of stream {} was truncated away; the stream begins at {}: read from there", from_index, stream,
                   first);
  }
  if (found == nullptr) co_return out;
  auto disk = gather(*runtime, *found, from_index, std::min(max_bytes, runtime->core().options().max_read_bytes), out);
  if (disk.empty()) co_return out;
  runtime->stats().reads_from_disk += disk.size();
  using Payloads = std::vector<Bytes>;
  auto payloads = co_await io::or_return(io::run_blocking(file_pool(), [&disk, stream]() -> Result<Payloads> {
    Payloads read;
    for (const DiskRead& item : disk) {
      auto payload = detail::read_entry(item.segment, stream, item.index, item.at);
      if (!payload) return forward_error(payload);
      read.push_back(std::move(*payload));
    }
    return read;
  }));
  for (size_t i = 0; i < disk.size(); ++i) out[disk[i].slot].payload = std::move(payloads[i]);
  co_return out;
}

uint64_t Log::first_index(uint64_t stream) const {
  const Stream* found = runtime_->core().table().find(stream);
  return found == nullptr ? 1 : found->first;
}

uint64_t Log::last_index(uint64_t stream) const {
  const Stream* found = runtime_->core().table().find(stream);
  return found == nullptr ? 0 : found->next() - 1;
}

uint64_t Log::next_index(uint64_t stream) const {
  const Stream* found = runtime_->core().table().find(stream);
  return found == nullptr ? 1 : found->staged_next;
}

std::optional<uint64_t> Log::term_at(uint64_t stream, uint64_t index) const {
  const Stream* found = runtime_->core().table().find(stream);
  if (found == nullptr || index < found->first || index >= found->next()) return std::nullopt;
  return runtime_->core().table().term_of(found->entries.term_at(index - found->first));
}

std::vector<uint64_t> Log::streams() const {
  std::vector<uint64_t> ids;
  for (const auto& bounds : runtime_->core().table().bounds()) ids.push_back(bounds.stream);
  return ids;
}

io::Task<Result<uint64_t>> Log::compact_oldest(double max_live_fraction) {
  const std::shared_ptr<LogRuntime> runtime = runtime_;
  const auto& core = runtime->core();
  if (core.segments().empty() || core.segments().begin()->first == core.active()) co_return 0;
  const auto [sequence, segment] = *core.segments().begin();  // a copy: the file stays open though its segment may go meanwhile
  if (static_cast<double>(core.table().live(sequence).bytes) > max_live_fraction * static_cast<double>(segment.capacity)) co_return 0;
  uint64_t moved = 0;
  for (const auto& [stream, index] : core.table().entries_of(sequence)) {
    const Stream* found = core.table().find(stream);
    if (found == nullptr || index < found->first || index >= found->next()) continue;
    const detail::Location at = found->entries[index - found->first].at;
    if (at.segment != sequence) continue;
    Bytes payload = co_await io::or_return(io::run_blocking(file_pool(), [&] { return detail::read_entry(segment, stream, index, at); }));
    AppendWaiter waiter;
    if (!runtime->stage_moved(stream, index, sequence, std::move(payload), &waiter)) continue;
    co_await io::or_return(Durable(waiter));
    ++moved;
  }
  co_return moved;
}

LogStats Log::stats() const {
  LogStats stats = runtime_->stats();
  const auto& core = runtime_->core();
  stats.segments = core.segments().size();
  stats.pending_bytes = core.pending_bytes();
  stats.pending_records = core.pending_records();
  stats.cached_bytes = core.table().cached_bytes();
  return stats;
}

const Error* Log::failure() const {
  const auto& failed = runtime_->core().failed();
  return failed ? &*failed : nullptr;
}

const std::vector<std::string>& Log::recovery_notes() const { return runtime_->notes(); }

io::Task<Result<void>> Log::close() {
  const std::shared_ptr<LogRuntime> runtime = runtime_;
  runtime->refuse_new();
  while (!runtime->quiet()) co_await QuietWait(*runtime);
  if (!runtime->ended()) {
    runtime->begin_end();
    while (!runtime->ended()) co_await QuietWait(*runtime);
  }
  if (const auto& failed = runtime->core().failed()) co_return std::unexpected<Error>(*failed);
  co_return Result<void>{};
}

io::Task<Result<std::vector<ReadRecord>>> LogReader::next() {
  auto records = co_await io::or_return(log_.read(stream_, next_, max_bytes_));
  next_ += records.size();
  co_return records;
}

}  // namespace sofa::log
