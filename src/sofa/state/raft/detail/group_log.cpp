#include "sofa/state/raft/detail/group_log.h"

#include "sofa/io/shard.h"

namespace sofa::raft::detail {

using io::or_return;

/// One thing that the log is asked for. It stays until it is durable.
struct GroupLog::Operation : log::Completion {
  enum class Kind : uint8_t { append, kept, cut_suffix, cut_prefix };
  Operation(GroupLog& of, Kind what) : owner(of), kind(what) {}
  void completed(std::optional<Error> error) override { owner.ended(*this, std::move(error)); }

  GroupLog& owner;
  const Kind kind;
  std::vector<log::NewRecord> records{};
  uint64_t stream = 0;
  uint64_t index = 0;            // of a cut
  LogId last{};                  // of an append
  std::function<void()> done{};  // of a Kept record
};

GroupLog::GroupLog(log::Log& log, GroupStreams streams, Owner& owner)
    : log_(log),
      streams_(streams),
      owner_(owner),
      retry_(
          [](void* self) {
            auto& mine = *static_cast<GroupLog*>(self);
            mine.stalled_ = false;
            mine.stage_next();
          },
          this) {}

GroupLog::~GroupLog() { assert(staged_ == 0 && "a group's log ends behind its last operation"); }

// Recovery.

io::Task<Result<Kept>> GroupLog::read_kept() {
  const uint64_t last = log_.last_index(streams_.kept);
  if (last < log_.first_index(streams_.kept)) co_return Kept();
  const auto records = co_await or_return(log_.read(streams_.kept, last));
  if (records.empty()) co_return fail(Code::data_loss, "the record {} of the stream {} is not there", last, streams_.kept);
  co_return decode_kept(records.front().payload);
}

io::Task<Result<FoundLog>> GroupLog::find(KeptSnapshot snapshot) {
  const auto first = static_cast<int64_t>(log_.first_index(streams_.entries)), last = static_cast<int64_t>(log_.last_index(streams_.entries));
  std::map<int64_t, Entry> members;
  for (int64_t index = first; index <= last; ++index) {
    const auto term = log_.term_at(streams_.entries, static_cast<uint64_t>(index));
    if (!term) co_return fail(Code::data_loss, "the entry {} of the stream {} is not in the log's table", index, streams_.entries);
    if ((*term & kConfigurationBit) == 0) continue;
    const auto records = co_await or_return(log_.read(streams_.entries, static_cast<uint64_t>(index), 1));
    members[index] = co_await or_return(decode_entry_record(index, *term, records.front().payload));
  }
  co_return find_log(
      snapshot, first, last, [&](int64_t index) { return *log_.term_at(streams_.entries, static_cast<uint64_t>(index)); },
      [&](int64_t index) -> Result<Entry> { return members.at(index); });
}

void GroupLog::give_memory_back() { sofa::give_memory_back(operations_); }

// Operations.

void GroupLog::append(const std::vector<Entry>& entries) {
  auto operation = std::make_unique<Operation>(*this, Operation::Kind::append);
  size_t bytes = 0;
  for (const Entry& entry : entries) {
    if (bytes > 0 && bytes + entry.data.size() > kMostBytes) {
      push(std::exchange(operation, std::make_unique<Operation>(*this, Operation::Kind::append)));
      bytes = 0;
    }
    bytes += entry.data.size() + 64;
    operation->last = entry.id;
    operation->records.push_back({.stream = streams_.entries,
                                  .term = record_term(entry),
                                  .index = static_cast<uint64_t>(entry.id.index),
                                  .payload = encode_entry_record(entry)});
  }
  push(std::move(operation));
}

void GroupLog::truncate_suffix(int64_t last_kept) {
  auto operation = std::make_unique<Operation>(*this, Operation::Kind::cut_suffix);
  operation->stream = streams_.entries;
  operation->index = static_cast<uint64_t>(last_kept + 1);
  push(std::move(operation));
}

void GroupLog::truncate_prefix(int64_t first_kept) {
  auto operation = std::make_unique<Operation>(*this, Operation::Kind::cut_prefix);
  operation->stream = streams_.entries;
  operation->index = static_cast<uint64_t>(first_kept - 1);
  push(std::move(operation));
}

/// All entries go, then the stream goes on behind the snapshot. A crash between the two leaves a log that ends before it, which the core takes as
/// empty.
void GroupLog::reset(LogId behind) {
  truncate_suffix(0);
  truncate_prefix(behind.index + 1);
}

void GroupLog::save(const Kept& kept, std::function<void()> done) {
  auto operation = std::make_unique<Operation>(*this, Operation::Kind::kept);
  operation->records.push_back({.stream = streams_.kept, .term = static_cast<uint64_t>(kept.state.term), .payload = encode_kept(kept)});
  operation->done = std::move(done);
  push(std::move(operation));
}

void GroupLog::push(std::unique_ptr<Operation> operation) {
  if (failed_) return;
  operations_.push_back(std::move(operation));
  stage_next();
}

void GroupLog::stage_next() {
  while (!stalled_ && !failed_ && staged_ < operations_.size()) {
    if (!stage(*operations_[staged_])) return;
    ++staged_;
  }
}

bool GroupLog::stage(Operation& operation) {
  Result<void> staged;
  switch (operation.kind) {
    case Operation::Kind::append:
    case Operation::Kind::kept: {
      std::vector<log::NewRecord> records = operation.records;  // kept for another try
      if (const auto index = log_.append_nowait(records, operation); !index) {
        staged = std::unexpected(index.error());
      } else {
        operation.index = *index;
      }
      break;
    }
    case Operation::Kind::cut_suffix:
      staged =
          log_.truncate_suffix_nowait(operation.stream, std::max({operation.index, log_.first_index(operation.stream), first_staged_}), operation);
      break;
    case Operation::Kind::cut_prefix:
      staged = log_.truncate_prefix_nowait(operation.stream, operation.index, operation);
      if (staged && operation.stream == streams_.entries) first_staged_ = std::max(first_staged_, operation.index + 1);
      break;
  }
  if (!staged) refused(staged.error());
  return staged.has_value();
}

void GroupLog::ended([[maybe_unused]] Operation& operation, std::optional<Error> error) {
  --staged_;
  if (error) return refused(*error);
  assert(!operations_.empty() && operations_.front().get() == &operation);
  const std::unique_ptr<Operation> durable = std::move(operations_.front());
  operations_.pop_front();
  if (full_) {
    full_ = false;
    owner_.disk_full(false);
  }
  if (durable->kind == Operation::Kind::kept && durable->index - log_.first_index(streams_.kept) >= kKeptRecords) {
    auto cut = std::make_unique<Operation>(*this, Operation::Kind::cut_prefix);
    cut->stream = streams_.kept;
    cut->index = durable->index - 1;
    push(std::move(cut));
  }
  if (durable->kind == Operation::Kind::append) owner_.entries_saved(durable->last);
  if (durable->done) durable->done();
}

void GroupLog::refused(const Error& error) {
  if (error.code() == Code::resource_exhausted) {
    stalled_ = true;
    if (!retry_.pending()) io::Shard::current().schedule(retry_, io::Shard::current().now() + kRetry);
    if (!full_ && is_disk_full(error)) {
      full_ = true;
      owner_.disk_full(true);
    }
    return;
  }
  if (std::exchange(failed_, true)) return;
  owner_.disk_failed(error);
}

io::Task<Result<std::vector<Entry>>> GroupLog::read(int64_t from, size_t max_entries, size_t max_bytes) {
  std::vector<Entry> entries;
  const uint64_t stream = streams_.entries;
  if (static_cast<uint64_t>(from) < log_.first_index(stream) || static_cast<uint64_t>(from) > log_.last_index(stream)) co_return entries;
  auto records = co_await log_.read(stream, static_cast<uint64_t>(from), max_bytes);
  if (!records && records.error().code() == Code::out_of_range) co_return entries;  // cut away meanwhile
  if (!records) co_return forward_error(records);
  for (log::ReadRecord& record : *records) {
    if (entries.size() == max_entries) break;
    entries.push_back(co_await or_return(decode_entry_record(static_cast<int64_t>(record.index), record.term, record.payload)));
  }
  co_return entries;
}

}  // namespace sofa::raft::detail
