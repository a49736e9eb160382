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

constexpr uint64_t kChanges = 1, kAudit = 2;  // streams
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

io::Task<Result<void>> LogStore::tidy() {
  const uint64_t newest = log_->last_index(kAudit), entries = newest + 1 - log_->first_index(kAudit);
  const bool too_many = entries > options_.max_audit + kAuditSlack;
  if (too_many) co_await io::or_return(log_->truncate_prefix(kAudit, newest - options_.max_audit));
  const bool grown = records() > 2 * values_.size() + options_.compact_after;
  if (grown) co_await io::or_return(write_again());
  if (too_many || grown) co_await io::or_return(log_->compact_oldest(kMoveBelow));
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
  const auto held = co_await io::or_return(changing_.lock());  // entries do not go meanwhile
  AuditPage page;
  const uint64_t first = log_->first_index(kAudit);
  uint64_t end = log_->last_index(kAudit) + 1;  // behind the next one to look at
  if (!filter.before.empty()) {
    const auto before = whole_number(filter.before);
    if (!before) co_return fail(Code::invalid_argument, "'{}' is no place in the audit: give the `next` of a page", filter.before);
    end = std::min(end, *before);
  }
  const uint64_t least = std::max(first, end > kMostLookedAt ? end - kMostLookedAt : 0);
  while (end > least && page.entries.size() < filter.limit) {
    const uint64_t begin = std::max(least, end > kAuditPiece ? end - kAuditPiece : 0);
    std::vector<AuditEntry> piece;
    for (uint64_t at = begin; at < end;) {
      const auto records = co_await io::or_return(log_->read(kAudit, at));
      for (const log::ReadRecord& record : records) {
        if (record.index >= end) break;
        piece.push_back(co_await io::or_return(read_record<AuditEntry>(record, "audit")));
        piece.back().id = std::to_string(record.index);
      }
      at = records.empty() ? end : records.back().index + 1;
    }
    for (AuditEntry& entry : piece | std::views::reverse) {
      if (page.entries.size() == filter.limit) break;
      --end;
      if (filter.takes(entry)) page.entries.push_back(std::move(entry));
    }
  }
  if (end > first) page.next = std::to_string(end);
  co_return page;
}

io::Task<Result<void>> LogStore::close() { co_return co_await log_->close(); }

}  // namespace sofa::identity
