#include "sofa/state/raft/snapshot.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "snapshot_life.h"
#include "sofa/base/crc.h"

namespace sofa::raft {
namespace {

using namespace testing;
using log::testing::Fault;
using log::testing::FaultFileSystem;
using log::testing::Survival;

io::Task<Result<void>> expect_snapshot(SnapshotStore& store, int64_t index) {
  auto reader = store.open_newest();
  if (reader == nullptr) co_return fail(Code::not_found, "no snapshot");
  EXPECT_EQ(reader->kept().id.index, index);
  EXPECT_EQ((co_await or_return(reader->get("a"))).text(), fmt::format("a{0}.0 a{0}.1 a{0}.2 ", index));
  EXPECT_EQ((co_await or_return(reader->get("deep/er/b"))).text(), fmt::format("b{0}.0 b{0}.1 b{0}.2 ", index));
  EXPECT_EQ((co_await or_return(reader->get("value"))).text(), std::to_string(index));
  co_return Result<void>();
}

/// Every file below the folder, relative to it.
std::vector<std::string> tree(log::FileSystem& files, const std::string& root, const std::string& below = "") {
  std::vector<std::string> all;
  auto names = files.list(root + below);
  if (!names) return all;
  for (const std::string& name : *names) {
    if (*files.kind_of(root + below + "/" + name) == log::PathKind::file) {
      all.push_back(below + "/" + name);
    } else {
      const auto inner = tree(files, root, below + "/" + name);
      all.insert(all.end(), inner.begin(), inner.end());
    }
  }
  return all;
}

size_t folders_in(FaultFileSystem& files) {
  auto names = files.list(kFolder);
  return names ? names->size() : 0;
}

void expect_well(const Result<void>& done) { EXPECT_TRUE(done) << done.error().to_string(); }

TEST(FileNames, AreRelativeAndStayInside) {
  for (const char* good : {"data", "a/b", "..a", "a..b", ".hidden", "a b", "snapshot\xc3\xa9"}) EXPECT_TRUE(check_file_name(good)) << good;
  for (const char* bad : {"", ".", "..", "../a", "a/..", "a/../b", "/a", "a//b", "a/", "./a", "a\\b", "a\nb", "__raft_snapshot_meta"}) {
    const auto checked = check_file_name(bad);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().code(), Code::invalid_argument);
  }
  EXPECT_FALSE(check_file_name(std::string("a\0b", 3)));
  EXPECT_FALSE(check_file_name(std::string(256, 'x')));
  EXPECT_FALSE(check_file_name("a/" + std::string(1100, '/')));
}

TEST(FileSums, AreReadAsTheyAreWritten) {
  const FileSum sum{.crc32c = 0x1a2b3c, .size = 4096};
  EXPECT_EQ(sum.to_string(), "crc32c:001a2b3c:4096");
  EXPECT_EQ(FileSum::parse(sum.to_string()), sum);
  for (const char* other : {"", "9f4e", "crc32c:", "crc32c:1:", "crc32c:1:-1", "crc32c:100000000:1", "crc32c:1:1 "})
    EXPECT_FALSE(FileSum::parse(other)) << other;
}

TEST(Snapshots, AreSavedReadAndFoundAgainAndThePreviousOneGoes) {
  FaultFileSystem files;
  KeptSnapshot record;
  expect_well(Life::live(files, record, [](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    EXPECT_EQ(store.open_newest(), nullptr);
    co_await or_return(save(store, kept, 5));
    co_await or_return(save(store, kept, 9));
    co_return co_await expect_snapshot(store, 9);
  }));
  EXPECT_EQ(tree(files, kFolder), (std::vector<std::string>{"/9-2/a", "/9-2/deep/er/b", "/9-2/value"}));
  ASSERT_EQ(record.files.size(), 3u);
  EXPECT_EQ(record.files[0], (KeptFile{.name = "a", .size = 15, .crc32c = crc32c(as_bytes("a9.0 a9.1 a9.2 "))}));
  expect_well(Life::live(files, record, [](SnapshotStore& store, KeptSnapshot&) { return expect_snapshot(store, 9); }));
}

TEST(Snapshots, LargeFilesAreWrittenInPiecesAndReadAtAnyPlace) {
  FaultFileSystem files;
  KeptSnapshot record;
  const uint64_t seed = test_seed();
  SCOPED_TRACE(fmt::format("SOFA_TEST_SEED={}", seed));
  const std::string content = big(5'000'001, seed);
  expect_well(Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    auto writer = co_await or_return(store.begin(1));
    Random random(seed);
    for (size_t at = 0; at < content.size();) {
      const size_t n = std::min<size_t>(content.size() - at, 1 + random.uniform(300'000));
      co_await or_return(writer->append("pieces", Bytes::copy_of(std::string_view(content).substr(at, n))));
      at += n;
    }
    co_await or_return(writer->put("whole", Bytes::copy_of(content)));
    co_await or_return(writer->append("empty", {}));
    co_await or_return(keep(store, kept, std::move(writer), {.index = 1, .term = 1}));
    auto reader = store.open_newest();
    for (const char* name : {"pieces", "whole"}) {
      EXPECT_TRUE((co_await or_return(reader->get(name))).text() == content);
      for (int i = 0; i < 20; ++i) {
        const uint64_t offset = random.uniform(content.size() + 10), count = 1 + random.uniform(200'000);
        const Bytes piece = co_await or_return(reader->read(name, offset, count));
        EXPECT_TRUE(piece.text() == std::string_view(content).substr(std::min<size_t>(offset, content.size()), count)) << offset;
      }
    }
    EXPECT_TRUE((co_await or_return(reader->get("empty"))).empty());
    const auto large = co_await reader->get("whole", 1000);
    EXPECT_EQ(large.error().code(), Code::out_of_range);
    EXPECT_EQ((co_await reader->get("none")).error().code(), Code::not_found);
    co_return Result<void>();
  }));
}

TEST(Snapshots, ManyFilesNeedFewDescriptors) {
  FaultFileSystem files;
  KeptSnapshot record;
  expect_well(Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    auto writer = co_await or_return(store.begin(1));
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 100; ++i) co_await or_return(writer->append(fmt::format("{:03}", i), Bytes::copy_of(fmt::format("{}.{} ", i, round))));
      co_await or_return(writer->put(fmt::format("flush{}", round), Bytes::copy_of(std::string(1 << 20, 'x'))));
    }
    co_await or_return(keep(store, kept, std::move(writer), {.index = 1, .term = 1}));
    auto reader = store.open_newest();
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ((co_await or_return(reader->get(fmt::format("{:03}", i)))).text(), fmt::format("{0}.0 {0}.1 {0}.2 ", i));
    }
    co_return Result<void>();
  }));
}

TEST(Snapshots, AReaderKeepsAnOldOneUntilItIsGone) {
  FaultFileSystem files;
  KeptSnapshot record;
  expect_well(Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    co_await or_return(save(store, kept, 5));
    auto reader = store.open_newest();
    co_await or_return(save(store, kept, 9));
    co_await or_return(save(store, kept, 12));
    EXPECT_EQ((co_await or_return(reader->get("value"))).text(), "5");
    co_return co_await expect_snapshot(store, 12);
  }));
  EXPECT_EQ(*files.list(kFolder), std::vector<std::string>{"12-3"}) << "the reader is gone";
}

TEST(Snapshots, AWriterThatIsDroppedLeavesNothing) {
  FaultFileSystem files;
  KeptSnapshot record;
  expect_well(Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    co_await or_return(save(store, kept, 5));
    auto writer = co_await or_return(store.begin(9));
    co_await or_return(writer->put("a/b/c", Bytes::copy_of("lost")));
    auto finished = co_await or_return(store.begin(9));
    co_await or_return(finished->put("a", Bytes::copy_of("lost, too")));
    co_await or_return(store.finish(*finished, {.index = 9, .term = 3}, three()));
    co_return Result<void>();
  }));
  EXPECT_EQ(*files.list(kFolder), std::vector<std::string>{"5-1"});
}

TEST(Snapshots, FilesOfTheUsersOwnMakingAndLinksBelongToIt) {
  FaultFileSystem files;
  KeptSnapshot record;
  expect_well(Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    co_await or_return(save(store, kept, 5));
    auto old = store.open_newest();
    auto writer = co_await or_return(store.begin(9));
    files.put(writer->folder() + "/checkpoint/1.sst", {'s', 's', 't'});
    files.put(writer->folder() + "/scratch", {'x'});
    co_await or_return(writer->add_file("checkpoint/1.sst", jraft::encode(jraft::LocalFileMeta{.checksum = "maker's"})));
    co_await or_return(writer->link("sub/value", old->folder() + "/value"));
    EXPECT_EQ((co_await writer->put("sub/value", {})).error().code(), Code::already_exists);
    EXPECT_FALSE(co_await writer->append("sub/value", Bytes::copy_of("x"))) << "it would write into the old snapshot";
    EXPECT_EQ((co_await writer->put("m", {}, Bytes::copy_of("\xff\xff"))).error().code(), Code::invalid_argument);
    EXPECT_EQ((co_await writer->put("../m", {})).error().code(), Code::invalid_argument);
    co_return co_await keep(store, kept, std::move(writer), {.index = 9, .term = 3});
  }));
  const auto disk = files.after_power_cut(Survival::lost, 1);
  expect_well(Life::live(*disk, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    auto reader = store.open_newest();
    EXPECT_EQ((co_await or_return(reader->get("checkpoint/1.sst"))).text(), "sst");
    EXPECT_EQ((co_await or_return(reader->get("sub/value"))).text(), "5");
    const auto meta = local_meta_of(kept);
    EXPECT_EQ(meta.meta->last_included_index, 9);
    EXPECT_EQ(meta.meta->peers.size(), 3u);
    EXPECT_EQ(meta.files[0].meta.checksum, "maker's");
    EXPECT_EQ(meta.files[1].meta.checksum, fmt::format("crc32c:{:08x}:1", crc32c(as_bytes("5"))));
    co_return Result<void>();
  }));
  EXPECT_EQ(tree(*disk, kFolder), (std::vector<std::string>{"/9-2/checkpoint/1.sst", "/9-2/sub/value"}));
}

TEST(Snapshots, AFileThatIsTakenOutIsGoneAndItsNameIsFree) {
  FaultFileSystem files;
  KeptSnapshot record;
  expect_well(Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    auto writer = co_await or_return(store.begin(1));
    co_await or_return(writer->append("a", Bytes::copy_of("wrong")));
    EXPECT_EQ((co_await writer->remove("b")).error().code(), Code::not_found);
    co_await or_return(writer->remove("a"));
    co_await or_return(writer->append("a", Bytes::copy_of("right")));
    co_await or_return(keep(store, kept, std::move(writer), {.index = 1, .term = 1}));
    EXPECT_EQ((co_await or_return(store.open_newest()->get("a"))).text(), "right");
    co_return Result<void>();
  }));
}

TEST(Snapshots, NoneIsBegunBeforeRecoveryOrWhereTheNewestEnds) {
  FaultFileSystem files;
  KeptSnapshot record;
  io::Runtime runtime({.shards = 1});
  expect_well(runtime.block_on([](FaultFileSystem& disk) -> io::Task<Result<void>> {
    auto store = SnapshotStore::make(disk, kFolder);
    EXPECT_EQ((co_await store->begin(1)).error().code(), Code::failed_precondition);
    co_return Result<void>();
  }(files)));
  expect_well(Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    co_await or_return(save(store, kept, 5));
    EXPECT_EQ((co_await store.begin(5)).error().code(), Code::failed_precondition);
    auto writer = co_await or_return(store.begin(6));
    EXPECT_EQ((co_await store.finish(*writer, {.index = 7, .term = 1}, three())).error().code(), Code::invalid_argument);
    co_return Result<void>();
  }));
}

TEST(Snapshots, AFailedCallOfTheDiskFailsAllLaterOnesAndTheNextSnapshotWorks) {
  FaultFileSystem files;
  KeptSnapshot record;
  expect_well(Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    co_await or_return(save(store, kept, 5));
    auto writer = co_await or_return(store.begin(9));
    co_await or_return(writer->put("a", Bytes::copy_of("1")));
    files.fail_next("sync", "/9-2/a");
    EXPECT_FALSE(co_await store.finish(*writer, {.index = 9, .term = 3}, three()));
    EXPECT_FALSE(co_await store.finish(*writer, {.index = 9, .term = 3}, three())) << "a later sync proves nothing";
    EXPECT_FALSE(co_await writer->put("b", {}));
    files.fill_up();
    auto full = co_await store.begin(9);
    EXPECT_TRUE(!full && is_disk_full(full.error()));
    files.free_space();
    writer.reset();
    co_await or_return(save(store, kept, 9));
    co_return co_await expect_snapshot(store, 9);
  }));
  EXPECT_EQ(folders_in(files), 1u);
}

/// The snapshot of entry 5, in a folder that a test may spoil.
KeptSnapshot saved(FaultFileSystem& files) {
  KeptSnapshot record;
  expect_well(Life::live(files, record, [](SnapshotStore& store, KeptSnapshot& kept) { return save(store, kept, 5); }));
  return record;
}

Result<void> recover(FaultFileSystem& files, KeptSnapshot& record) {
  return Life::live(files, record, [](SnapshotStore&, KeptSnapshot&) -> io::Task<Result<void>> { co_return Result<void>(); });
}

TEST(SnapshotRecovery, RefusesMissingFilesAndOtherSizesByNameAndTouchesNothing) {
  FaultFileSystem files;
  KeptSnapshot record = saved(files);
  files.put(std::string(kFolder) + "/7-9/left", {'x'});
  files.put(std::string(kFolder) + "/5-1/value", {'5', '5'});
  auto longer = recover(files, record);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code(), Code::data_loss);
  EXPECT_NE(longer.error().message().find("/5-1/value of a snapshot has 2 bytes where it had 1"), std::string_view::npos)
      << longer.error().to_string();
  ASSERT_TRUE(files.unlink(std::string(kFolder) + "/5-1/value"));
  auto gone = recover(files, record);
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().message().find("/5-1/value of a snapshot is gone, it had 1 bytes"), std::string_view::npos) << gone.error().to_string();
  ASSERT_TRUE(log::remove_tree(files, std::string(kFolder) + "/5-1"));
  EXPECT_EQ(recover(files, record).error().code(), Code::data_loss);
  EXPECT_EQ(*files.list(kFolder), std::vector<std::string>{"7-9"});
}

TEST(SnapshotRecovery, TakesTheLaterOfTwoFoldersOfOneEntryAndClearsAway) {
  FaultFileSystem files;
  KeptSnapshot record = saved(files);
  ASSERT_TRUE(log::create_folders(files, std::string(kFolder) + "/5-0"));
  for (const char* left : {"/5-0/value", "/3-7/a", "/12-1/x/y/z", "/temp", "/5-1/deep/scratch", "/5-1/deep/er/scratch", "/5-01/value"}) {
    files.put(std::string(kFolder) + left, {'x'});
  }
  expect_well(Life::live(files, record, [](SnapshotStore& store, KeptSnapshot&) { return expect_snapshot(store, 5); }));
  EXPECT_EQ(tree(files, kFolder), (std::vector<std::string>{"/5-1/a", "/5-1/deep/er/b", "/5-1/value"}));
  EXPECT_EQ(folders_in(files), 1u);
  const auto cut = files.after_power_cut(Survival::lost, 1);
  EXPECT_EQ(folders_in(*cut), 1u) << "what was cleared away does not come back, since numbers are given again";
  record = {};
  expect_well(recover(files, record));
  EXPECT_EQ(folders_in(files), 0u) << "no record names it";
}

TEST(SnapshotRecovery, AnyFlippedBitIsSeenByWhoReadsTheFileInOrder) {
  FaultFileSystem files;
  KeptSnapshot record = saved(files);
  for (uint64_t offset = 0; offset < 15; ++offset) {
    auto disk = files.after_kill();
    disk->flip_bit(std::string(kFolder) + "/5-1/a", offset, static_cast<int>(offset % 8));
    expect_well(Life::live(*disk, record, [](SnapshotStore& store, KeptSnapshot&) -> io::Task<Result<void>> {
      auto reader = store.open_newest();
      EXPECT_EQ((co_await reader->get("a")).error().code(), Code::data_loss);
      for (int round = 0; round < 2; ++round) {
        EXPECT_TRUE(co_await reader->read("a", 0, 7));
        EXPECT_TRUE(co_await reader->read("a", 7, 7));
        EXPECT_EQ((co_await reader->read("a", 14, 7)).error().code(), Code::data_loss);
      }
      co_return Result<void>();
    }));
  }
}

class SnapshotCrash : public ::testing::TestWithParam<Survival> {};

/// A power cut at any call of save, replace, drop and delete: the record's snapshot is there, whole, and nothing else.
TEST_P(SnapshotCrash, KeepsTheOldOrTheNewSnapshotAtAnyCallAndNothingElse) {
  const uint64_t seed = test_seed();
  SCOPED_TRACE(fmt::format("SOFA_TEST_SEED={}", seed));
  const Life::Body body = [](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
    {
      auto dropped = co_await or_return(store.begin(8));
    }
    co_await or_return(save(store, kept, 9));
    co_return co_await save(store, kept, 12);
  };
  uint64_t cuts = 0;
  for (uint64_t call = 1;; ++call) {
    FaultFileSystem files(seed + call);
    KeptSnapshot record = saved(files);
    files.plan(files.calls() + call, Fault::power_cut);
    const auto done = Life::live(files, record, body);
    if (done && !files.stopped()) break;
    ++cuts;
    auto disk = files.after_power_cut(GetParam(), seed + call);
    const int64_t index = record.id.index;
    EXPECT_TRUE(index == 5 || index == 9 || index == 12);
    // And at any call of the recovery.
    for (uint64_t inner = 1; inner < 200; ++inner) {
      auto again = disk->after_power_cut(Survival::kept, 1);
      again->plan(inner, Fault::power_cut);
      const auto recovered = recover(*again, record);
      if (recovered && !again->stopped()) break;
      auto last = again->after_power_cut(GetParam(), seed + call + inner);
      const auto found = Life::live(*last, record, [&](SnapshotStore& store, KeptSnapshot&) { return expect_snapshot(store, index); });
      EXPECT_TRUE(found) << "call " << call << ", then " << inner << ": " << found.error().to_string();
      EXPECT_EQ(tree(*last, kFolder).size(), 3u) << "call " << call << ", then " << inner;
      EXPECT_EQ(folders_in(*last), 1u);
    }
    ASSERT_FALSE(HasFailure()) << "call " << call;
  }
  EXPECT_GT(cuts, 60u);
}

INSTANTIATE_TEST_SUITE_P(All, SnapshotCrash, ::testing::Values(Survival::lost, Survival::kept, Survival::torn), [](const auto& info) {
  return info.param == Survival::lost ? "Lost" : info.param == Survival::kept ? "Kept" : "Torn";
});

TEST(SnapshotFaults, AnErrorAtAnyCallFailsTheSaveAndLeavesTheOldOne) {
  const uint64_t seed = test_seed();
  SCOPED_TRACE(fmt::format("SOFA_TEST_SEED={}", seed));
  for (const Fault fault : {Fault::io_error, Fault::torn_write, Fault::short_write, Fault::no_space}) {
    for (uint64_t call = 1;; ++call) {
      FaultFileSystem files(seed);
      KeptSnapshot record = saved(files);
      const uint64_t before = files.calls();
      files.plan(before + call, fault);
      uint64_t after = 0;
      const auto done = Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot& kept) -> io::Task<Result<void>> {
        auto result = co_await save(store, kept, 9);
        after = files.calls();
        co_return result;
      });
      if (after != 0 && call > after - before) break;
      if (after == 0) continue;  // the recovery failed
      EXPECT_EQ(record.id.index, done ? 9 : 5) << "call " << call;
      files.free_space();
      expect_well(Life::live(files, record, [&](SnapshotStore& store, KeptSnapshot&) { return expect_snapshot(store, record.id.index); }));
      EXPECT_EQ(folders_in(files), 1u);
    }
  }
}

TEST(Snapshots, WorkOnTheMachinesFileSystem) {
  char root[] = "/tmp/sofa_snapshot_XXXXXX";
  ASSERT_NE(::mkdtemp(root), nullptr);
  const std::string folder = std::string(root) + "/group";
  for (int life = 0; life < 2; ++life) {
    static KeptSnapshot record;
    io::Runtime runtime({.shards = 1});
    expect_well(runtime.block_on([](std::string place, int64_t index) -> io::Task<Result<void>> {
      auto store = SnapshotStore::make(log::posix_file_system(), place);
      co_await or_return(store->recover(record));
      co_await or_return(save(*store, record, index));
      co_return co_await expect_snapshot(*store, index);
    }(folder, 5 + life)));
  }
  EXPECT_EQ(tree(log::posix_file_system(), folder).size(), 3u);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace sofa::raft
