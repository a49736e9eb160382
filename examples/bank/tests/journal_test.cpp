#include "bank/journal.h"

#include <gtest/gtest.h>

#include "bank/snapshot_file.h"
#include "sofa/base/random.h"
#include "sofa/io/runtime.h"
#include "sofa/state/log/testing/fault_file_system.h"

namespace bank {
namespace {

using sofa::Result;
using sofa::io::or_return;
using sofa::io::Task;
using sofa::log::testing::Fault;
using sofa::log::testing::FaultFileSystem;
using sofa::log::testing::Survival;

constexpr int64_t kEvery = 40;
const std::string kSnapshot = "/srv/bank/book.snapshot";

JournalOptions small_options() {
  JournalOptions options{"/srv/bank", kEvery, {}};
  options.log.segment_bytes = 64 << 10;
  options.log.max_record_bytes = 16 << 10;
  options.log.control_reserve_bytes = 4096;
  return options;
}

/// Accounts and random transfers, one after the other; every acknowledged entry goes into `told`. Ends early when the disk fails.
Task<Result<void>> book_entries(FaultFileSystem& files, uint64_t seed, int transfers, std::vector<Entry>& told, bool close) {
  auto journal = co_await or_return(Journal::open(small_options(), files));
  sofa::Random random(seed);
  for (int i = 0; i < transfers + 4; ++i) {
    const auto payer = random.uniform(4);
    Entry entry = i < 4 ? deposit_entry(std::to_string(i), 10'000)
                        : Entry{"t" + std::to_string(seed) + "-" + std::to_string(i), std::to_string(payer), std::to_string((payer + 1) % 4),
                                random.uniform(int64_t{1}, int64_t{50})};
    if (journal->book().sequence_of(entry.id) != 0 || !journal->book().check(entry, 0)) continue;
    co_await or_return(journal->record(entry));
    told.push_back(entry);
    if (journal->snapshot_due()) co_await or_return(journal->write_snapshot());
  }
  if (close) co_await or_return(journal->close());
  co_return {};
}

/// The book that a restart finds begins with what was told, has at most one entry more, and its balances follow from its entries.
Task<Result<void>> expect_book(FaultFileSystem& files, const std::vector<Entry>& told) {
  auto journal = co_await or_return(Journal::open(small_options(), files));
  const Book& book = journal->book();
  const auto entries = static_cast<size_t>(book.last_sequence());
  EXPECT_GE(entries, told.size());
  EXPECT_LE(entries, told.size() + 1);
  Book expected;
  for (size_t i = 0; i < entries; ++i) {
    const Entry& entry = book.entry(static_cast<int64_t>(i) + 1);
    if (i < told.size()) {
      EXPECT_EQ(entry.id, told[i].id);
      EXPECT_EQ(entry.cents, told[i].cents);
    }
    expected.apply(entry);
  }
  for (const char* account : {"0", "1", "2", "3"}) {
    EXPECT_EQ(book.balance(account), expected.balance(account));
    EXPECT_EQ(book.lines(account).size(), expected.lines(account).size());
  }
  EXPECT_EQ(book.total(), expected.total());
  co_return co_await journal->close();
}

TEST(Journal, ComesBackFromSnapshotAndReplay) {
  sofa::io::Runtime runtime;
  FaultFileSystem files;
  std::vector<Entry> told;
  ASSERT_TRUE(runtime.block_on(book_entries(files, 1, 150, told, false)));
  ASSERT_FALSE(files.contents(kSnapshot).empty());
  auto snapshot = read_newest_snapshot(files, "/srv/bank");
  ASSERT_TRUE(snapshot);
  EXPECT_GE(snapshot->last, 120);
  EXPECT_LT(snapshot->last, static_cast<int64_t>(told.size())) << "some entries must come from the log alone";
  for (const auto& found : {files.after_kill(), files.after_power_cut(Survival::lost, 1)}) {
    auto seen = runtime.block_on(expect_book(*found, told));
    EXPECT_TRUE(seen) << seen.error().to_string();
  }
}

TEST(Journal, LosesNothingToldWhenThePowerGoesAtAnyCall) {
  sofa::io::Runtime runtime;
  FaultFileSystem whole;
  std::vector<Entry> all;
  ASSERT_TRUE(runtime.block_on(book_entries(whole, 1, 100, all, true)));
  for (uint64_t call = 1; call <= whole.calls(); ++call) {
    FaultFileSystem files(call);
    files.plan(call, Fault::power_cut);
    std::vector<Entry> told;
    (void)runtime.block_on(book_entries(files, 1, 100, told, true));
    for (Survival survival : {Survival::lost, Survival::kept, Survival::torn}) {
      auto found = files.after_power_cut(survival, call);
      auto seen = runtime.block_on(expect_book(*found, told));
      ASSERT_TRUE(seen) << "power cut at call " << call << ", survival " << static_cast<int>(survival) << ": " << seen.error().to_string();
      ASSERT_FALSE(::testing::Test::HasFailure()) << "power cut at call " << call << ", survival " << static_cast<int>(survival);
    }
  }
}

TEST(Snapshot, AnyChangedByteIsRefused) {
  FaultFileSystem files;
  Book book;
  book.apply(deposit_entry("a", 100));
  book.apply(deposit_entry("b", 7));
  sofa::Buffer entries;
  book.encode_entries(1, 2, entries);
  ASSERT_TRUE(sofa::log::create_folders(files, "/srv/bank"));
  ASSERT_TRUE(write_snapshot(files, "/srv/bank", 2, entries.span()));
  const auto good = files.contents(kSnapshot);
  ASSERT_EQ(read_newest_snapshot(files, "/srv/bank")->last, 2);
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto bad = good;
      bad[at] ^= static_cast<uint8_t>(1 << bit);
      files.put(kSnapshot, bad);
      auto read = read_newest_snapshot(files, "/srv/bank");
      ASSERT_FALSE(read) << "byte " << at << ", bit " << bit;
      EXPECT_EQ(read.error().code(), sofa::Code::data_loss);
    }
    files.put(kSnapshot, {good.begin(), good.begin() + static_cast<long>(at)});
    ASSERT_FALSE(read_newest_snapshot(files, "/srv/bank")) << "cut to " << at << " bytes";
  }
}

}  // namespace
}  // namespace bank
