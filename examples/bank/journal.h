#pragma once
// The ledger's memory: entries on the durable log, a snapshot now and then, both put together again at the start.

#include <memory>
#include <string>

#include "bank/book.h"
#include "sofa/io/task.h"
#include "sofa/state/log/log.h"

namespace bank {

struct JournalOptions {
  std::string folder;  // made if missing
  int64_t entries_between_snapshots = 200'000;
  sofa::log::LogOptions log;  // bounds of the log; its folder is "log" in the journal's
};

/// Belongs to the shard that opened it.
class Journal {
 public:
  static constexpr uint64_t kStream = 1;

  /// The book holds every entry that was ever acknowledged. `files` outlives the journal.
  static sofa::io::Task<sofa::Result<std::unique_ptr<Journal>>> open(JournalOptions options,
                                                                     sofa::log::FileSystem& files = sofa::log::posix_file_system());

  const Book& book() const { return book_; }

  /// Writes the entry and, once it is on disk, books it. The sequence of the entry. Entries are booked in the order in which they were recorded.
  sofa::io::Task<sofa::Result<int64_t>> record(Entry entry);

  /// Whether enough entries have come since the last snapshot, and none is being written.
  bool snapshot_due() const { return !snapshotting_ && book_.last_sequence() - last_attempt_ >= options_.entries_between_snapshots; }
  /// Saves the book beside the log and gives the log's space back.
  sofa::io::Task<sofa::Result<void>> write_snapshot();
  /// Why nothing can be written any more, or null.
  const sofa::Error* failure() const { return log_->failure(); }
  sofa::io::Task<sofa::Result<void>> close() { return log_->close(); }

 private:
  Journal(sofa::log::FileSystem& files, JournalOptions options, Book book, std::unique_ptr<sofa::log::Log> log, int64_t of_snapshot)
      : files_(files), options_(std::move(options)), book_(std::move(book)), log_(std::move(log)), last_attempt_(of_snapshot) {}

  sofa::log::FileSystem& files_;
  JournalOptions options_;
  Book book_;
  std::unique_ptr<sofa::log::Log> log_;
  int64_t last_attempt_;  // entries when a snapshot was last begun; one that failed waits for its next turn
  bool snapshotting_ = false;
};

}  // namespace bank
