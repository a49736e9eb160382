#include "sofa/identity/log_store.h"

#include <algorithm>
#include <ranges>

#include "sofa/base/json.h"
#include "sofa/base/log.h"
#include "sofa/base/text.h"
#include "sofa/base/utf8.h"
#include "sofa/identity/detail/contains.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"

namespace sofa::identity {

namespace {

const Logger logger{"identity"};

constexpr uint64_t kChanges = 1, kAudit = 2, kRefused = 3;  // streams
constexpr std::string_view kVersionFile = "VERSION", kFormat = "sofa-identity ", kVersion = "1";
constexpr uint64_t kAuditSlack = 1'000;     // entries over the bound before the oldest go
constexpr size_t kWrittenAtOnce = 64;       // values, when all are written again
constexpr uint64_t kAuditPiece = 256;       // entries that are read at once
constexpr uint64_t kMostLookedAt = 20'000;  // entries for one page
constexpr double kMoveBelow = 0.5;          // of a segment that is still in use

/// Reads FOLDER/VERSION, or writes it into a folder that is new. Blocks.
Result<void> check_version(log::FileSystem& files, const std::string& folder) {
  if (auto made = log::create_folders(files, folder); !made) return made;
  auto names = files.list(folder);
  if (!names) return forward_error(names);
  const std::string path = fmt::format("{}/{}", folder, kVersionFile);
  if (!detail::contains(*names, kVersionFile)) {
    const std::string text = fmt::format("{}{}\n", kFormat, kVersion);
    return log::replace_file(files, folder, std::string(kVersionFile), {as_bytes(text)});
  }
  auto file = files.open(path, log::OpenMode::read);
  if (!file) return forward_error(file);
  auto bytes = log::read_all(**file);
  if (!bytes) return forward_error(bytes);
  const std::string_view found = trimmed(bytes->text(), " \r\n");
  if (found == fmt::format("{}{}", kFormat, kVersion)) return {};
  return fail(Code::failed_precondition,
              "the folder '{}' has identities of the form '{}'; this program knows '{}{}': start the version that wrote it", folder,
              found.substr(0, 64), kFormat, kVersion);
}

log::LogOptions log_options(const LogStoreOptions& options) {
  return {.folder = options.folder + "/log",
          .segment_bytes = options.segment_bytes,
          .max_record_bytes = options.segment_bytes / 4,
          .control_reserve_bytes = options.segment_bytes / 16};
}

template <class T>
Result<Bytes> record_of(const T& value) {
  auto json = to_json(value);
  if (!json) return forward_error(json);
  return Bytes::copy_of(*json);
}

template <class T>
Result<T> read_record(const log::ReadRecord& record, std::string_view stream) {
  // Fields of a newer minor version are passed over.
  auto value = from_json<T>(record.payload.text(), {.source = stream, .ignore_unknown = true});
  if (value) return value;
  return std::unexpected(std::move(value.error()).wrap(fmt::format("record {} of the {} cannot be read", record.index, stream)));
}

void cut_texts(AuditEntry& entry) {
  for (std::string* text : {&entry.actor, &entry.action, &entry.target, &entry.peer, &entry.detail}) *text = cut_utf8(*text, kMostAuditText);
}

/// An entry of kRefused, which knows its place among those of kAudit.
struct RefusedLogin : AuditEntry {
  uint64_t behind = 0;  ///< index of the last one that was there
  static void describe(Description<RefusedLogin>& d) {
    d.inherit<AuditEntry>();
    d.field("behind", &RefusedLogin::behind);
  }
};

/// A place in the audit: the newest of both streams that is still to be looked at.
struct Place {
  uint64_t audit = 0, refused = 0;
  std::string to_string() const { return fmt::format("{}-{}", audit, refused); }
  static Result<Place> parse(std::string_view text) {
    const size_t dash = text.find('-');
    const auto audit = whole_number(text.substr(0, dash));
    const auto refused = dash == std::string_view::npos ? std::nullopt : whole_number(text.substr(dash + 1));
    if (audit && refused) return Place{.audit = *audit, .refused = *refused};
    return fail(Code::invalid_argument, "'{}' is no place in the audit: give the id of an entry, or the `next` of a page", text.substr(0, 64));
  }
};

/// Walks a stream towards its begin, a piece at a time. Entries that go meanwhile are those behind its begin.
template <class T>
class Backwards {
 public:
  Backwards(log::Log& log, uint64_t stream, uint64_t last) : log_(log), stream_(stream), last_(std::min(last, log.last_index(stream))) {}

  /// Of the next one; smaller than first() when there is none.
  uint64_t last() const { return last_; }
  bool at_end() const { return last_ < log_.first_index(stream_); }
  /// Null at the end. Stays until pop().
  io::Task<Result<T*>> next() {
    if (piece_.empty() && !at_end()) co_await io::or_return(co_await read_piece());
    co_return piece_.empty() ? nullptr : &piece_.back();
  }
  void pop() {
    piece_.pop_back();
    --last_;
  }

 private:
  io::Task<Result<void>> read_piece() {
    const uint64_t begin = std::max(log_.first_index(stream_), last_ >= kAuditPiece ? last_ + 1 - kAuditPiece : 0);
    for (uint64_t at = begin; at <= last_;) {
      auto records = co_await log_.read(stream_, at);
      const uint64_t first = log_.first_index(stream_);
      if (!records && at < first) {  // they went meanwhile
        at = first;
        continue;
      }
      if (!records) co_return forward_error(records);
      for (const log::ReadRecord& record : *records) {
        if (record.index <= last_) piece_.push_back(co_await io::or_return(read_record<T>(record, "audit")));
      }
      at = records->empty() ? last_ + 1 : records->back().index + 1;
    }
    co_return Result<void>();
  }

  log::Log& log_;
  const uint64_t stream_;
  uint64_t last_;
  std::vector<T> piece_;  // the last one is next
};

}  // namespace

void Change::describe(Description<Change>& d) {
  d.field("kind", &Change::kind).required();
  d.field("name", &Change::name).required();
  d.field("value", &Change::value);
}

io::Task<Result<std::unique_ptr<LogStore>>> LogStore::open(LogStoreOptions options, log::FileSystem& files) {
  co_await io::or_return(co_await io::run_blocking(io::Shard::current().runtime().file_pool(), [&] { return check_version(files, options.folder); }));
  auto log = co_await io::or_return(log::Log::open(log_options(options), files));
  co_return std::unique_ptr<LogStore>(new LogStore(std::move(options), std::move(log)));
}

void LogStore::keep(const Change& change) {
  if (change.value.empty()) {
    values_.erase({change.kind, change.name});
  } else {
    values_[{change.kind, change.name}] = change.value;
  }
}

io::Task<Result<std::vector<Change>>> LogStore::load() {
  log::LogReader reader(*log_, kChanges, log_->first_index(kChanges));
  for (;;) {
    const auto records = co_await io::or_return(reader.next());
    if (records.empty()) break;
    for (const log::ReadRecord& record : records) keep(co_await io::or_return(read_record<Change>(record, "stream of changes")));
  }
  std::vector<Change> all;
  for (const auto& [at, value] : values_) all.push_back({.kind = at.first, .name = at.second, .value = value});
  co_return all;
}

io::Task<Result<void>> LogStore::append(std::vector<Change> changes, AuditEntry entry) {
  cut_texts(entry);
  std::vector<log::NewRecord> records;
  for (const Change& change : changes) records.push_back({.stream = kChanges, .payload = co_await io::or_return(record_of(change))});
  records.push_back({.stream = kAudit, .payload = co_await io::or_return(record_of(entry))});
  const auto held = co_await io::or_return(changing_.lock());
  co_await io::or_return(log_->append(std::move(records)));
  for (const Change& change : changes) keep(change);
  if (auto tidied = co_await tidy(); !tidied) logger.warn("identities could not be tidied", {{"reason", tidied.error()}});
  co_return Result<void>();
}

uint64_t LogStore::records() const { return log_->last_index(kChanges) + 1 - log_->first_index(kChanges); }

io::Task<Result<void>> LogStore::append_refused(AuditEntry entry) {
  cut_texts(entry);
  const auto held = co_await io::or_return(changing_.lock());
  RefusedLogin refused{{std::move(entry)}, log_->last_index(kAudit)};
  std::vector<log::NewRecord> records;
  records.push_back({.stream = kRefused, .payload = co_await io::or_return(record_of(refused))});
  co_await io::or_return(log_->append(std::move(records)));
  if (auto tidied = co_await tidy(); !tidied) logger.warn("refused logins could not be tidied", {{"reason", tidied.error()}});
  co_return Result<void>();
}

io::Task<Result<bool>> LogStore::bound(uint64_t stream, uint64_t most) {
  const uint64_t newest = log_->last_index(stream), entries = newest + 1 - log_->first_index(stream);
  if (entries <= most + kAuditSlack) co_return false;
  co_await io::or_return(log_->truncate_prefix(stream, newest - most));
  co_return true;
}

io::Task<Result<void>> LogStore::tidy() {
  const bool too_many = co_await io::or_return(bound(kAudit, options_.max_audit));
  const bool too_many_refused = co_await io::or_return(bound(kRefused, options_.max_refused));
  const bool grown = records() > 2 * values_.size() + options_.compact_after;
  if (grown) co_await io::or_return(write_again());
  if (too_many || too_many_refused || grown) co_await io::or_return(log_->compact_oldest(kMoveBelow));
  co_return Result<void>();
}

io::Task<Result<void>> LogStore::write_again() {
  const uint64_t before = log_->last_index(kChanges);
  std::vector<log::NewRecord> group;
  size_t bytes = 0;
  for (const auto& [at, value] : values_) {
    const Change change{.kind = at.first, .name = at.second, .value = value};
    group.push_back({.stream = kChanges, .payload = co_await io::or_return(record_of(change))});
    bytes += group.back().payload.size();
    if (bytes < options_.segment_bytes / kWrittenAtOnce) continue;
    co_await io::or_return(log_->append(std::exchange(group, {})));
    bytes = 0;
  }
  if (!group.empty()) co_await io::or_return(log_->append(std::move(group)));
  co_return co_await log_->truncate_prefix(kChanges, before);
}

io::Task<Result<AuditPage>> LogStore::audit(AuditFilter filter) {
  Place from{.audit = UINT64_MAX, .refused = UINT64_MAX};
  if (!filter.before.empty()) from = co_await io::or_return(Place::parse(filter.before));
  if (!filter.after.empty()) co_await io::or_return(Place::parse(filter.after));
  Backwards<AuditEntry> changes(*log_, kAudit, from.audit);
  Backwards<RefusedLogin> refusals(*log_, kRefused, from.refused);
  AuditPage page;
  for (uint64_t looked_at = 0; looked_at < kMostLookedAt && page.entries.size() < filter.limit; ++looked_at) {
    AuditEntry* const change = co_await io::or_return(changes.next());
    RefusedLogin* const refused = co_await io::or_return(refusals.next());
    if (change == nullptr && refused == nullptr) co_return page;
    const bool refused_is_newer = refused != nullptr && (change == nullptr || refused->behind >= changes.last());
    AuditEntry entry = std::move(refused_is_newer ? *refused : *change);
    refused_is_newer ? refusals.pop() : changes.pop();
    entry.id = Place{.audit = changes.last(), .refused = refusals.last()}.to_string();
    if (entry.id == filter.after) co_return page;
    if (filter.takes(entry)) page.entries.push_back(std::move(entry));
  }
  if (!changes.at_end() || !refusals.at_end()) page.next = Place{.audit = changes.last(), .refused = refusals.last()}.to_string();
  co_return page;
}

io::Task<Result<void>> LogStore::close() { co_return co_await log_->close(); }

}  // namespace sofa::identity
