#include "sofa/state/log/log.h"

#include <gtest/gtest.h>

#include "sofa/io/runtime.h"
#include "sofa/io/shard.h"
#include "sofa/io/task_group.h"
#include "sofa/state/log/testing/log_world.h"

namespace sofa::log::testing {
namespace {

using io::or_return;

class LogTest : public ::testing::Test {
 protected:
  /// Runs `test(log)` on a shard, with a log on `files`.
  template <class F>
  void with_log(F test, LogOptions options = small_options()) {
    auto outcome = runtime_.block_on(run(files_, std::move(options), test));
    EXPECT_TRUE(outcome) << outcome.error().to_string();
  }
  template <class F>
  static io::Task<Result<void>> run(FileSystem& files, LogOptions options, F& test) {
    auto log = co_await or_return(Log::open(std::move(options), files));
    co_return co_await test(*log);
  }

  FaultFileSystem files_;
  io::Runtime runtime_;
};

TEST_F(LogTest, AppendsReadsBackAndOpensAgain) {
  with_log([](Log& log) -> io::Task<Result<void>> {
    for (uint64_t i = 1; i <= 500; ++i) EXPECT_EQ(co_await or_return(log.append(3, 7, Bytes::copy_of(payload_of(3, i, 0, 100)))), i);
    EXPECT_EQ(log.last_index(3), 500u);
    co_return co_await log.close();
  });
  with_log([](Log& log) -> io::Task<Result<void>> {
    LogReader reader(log, 3, 1, 4000);
    uint64_t index = 0;
    for (;;) {
      auto records = co_await or_return(reader.next());
      if (records.empty()) break;
      EXPECT_LE(records.size(), 40u);
      for (const auto& record : records) {
        EXPECT_EQ(record.index, ++index);
        EXPECT_EQ(record.term, 7u);
        EXPECT_EQ(record.payload.text(), payload_of(3, index, 0, 100));
      }
    }
    EXPECT_EQ(index, 500u);
    EXPECT_EQ(log.term_at(3, 500), 7u);
    EXPECT_FALSE(log.term_at(3, 501));
    co_return co_await log.close();
  });
}

io::Task<void> append_many(Log& log, uint64_t stream, int count, uint64_t& wrong) {
  for (int i = 1; i <= count; ++i) {
    auto index = co_await log.append(stream, 1, Bytes::copy_of(payload_of(stream, static_cast<uint64_t>(i), 0, 60)));
    if (!index || *index != static_cast<uint64_t>(i)) ++wrong;
  }
}

TEST_F(LogTest, ManyWritersShareOneSync) {
  with_log([](Log& log) -> io::Task<Result<void>> {
    uint64_t wrong = 0;
    {
      io::TaskGroup group(co_await io::current_scope());
      for (uint64_t writer = 1; writer <= 64; ++writer) group.spawn("append", append_many(log, writer, 20, wrong));
      co_await group.join();
    }
    EXPECT_EQ(wrong, 0u);
    const LogStats stats = log.stats();
    EXPECT_EQ(stats.records, 64u * 20u);
    EXPECT_LE(stats.batches, 64u * 20u / 8u) << "the group commit gathers what arrives together";
    EXPECT_EQ(stats.sync_nanoseconds.count(), stats.batches);
    co_return co_await log.close();
  });
}

TEST_F(LogTest, TruncatesStreamsAlone) {
  with_log([](Log& log) -> io::Task<Result<void>> {
    for (uint64_t stream : {1, 2}) {
      for (int i = 0; i < 10; ++i) co_await or_return(log.append(stream, 1, Bytes::literal("first")));
    }
    co_await or_return(log.truncate_suffix(1, 6));
    EXPECT_EQ(co_await or_return(log.append(1, 2, Bytes::literal("second"))), 6u);
    co_await or_return(log.truncate_prefix(2, 4));
    EXPECT_EQ(log.last_index(1), 6u);
    EXPECT_EQ(log.first_index(2), 5u);
    EXPECT_EQ(log.last_index(2), 10u);
    EXPECT_EQ((co_await log.read(2, 4)).error().code(), Code::out_of_range);
    co_await or_return(log.truncate_prefix(2, 100));
    EXPECT_EQ(log.next_index(2), 101u);
    EXPECT_EQ((co_await log.append(2, 1, Bytes::literal("x"), 50)).error().code(), Code::failed_precondition);
    EXPECT_EQ(co_await or_return(log.append(2, 1, Bytes::literal("x"), 101)), 101u);
    const auto all = co_await or_return(log.read(1, 1));
    EXPECT_EQ(all.size(), 6u);
    EXPECT_EQ(all.back().payload.text(), "second");
    co_return co_await log.close();
  });
}

TEST_F(LogTest, GroupsAndTicketsKeepTheOrderOfTheCalls) {
  with_log([](Log& log) -> io::Task<Result<void>> {
    Ticket one = co_await or_return(log.append_nowait({1, 1, 0, Bytes::literal("one")}));
    EXPECT_EQ(one.index(), 1u);
    {
      const Ticket dropped = co_await or_return(log.append_nowait({1, 1, 0, Bytes::literal("two")}));
    }
    std::vector<NewRecord> group{{1, 1, 0, Bytes::literal("three")}, {2, 1, 0, Bytes::literal("other")}, {1, 1, 0, Bytes::literal("four")}};
    EXPECT_EQ(co_await or_return(log.append(std::move(group))), 3u);
    EXPECT_TRUE(one.done());
    EXPECT_EQ(co_await or_return(one.durable()), 1u);
    const auto records = co_await or_return(log.read(1, 1));
    std::string text;
    for (const auto& record : records) text += std::string(record.payload.text()) + " ";
    EXPECT_EQ(text, "one two three four ");
    // A group of which one record is refused leaves nothing behind.
    std::vector<NewRecord> bad{{1, 1, 5, Bytes::literal("x")}, {1, 1, 7, Bytes::literal("y")}};
    EXPECT_EQ((co_await log.append(std::move(bad))).error().code(), Code::failed_precondition);
    EXPECT_EQ(log.next_index(1), 5u);
    co_return co_await log.close();
  });
}

TEST_F(LogTest, BoundsWhatWaits) {
  LogOptions options = small_options();
  options.max_pending_records = 10;
  with_log(
      [](Log& log) -> io::Task<Result<void>> {
        std::vector<Ticket> tickets;
        for (int i = 0; i < 10; ++i) tickets.push_back(co_await or_return(log.append_nowait({1, 1, 0, Bytes::literal("x")})));
        auto refused = log.append_nowait({1, 1, 0, Bytes::literal("x")});
        EXPECT_EQ(refused.error().code(), Code::resource_exhausted);
        EXPECT_NE(refused.error().message().find("max_pending_records"), std::string_view::npos);
        for (auto& ticket : tickets) co_await or_return(ticket.durable());
        EXPECT_EQ(co_await or_return(log.append(1, 1, Bytes::literal("y"))), 11u);
        co_return co_await log.close();
      },
      options);
}

TEST_F(LogTest, AFailedSyncIsFinal) {
  with_log([this](Log& log) -> io::Task<Result<void>> {
    co_await or_return(log.append(1, 1, Bytes::literal("safe")));
    files_.fail_next("sync", "segment-00000000000000000001.log");
    auto failed = co_await log.append(1, 1, Bytes::literal("doubtful"));
    EXPECT_FALSE(failed);
    EXPECT_NE(failed.error().message().find("restart"), std::string_view::npos) << failed.error().to_string();
    EXPECT_FALSE(co_await log.append(1, 1, Bytes::literal("later"))) << "a later sync that succeeds proves nothing";
    EXPECT_EQ(log.last_index(1), 1u);
    EXPECT_NE(log.failure(), nullptr);
    EXPECT_FALSE(co_await log.close());
    co_return Result<void>{};
  });
  auto found = files_.after_power_cut(Survival::lost, 1);
  LogWorld world(*found);
  ASSERT_TRUE(world.open());
  EXPECT_EQ(world.durable.at(1).entries.size(), 1u);
}

io::Task<void> append_until_refused(Log& log, std::vector<std::string>& reasons) {
  for (;;) {
    auto index = co_await log.append(2, 1, Bytes::literal("another stream"));
    if (index) continue;
    reasons.push_back(index.error().to_string());
    co_return;
  }
}

TEST_F(LogTest, ASegmentThatCannotBeDeletedEndsTheLogAndLosesNothing) {
  uint64_t of_stream_2 = 0;
  with_log([&](Log& log) -> io::Task<Result<void>> {
    const Bytes payload = Bytes::copy_of(std::string(4000, 'x'));
    for (int i = 0; i < 40; ++i) co_await or_return(log.append(1, 1, payload));
    std::vector<std::string> reasons;
    io::TaskGroup group(co_await io::current_scope());
    for (int i = 0; i < 10; ++i) group.spawn("append", append_until_refused(log, reasons));
    files_.fail_next("delete", segment_name(1));
    co_await or_return(log.truncate_prefix(1, 39));
    co_await or_return(group.join());
    EXPECT_EQ(reasons.size(), 10u) << "every waiter is told";
    for (const auto& reason : reasons) EXPECT_NE(reason.find("Cannot delete /log/" + segment_name(1)), std::string::npos) << reason;
    EXPECT_NE(log.failure(), nullptr);
    EXPECT_FALSE(co_await log.close());
    of_stream_2 = log.last_index(2);
    co_return Result<void>{};
  });
  with_log([&](Log& log) -> io::Task<Result<void>> {
    EXPECT_EQ(log.first_index(1), 40u);
    EXPECT_EQ(log.last_index(1), 40u);
    EXPECT_EQ(log.last_index(2), of_stream_2);
    co_await or_return(log.append(1, 1, Bytes::literal("goes on")));
    co_return co_await log.close();
  });
}

TEST_F(LogTest, AFullDiskRefusesAndResumes) {
  with_log([this](Log& log) -> io::Task<Result<void>> {
    const Bytes payload = Bytes::copy_of(std::string(4000, 'x'));
    co_await or_return(log.append(1, 1, payload));
    files_.fill_up();
    Result<uint64_t> last = 0;
    for (int i = 0; i < 100 && last; ++i) last = co_await log.append(1, 1, payload);
    EXPECT_FALSE(last);
    EXPECT_EQ(last.error().code(), Code::resource_exhausted);
    const std::string sentence(last.error().message());
    EXPECT_TRUE(sentence.contains("is full") && sentence.contains("append again")) << last.error().to_string();
    co_await or_return(log.truncate_prefix(1, 3));
    files_.free_space();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    do last = co_await log.append(1, 1, payload);
    while (!last && std::chrono::steady_clock::now() < deadline && (co_await io::sleep_for(std::chrono::milliseconds(1))));
    EXPECT_TRUE(last);
    co_return co_await log.close();
  });
}

TEST_F(LogTest, GivesSpaceBackBySegmentAlsoWhenAStreamLags) {
  with_log([](Log& log) -> io::Task<Result<void>> {
    const Bytes payload = Bytes::copy_of(std::string(4000, 'x'));
    co_await or_return(log.append(2, 5, Bytes::literal("lagging")));
    for (int i = 0; i < 100; ++i) co_await or_return(log.append(1, 1, payload));
    co_await or_return(log.truncate_prefix(1, 99));
    EXPECT_GT(log.stats().segments, 4u);
    uint64_t moved = 0;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (log.stats().segments > 2 && std::chrono::steady_clock::now() < deadline) {
      moved += co_await or_return(log.compact_oldest());
      co_await or_return(io::sleep_for(std::chrono::milliseconds(1)));
    }
    EXPECT_GE(moved, 1u);
    EXPECT_LE(log.stats().segments, 2u);
    const auto records = co_await or_return(log.read(2, 1));
    EXPECT_EQ(records.front().payload.text(), "lagging");
    EXPECT_EQ(records.front().term, 5u);
    co_return co_await log.close();
  });
  with_log([](Log& log) -> io::Task<Result<void>> {
    EXPECT_EQ(log.last_index(2), 1u);
    EXPECT_EQ(log.first_index(1), 100u);
    co_return co_await log.close();
  });
}

TEST_F(LogTest, CacheIsBoundedAndReadsAreChecked) {
  with_log([this](Log& log) -> io::Task<Result<void>> {
    for (int i = 0; i < 50; ++i) co_await or_return(log.append(1, 1, Bytes::copy_of(std::string(500, 'x'))));
    EXPECT_LE(log.stats().cached_bytes, small_options().cache_bytes);
    files_.flip_bit("/log/segment-00000000000000000001.log", kSegmentHeaderSize + 200, 3);
    auto read = co_await log.read(1, 1, 1);
    EXPECT_EQ(read.error().code(), Code::data_loss);
    EXPECT_NE(read.error().message().find("at offset"), std::string_view::npos);
    co_return co_await log.close();
  });
}

io::Task<void> close_and_count(Log& log, int& ended) {
  if (co_await log.close()) ++ended;
}

TEST_F(LogTest, EveryOfSeveralClosesEnds) {
  for (int closers : {1, 2, 3}) {
    with_log([closers](Log& log) -> io::Task<Result<void>> {
      for (int i = 0; i < 20; ++i) (void)co_await or_return(log.append_nowait({1, 1, 0, Bytes::literal("x")}));
      int ended = 0;
      io::TaskGroup group(co_await io::current_scope());
      for (int i = 0; i < closers; ++i) group.spawn("close", close_and_count(log, ended));
      co_await or_return(group.join());
      EXPECT_EQ(ended, closers);
      EXPECT_EQ(log.append_nowait({1, 1, 0, Bytes::literal("late")}).error().code(), Code::failed_precondition);
      co_return co_await log.close();
    });
  }
}

TEST_F(LogTest, ACloseInACancelledScopeStillCloses) {
  for (int i = 0; i < 20; ++i) {
    with_log([](Log& log) -> io::Task<Result<void>> {
      co_await or_return(log.append(1, 1, Bytes::literal("x")));
      int ended = 0;
      io::TaskGroup group(co_await io::current_scope());
      group.cancel();
      group.spawn("close", close_and_count(log, ended));
      co_await or_return(group.join());
      EXPECT_EQ(ended, 1);
      co_return Result<void>{};
    });
  }
}

TEST_F(LogTest, EndsInTheMiddleOfAppendsWithoutLeaks) {
  with_log([](Log& log) -> io::Task<Result<void>> {
    for (int i = 0; i < 20; ++i) (void)co_await or_return(log.append_nowait({1, 1, 0, Bytes::literal("x")}));
    co_return Result<void>{};
  });
}

}  // namespace
}  // namespace sofa::log::testing
