#include "bank/journal.h"

#include "bank/snapshot_file.h"
#include "sofa/base/log.h"
#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"

namespace bank {

using sofa::Result;
using sofa::io::or_return;
using sofa::io::Task;

namespace {

const sofa::Logger kLog{"ledger"};

// region: replay
/// Books what the log holds behind the snapshot. Index i of the log is sequence i of the book: both count the same entries.
Task<Result<void>> replay(sofa::log::Log& log, Book& book) {
  const auto first = static_cast<int64_t>(log.first_index(Journal::kStream));
  if (first > book.last_sequence() + 1) {
    co_return sofa::fail(sofa::Code::data_loss, "the log begins at entry {}, the snapshot ends at {}: a snapshot file is missing", first,
                         book.last_sequence());
  }
  sofa::log::LogReader reader(log, Journal::kStream, static_cast<uint64_t>(book.last_sequence()) + 1);
  for (;;) {
    const auto records = co_await or_return(reader.next());
    if (records.empty()) co_return {};
    for (const auto& record : records) {
      Entry entry = co_await or_return(decode_entry(record.payload));
      if (book.apply(std::move(entry)) != static_cast<int64_t>(record.index)) {
        co_return sofa::fail(sofa::Code::data_loss, "entry {} of the log is one that was booked before; restore the folder from a copy",
                             record.index);
      }
    }
    co_await sofa::io::yield();
  }
}
// endregion

/// The book and the log disagree: nothing may be acknowledged any more.
[[noreturn]] void stop_at_once(int64_t sequence, uint64_t index) {
  fmt::print(stderr, "the book has entry {} where the log has {}; this is a bug: start the ledger again, and report it\n", sequence, index);
  std::abort();
}

}  // namespace

Task<Result<std::unique_ptr<Journal>>> Journal::open(JournalOptions options, sofa::log::FileSystem& files) {
  Book book = co_await or_return(sofa::io::run_blocking(sofa::io::Shard::current().runtime().file_pool(), [&]() -> Result<Book> {
    auto snapshot = read_newest_snapshot(files, options.folder);
    if (!snapshot) return sofa::forward_error(snapshot);
    return Book::from_snapshot(snapshot->entries, snapshot->last);
  }));
  options.log.folder = options.folder + "/log";
  const int64_t from_snapshot = book.last_sequence();
  auto log = co_await or_return(sofa::log::Log::open(options.log, files));
  co_await or_return(replay(*log, book));
  kLog.info("book is open", {{"entries", book.last_sequence()}, {"of_snapshot", from_snapshot}});
  co_return std::unique_ptr<Journal>(new Journal(files, std::move(options), std::move(book), std::move(log), from_snapshot));
}

// region: record
Task<Result<int64_t>> Journal::record(Entry entry) {
  const uint64_t index = co_await or_return(log_->append(kStream, 0, encode(entry)));
  // Waiters of one group commit are woken in the order of their appends, so the book grows in the order of the log.
  const int64_t sequence = book_.apply(std::move(entry));
  if (sequence != static_cast<int64_t>(index)) stop_at_once(sequence, index);
  co_return sequence;
}
// endregion

Task<Result<void>> Journal::write_snapshot() {
  constexpr int64_t kPiece = 2'000;
  if (snapshotting_) co_return {};
  snapshotting_ = true;
  const int64_t last = book_.last_sequence();
  last_attempt_ = last;
  sofa::Buffer out;
  for (int64_t first = 1; first <= last; first += kPiece) {
    book_.encode_entries(first, std::min(last, first + kPiece - 1), out);
    co_await sofa::io::yield();
  }
  auto written = co_await sofa::io::run_blocking(sofa::io::Shard::current().runtime().file_pool(),
                                                 [&] { return bank::write_snapshot(files_, options_.folder, last, out.span()); });
  if (written) written = co_await log_->truncate_prefix(kStream, static_cast<uint64_t>(last));
  snapshotting_ = false;
  if (!written) {
    kLog.warn("no snapshot; the log keeps all, the next try comes with the next entries", {{"error", written.error()}});
    co_return {};
  }
  kLog.info("snapshot written", {{"entries", last}, {"bytes", out.size()}});
  co_return {};
}

}  // namespace bank
