#include "sofa/state/log/recovery.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sofa/state/log/testing/log_world.h"

namespace sofa::log::testing {
namespace {

std::string first_segment() { return "/log/" + segment_name(1); }

/// A disk with `batches` acknowledged batches of three records each.
std::unique_ptr<FaultFileSystem> disk_with(int batches, std::vector<uint64_t>* ends = nullptr) {
  FaultFileSystem files;
  LogWorld world(files);
  EXPECT_TRUE(world.open());
  for (int i = 0; i < batches; ++i) {
    std::vector<NewRecord> group(3);
    for (auto& record : group) record = {1, 1, 0, Bytes::copy_of(payload_of(1, static_cast<uint64_t>(i), 0, 300))};
    EXPECT_TRUE(world.core->stage(group, nullptr) && world.pump());
    const auto last = world.core->table().find(1)->entries.back().at;
    if (ends != nullptr) ends->push_back(last.offset() + record_size(last.length));
  }
  return files.after_kill();
}

TEST(Recovery, CutsATornTailAndSaysSo) {
  std::vector<uint64_t> ends;
  auto files = disk_with(5, &ends);
  auto bytes = files->contents(first_segment());
  // A sixth batch of which only the second half reached the disk.
  const SegmentId id = decode_segment_header(bytes, first_segment())->id;
  Buffer batch;
  RecordHeader header{.kind = Kind::entry, .stream = 1, .index = 16, .batch_at = static_cast<uint32_t>(ends.back() / 8), .attempt = 99};
  header.previous = encode_record(batch, header, as_bytes("lost"), id, ends.back());
  header.index = 17;
  header.ends_batch = true;
  encode_record(batch, header, as_bytes("kept"), id, ends.back() + batch.size());
  std::copy(batch.span().begin() + 24, batch.span().end(), bytes.begin() + static_cast<long>(ends.back()) + 24);
  files->put(first_segment(), bytes);
  LogWorld world(*files);
  ASSERT_TRUE(world.open());
  EXPECT_EQ(world.durable.at(1).entries.size(), 15u);
  ASSERT_EQ(world.notes.size(), 1u);
  EXPECT_NE(world.notes[0].find(fmt::format("{} at offset {}", first_segment(), ends.back())), std::string::npos) << world.notes[0];
  world.core.reset();
  ASSERT_TRUE(world.open());
  EXPECT_TRUE(world.notes.empty());
}

TEST(Recovery, RefusesAnyFlippedBitOfAcknowledgedRecordsWithFileOffsetAndChecksums) {
  std::vector<uint64_t> ends;
  auto files = disk_with(5, &ends);
  uint64_t refused = 0;
  for (uint64_t offset = kSegmentHeaderSize; offset < ends.back(); offset += 13) {
    auto copy = files->after_kill();
    copy->flip_bit(first_segment(), offset, static_cast<int>(offset % 8));
    LogWorld world(*copy);
    auto opened = world.open();
    if (opened) continue;  // padding between records: checked below to be rare
    ++refused;
    ASSERT_EQ(opened.error().code(), Code::data_loss);
    const std::string text = opened.error().to_string();
    for (const char* part : {"segment-", "at offset", "expected", "found", "restore"}) EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_EQ(copy->contents(first_segment()).size(), 65536u);
  }
  EXPECT_GE(refused, (ends.back() - kSegmentHeaderSize) / 13 * 9 / 10);
}

TEST(Recovery, TellsALostAcknowledgedTailFromATornOne) {
  std::vector<uint64_t> ends;
  auto files = disk_with(5, &ends);
  auto bytes = files->contents(first_segment());
  // The last acknowledged batch is gone as a whole, as after a lost write: only the hint knows.
  std::fill(bytes.begin() + static_cast<long>(ends[3]), bytes.begin() + static_cast<long>(ends[4]), 0);
  files->put(first_segment(), bytes);
  LogWorld world(*files);
  auto opened = world.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::data_loss);
  EXPECT_NE(opened.error().message().find("acknowledged records are lost"), std::string::npos) << opened.error().to_string();
  EXPECT_EQ(files->contents(first_segment()), bytes);
}

TEST(Recovery, FindsAMisdirectedWriteAndAStalePage) {
  std::vector<uint64_t> ends;
  auto files = disk_with(12, &ends);
  const auto good = files->contents(first_segment());
  // Right data at the wrong place.
  auto bytes = good;
  std::copy(good.begin() + static_cast<long>(ends[1]), good.begin() + static_cast<long>(ends[2]), bytes.begin() + static_cast<long>(ends[3]));
  files->put(first_segment(), bytes);
  LogWorld world(*files);
  EXPECT_EQ(world.open().error().code(), Code::data_loss);
  // An old page: zeros where a batch had been.
  bytes = good;
  std::fill(bytes.begin() + 8192, bytes.begin() + 12288, 0);
  files->put(first_segment(), bytes);
  LogWorld stale(*files);
  EXPECT_EQ(stale.open().error().code(), Code::data_loss);
}

/// The disk of a log whose last append, of `payload`, is torn: its first sector did not reach the disk, so that it was never acknowledged.
std::unique_ptr<FaultFileSystem> disk_with_a_torn_append(const FaultFileSystem& before, std::string_view payload) {
  auto files = before.after_kill();
  const auto hint = files->contents("/log/last-durable");
  uint64_t at = 0;
  {
    LogWorld world(*files);
    EXPECT_TRUE(world.open() && world.append(1, payload));
    at = world.core->table().find(1)->entries.back().at.offset();
  }
  auto bytes = files->contents(first_segment());
  const uint64_t sector_end = (at / 512 + 1) * 512;
  std::fill(bytes.begin() + static_cast<long>(at), bytes.begin() + static_cast<long>(sector_end), 0);
  files->put(first_segment(), bytes);
  files->put("/log/last-durable", hint);
  return files;
}

void expect_cut_to(FaultFileSystem& files, size_t entries) {
  LogWorld world(files);
  auto opened = world.open();
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_EQ(world.durable.at(1).entries.size(), entries);
  ASSERT_EQ(world.notes.size(), 1u);
  EXPECT_NE(world.notes[0].find("never acknowledged"), std::string::npos) << world.notes[0];
}

TEST(Recovery, ATornRecordThatHoldsASegmentOfAnotherLogIsCut) {
  // Longer than the log that stores it, so that its records began behind the torn place: as evidence they would prove a later write.
  const auto other = disk_with(12)->contents(first_segment());
  const std::string stored(other.begin(), other.begin() + 16000);
  auto files = disk_with_a_torn_append(*disk_with(3), stored);
  expect_cut_to(*files, 9);
}

TEST(Recovery, ATornRecordThatHoldsBytesOfItsOwnSegmentIsCut) {
  for (int batches : {1, 3, 7}) {
    auto before = disk_with(batches);
    const auto own = before->contents(first_segment());
    // Also moved by less than a record, so that a copy stands at every place relative to its record's.
    for (size_t moved = 0; moved < 64; moved += 8) {
      auto files = disk_with_a_torn_append(*before, std::string(own.begin() + static_cast<long>(moved), own.begin() + 12000));
      expect_cut_to(*files, static_cast<size_t>(batches) * 3);
    }
  }
}

TEST(Recovery, RecordsOfASegmentThatWasThereBeforeProveNothing) {
  std::vector<uint64_t> ends;
  auto files = disk_with(3, &ends);
  const auto stale = disk_with(12)->contents(first_segment());
  auto bytes = files->contents(first_segment());
  std::copy(stale.begin() + static_cast<long>(ends.back()), stale.end(), bytes.begin() + static_cast<long>(ends.back()));
  files->put(first_segment(), bytes);
  expect_cut_to(*files, 9);
}

TEST(Recovery, RefusesALostEndOfASegmentThatAnotherFollowsWithoutTheHint) {
  FaultFileSystem files;
  LogWorld world(files);
  ASSERT_TRUE(world.open());
  while (world.core->active() < 2) ASSERT_TRUE(world.append(1, payload_of(1, 1, 1, 8000)));
  // The last batch of the first segment and its seal are gone as a whole, and so is the hint.
  uint64_t last = 0;
  world.core->table().find(1)->entries.for_each([&](size_t, const detail::Entry& entry) {
    if (entry.at.segment == 1) last = entry.at.offset();
  });
  auto bytes = files.contents(first_segment());
  std::fill(bytes.begin() + static_cast<long>(last), bytes.end(), 0);
  files.put(first_segment(), bytes);
  files.put("/log/last-durable", {});
  world.core.reset();
  auto opened = LogWorld(files).open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::data_loss);
}

TEST(Recovery, RefusesAMissingSegment) {
  FaultFileSystem files;
  LogWorld world(files);
  ASSERT_TRUE(world.open());
  while (world.core->active() < 4) ASSERT_TRUE(world.append(1, payload_of(1, 1, 1, 8000)));
  world.core.reset();
  auto middle = files.after_kill(), oldest = files.after_kill();
  ASSERT_TRUE(middle->unlink("/log/" + segment_name(2)));
  EXPECT_EQ(LogWorld(*middle).open().error().code(), Code::data_loss);
  ASSERT_TRUE(oldest->unlink("/log/" + segment_name(1)));
  EXPECT_EQ(LogWorld(*oldest).open().error().code(), Code::data_loss);
}

TEST(Recovery, OpensWithOtherOptionsThanTheLogWasWrittenWith) {
  FaultFileSystem files;
  LogWorld world(files);
  ASSERT_TRUE(world.open());
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(world.append(1, payload_of(1, 1, 1, 5000)));
  const Model before = world.durable;
  world.core.reset();
  LogOptions larger = small_options();
  larger.segment_bytes = 1 << 20;
  larger.max_record_bytes = 400'000;
  LogWorld again(files, larger);
  ASSERT_TRUE(again.open());
  EXPECT_EQ(again.durable, before);
  ASSERT_TRUE(again.append(1, std::string(400'000, 'x')));
  EXPECT_FALSE(again.append(1, std::string(400'001, 'x')));
  EXPECT_EQ(again.last_error->code(), Code::invalid_argument);
}

TEST(Recovery, RefusesANewerAndAnOlderVersionAnotherFolderAndOneInUse) {
  auto files = disk_with(1);
  auto put = [&](std::string_view text) {
    const ByteSpan bytes = as_bytes(text);
    files->put("/log/VERSION", std::vector<uint8_t>(bytes.begin(), bytes.end()));
  };
  put(fmt::format("sofa-log {}\n", kFormatVersion + 1));
  auto newer = LogWorld(*files).open();
  EXPECT_EQ(newer.error().code(), Code::failed_precondition);
  EXPECT_NE(newer.error().message().find("use the newer program"), std::string::npos);
  put("sofa-log 1\n");
  auto older = LogWorld(*files).open();
  EXPECT_EQ(older.error().code(), Code::failed_precondition);
  EXPECT_NE(older.error().message().find("a new folder"), std::string::npos);
  put("something else");
  EXPECT_EQ(LogWorld(*files).open().error().code(), Code::failed_precondition);
  put(fmt::format("sofa-log {}\n", kFormatVersion));
  LogWorld holder(*files);
  ASSERT_TRUE(holder.open());
  EXPECT_EQ(LogWorld(*files).open().error().code(), Code::failed_precondition);
}

TEST(Recovery, NamesTheProcessThatHoldsARealFolder) {
  const std::string folder = std::filesystem::temp_directory_path() / fmt::format("sofa-log-lock-{}", ::getpid());
  LogOptions options = small_options();
  options.folder = folder;
  {
    LogWorld holder(posix_file_system(), options);
    ASSERT_TRUE(holder.open());
    ASSERT_TRUE(holder.append(1, "x"));
    auto second = LogWorld(posix_file_system(), options).open();
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().to_string().find(fmt::format("pid {}", ::getpid())), std::string::npos) << second.error().to_string();
  }
  LogWorld again(posix_file_system(), options);
  ASSERT_TRUE(again.open());
  EXPECT_EQ(again.durable.at(1).entries.size(), 1u);
  std::filesystem::remove_all(folder);
}

TEST(Recovery, RefusesAFolderThatIsNotWritable) {
  // Of the superuser every folder is writable, so the refusal comes from the fault layer there.
  class ReadOnly final : public FaultFileSystem {
   public:
    Result<std::unique_ptr<FolderLock>> lock(const std::string& path) override {
      return std::unexpected<Error>(errno_error(EACCES, "Cannot create " + path));
    }
  };
  ReadOnly files;
  auto opened = LogWorld(files).open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::permission_denied);
  EXPECT_NE(opened.error().message().find("/log is not writable"), std::string::npos) << opened.error().to_string();
}

TEST(Recovery, SaysWhatToDoAboutAFolderThatCannotBeMade) {
  const std::string file = std::filesystem::temp_directory_path() / fmt::format("sofa-log-file-{}", ::getpid());
  std::ofstream(file) << "a file, where a folder is wanted";
  LogOptions options = small_options();
  options.folder = file + "/log";
  auto opened = open_folder(posix_file_system(), options);
  std::filesystem::remove(file);
  ASSERT_FALSE(opened);
  for (const std::string& part : {options.folder + " cannot be made", std::string("name another one"), "Cannot create folder " + file}) {
    EXPECT_NE(opened.error().to_string().find(part), std::string::npos) << opened.error().to_string();
  }
  options.folder = "";
  EXPECT_NE(check_options(options).error().message().find("its path is empty; name a folder"), std::string_view::npos);
  EXPECT_NE(create_folders(posix_file_system(), "").error().message().find("its path is empty; name a folder"), std::string_view::npos);
}

TEST(Recovery, RefusesSegmentsThatAreTooLargeToRead) {
  LogOptions options = small_options();
  options.segment_bytes = kMostSegmentBytes;
  EXPECT_TRUE(check_options(options));
  options.segment_bytes = kMostSegmentBytes + 4096;
  EXPECT_NE(check_options(options).error().message().find("from 64 KiB to 1 GiB"), std::string_view::npos);

  const std::string folder = std::filesystem::temp_directory_path() / fmt::format("sofa-log-huge-{}", ::getpid());
  options = small_options();
  options.folder = folder;
  {
    LogWorld world(posix_file_system(), options);
    ASSERT_TRUE(world.open());
    ASSERT_TRUE(world.append(1, "x"));
  }
  std::filesystem::resize_file(folder + "/" + segment_name(1), kMostSegmentBytes * 16);  // sparse
  auto opened = open_folder(posix_file_system(), options);
  std::filesystem::remove_all(folder);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::data_loss);
  EXPECT_NE(opened.error().message().find("no segment has more than 1073741824"), std::string_view::npos) << opened.error().to_string();
}

TEST(FullDisk, RefusesAppendsTakesTruncationsAndGoesOnWhenSpaceIsBack) {
  FaultFileSystem files;
  LogWorld world(files);
  ASSERT_TRUE(world.open());
  while (world.core->active() < 3) ASSERT_TRUE(world.append(1, payload_of(1, 1, 1, 4000)));
  files.fill_up();
  while (world.append(1, payload_of(1, 1, 1, 4000))) {
  }
  EXPECT_EQ(world.last_error->code(), Code::resource_exhausted);
  EXPECT_NE(world.last_error->message().find("free space or truncate streams, then append again"), std::string_view::npos)
      << world.last_error->to_string();
  EXPECT_FALSE(world.core->failed());
  const uint64_t last = world.core->table().find(1)->next() - 1;
  for (uint64_t upto = last - 5; upto <= last; ++upto)
    ASSERT_TRUE(world.core->stage_truncate(Kind::truncate_prefix, 1, upto, nullptr) && world.pump());
  EXPECT_GT(world.deleted, 0u) << "truncation gives segments back though the disk is full";
  files.free_space();
  EXPECT_TRUE(world.append(1, "again"));
  const Model before = world.durable;
  world.core.reset();
  ASSERT_TRUE(world.open());
  EXPECT_EQ(world.durable, before);
}

TEST(OpenFiles, AreNotCalledAFullDiskAndTheLogGoesOnWhenThereAreSome) {
  class TooManyOpen final : public FaultFileSystem {
   public:
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
      if (none_left && mode == OpenMode::create) return std::unexpected<Error>(errno_error(EMFILE, "Cannot create " + path));
      return FaultFileSystem::open(path, mode);
    }
    bool none_left = false;
  };
  TooManyOpen files;
  LogWorld world(files);
  ASSERT_TRUE(world.open());
  ASSERT_TRUE(world.append(1, "x"));
  files.none_left = true;
  while (world.append(1, payload_of(1, 1, 1, 4000))) {
  }
  const std::string first = world.last_error->to_string();
  EXPECT_FALSE(world.append(1, payload_of(1, 1, 1, 4000)));
  for (const std::string& text : {first, world.last_error->to_string()}) {
    EXPECT_EQ(text.find("disk"), std::string::npos) << text;
    EXPECT_NE(text.find("ulimit -n"), std::string::npos) << text;
  }
  files.none_left = false;
  EXPECT_TRUE(world.append(1, "again")) << world.last_error->to_string();
}

TEST(Space, ComesBackBySegmentWhenALaggingStreamIsMoved) {
  FaultFileSystem files;
  LogWorld world(files);
  ASSERT_TRUE(world.open());
  ASSERT_TRUE(world.append(2, "of the stream that lags"));
  while (world.core->active() < 5) ASSERT_TRUE(world.append(1, payload_of(1, 1, 1, 4000)));
  ASSERT_TRUE(world.core->stage_truncate(Kind::truncate_prefix, 1, world.core->table().find(1)->next() - 1, nullptr) && world.pump());
  EXPECT_EQ(world.core->segments().begin()->first, 1u) << "one live record holds the segment";
  const auto live = world.core->table().entries_of(1);
  ASSERT_EQ(live.size(), 1u);
  ASSERT_TRUE(world.core->stage_moved(2, 1, 1, Bytes::copy_of("of the stream that lags"), true, nullptr) && world.pump());
  EXPECT_EQ(world.core->segments().size(), 1u);
  const Model before = world.durable;
  world.core.reset();
  ASSERT_TRUE(world.open());
  EXPECT_EQ(world.durable, before);
  EXPECT_EQ(world.durable.at(2).entries.front().second, "of the stream that lags");
  EXPECT_EQ(world.core->table().find(1)->next(), world.core->table().find(1)->first) << "the emptied stream keeps its place";
  EXPECT_GT(world.core->table().find(1)->first, 1u);
}

}  // namespace
}  // namespace sofa::log::testing
