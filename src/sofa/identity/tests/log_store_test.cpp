#include "sofa/identity/log_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "sofa/base/testing/captured_log.h"
#include "sofa/io/runtime.h"
#include "sofa/io/scope.h"
#include "sofa/io/task_group.h"
#include "sofa/state/log/testing/fault_file_system.h"

namespace sofa::identity {
namespace {

using io::or_return;
using log::testing::Fault;
using log::testing::FaultFileSystem;
using log::testing::Survival;
using ::testing::HasSubstr;

using Values = std::map<std::string, std::string>;  // "kind/name" to value

LogStoreOptions small_options() { return {.folder = "/data/identity", .segment_bytes = 64u << 10, .compact_after = 20, .max_audit = 50}; }

Values as_map(const std::vector<Change>& changes) {
  Values values;
  for (const Change& change : changes) values[change.kind + "/" + change.name] = change.value;
  return values;
}

void make_changes(const std::vector<Change>& changes, Values& values) {
  for (const Change& change : changes) {
    if (change.value.empty()) {
      values.erase(change.kind + "/" + change.name);
    } else {
      values[change.kind + "/" + change.name] = change.value;
    }
  }
}

/// Runs `body(store, values)` on a fresh store on `files`; the error of opening, or of the body.
template <class F>
Result<void> with_store(log::FileSystem& files, F body, LogStoreOptions options = small_options()) {
  io::Runtime runtime({.shards = 1});
  return runtime.block_on([&]() -> io::Task<Result<void>> {
    auto store = co_await or_return(LogStore::open(options, files));
    auto loaded = co_await or_return(store->load());
    auto done = co_await body(*store, as_map(loaded));
    (void)co_await store->close();
    co_return done;
  }());
}

AuditEntry entry(std::string actor, std::string action, AuditResult result = AuditResult::ok) {
  return {.at_ms = 1, .actor = std::move(actor), .action = std::move(action), .result = result};
}

TEST(LogStore, KeepsValuesAndRemovalsOverARestart) {
  FaultFileSystem files;
  auto first = with_store(files, [](LogStore& store, const Values& loaded) -> io::Task<Result<void>> {
    EXPECT_EQ(loaded, Values{});
    co_await or_return(store.append({{"user", "ann", "{1}"}, {"key", "ann", "{2}"}}, entry("x", "user.add")));
    co_await or_return(store.append({{"user", "bob", "{3}"}}, entry("x", "user.add")));
    co_return co_await store.append({{"user", "ann", ""}, {"user", "bob", "{4}"}}, entry("x", "user.remove"));
  });
  EXPECT_TRUE(first) << first.error().to_string();
  auto second = with_store(files, [](LogStore&, const Values& loaded) -> io::Task<Result<void>> {
    EXPECT_EQ(loaded, (Values{{"key/ann", "{2}"}, {"user/bob", "{4}"}}));
    co_return Result<void>();
  });
  EXPECT_TRUE(second) << second.error().to_string();
}

TEST(LogStore, RefusesAFolderOfANewerVersion) {
  FaultFileSystem files;
  const auto nothing = [](LogStore&, const Values&) -> io::Task<Result<void>> { co_return Result<void>(); };
  ASSERT_TRUE(with_store(files, nothing));
  const std::string newer = "sofa-identity 2\n";
  files.put("/data/identity/VERSION", {newer.begin(), newer.end()});
  const auto refused = with_store(files, nothing);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::failed_precondition);
  EXPECT_THAT(refused.error().to_string(),
              AllOf(HasSubstr("/data/identity"), HasSubstr("'sofa-identity 2'"), HasSubstr("start the version that wrote it")));
}

TEST(LogStore, TheStreamOfChangesStaysWithinItsBound) {
  FaultFileSystem files;
  auto done = with_store(files, [&](LogStore& store, const Values&) -> io::Task<Result<void>> {
    Values values;
    for (int i = 0; i < 1'000; ++i) {
      const std::vector<Change> changes{{"user", fmt::format("u{}", i % 30), fmt::format("{{{}}}", i)}};
      make_changes(changes, values);
      co_await or_return(store.append(changes, entry("x", "user.change")));
      EXPECT_LE(store.records(), 2u * values.size() + 20 + 1);
    }
    co_return Result<void>();
  });
  ASSERT_TRUE(done) << done.error().to_string();
  auto again = with_store(files, [](LogStore&, const Values& loaded) -> io::Task<Result<void>> {
    EXPECT_EQ(loaded.size(), 30u);
    EXPECT_EQ(loaded.at("user/u9"), "{999}");
    co_return Result<void>();
  });
  EXPECT_TRUE(again) << again.error().to_string();
}

// 6,000 entries of which 50 are kept, and one value that is older than all of them: its segment must not stay for ever.
TEST(LogStore, TheAuditIsBoundedAndDoesNotKeepOldSegments) {
  FaultFileSystem files;
  auto done = with_store(files, [&](LogStore& store, const Values&) -> io::Task<Result<void>> {
    co_await or_return(store.append({{"user", "ann", "{1}"}}, entry("x", "user.add")));
    for (int i = 0; i < 6'000; ++i) co_await or_return(store.append({}, entry(fmt::format("a{}", i), "login", AuditResult::denied)));
    const AuditPage page = co_await or_return(store.audit({.limit = 1'000}));
    EXPECT_LE(page.entries.size(), 1'000u);
    EXPECT_EQ(page.entries.front().actor, "a5999");
    co_return Result<void>();
  });
  ASSERT_TRUE(done) << done.error().to_string();
  EXPECT_LE(files.list("/data/identity/log")->size(), 3u + 8u) << "segments are given back";
}

TEST(LogStore, TheAuditIsReadNewestFirstByPagesWithAFilter) {
  FaultFileSystem files;
  auto done = with_store(files, [&](LogStore& store, const Values&) -> io::Task<Result<void>> {
    for (int i = 0; i < 40; ++i) {
      co_await or_return(
          store.append({}, entry(i % 2 == 0 ? "ann" : "bob", i % 4 == 0 ? "user.add" : "login", i % 4 == 1 ? AuditResult::denied : AuditResult::ok)));
    }
    std::vector<std::string> ids;
    AuditFilter filter{.limit = 7, .actor = "ann"};
    do {
      AuditPage page = co_await or_return(store.audit(filter));
      for (const AuditEntry& one : page.entries) {
        EXPECT_EQ(one.actor, "ann");
        ids.push_back(one.id);
      }
      filter.before = page.next;
    } while (!filter.before.empty());
    EXPECT_EQ(ids.size(), 20u);
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 20u);
    EXPECT_EQ((co_await or_return(store.audit({.action = "user"}))).entries.size(), 10u);
    EXPECT_EQ((co_await or_return(store.audit({.action = "us"}))).entries.size(), 0u);
    EXPECT_EQ((co_await or_return(store.audit({.result = AuditResult::denied}))).entries.size(), 10u);
    EXPECT_EQ((co_await store.audit({.before = "x"})).error().code(), Code::invalid_argument);
    co_return Result<void>();
  });
  ASSERT_TRUE(done) << done.error().to_string();
}

TEST(LogStore, RefusedLoginsHaveARingOfTheirOwnAndStandInTheAuditWhereTheyHappened) {
  FaultFileSystem files;
  LogStoreOptions options = small_options();
  options.max_refused = 500;
  auto done = with_store(
      files,
      [](LogStore& store, const Values&) -> io::Task<Result<void>> {
        co_await or_return(store.append({}, entry("root", "user.add")));
        for (int i = 0; i < 4'000; ++i) co_await or_return(store.append_refused(entry(fmt::format("r{}", i), "login", AuditResult::denied)));
        co_await or_return(store.append({}, entry("root", "user.remove")));
        co_await or_return(store.append_refused(entry("late", "login", AuditResult::denied)));
        std::vector<std::string> told;
        AuditFilter filter{.limit = 300};
        do {
          AuditPage page = co_await or_return(store.audit(filter));
          for (const AuditEntry& one : page.entries) told.push_back(fmt::format("{} {}", one.actor, one.action));
          filter.before = page.next;
        } while (!filter.before.empty());
        EXPECT_THAT(told.size(), ::testing::AllOf(::testing::Ge(503u), ::testing::Le(1'503u))) << "the ring is bounded";
        EXPECT_EQ(told.at(0), "late login");
        EXPECT_EQ(told.at(1), "root user.remove");
        EXPECT_EQ(told.at(2), "r3999 login");
        EXPECT_EQ(told.back(), "root user.add") << "no guess has pushed it out";
        co_return Result<void>();
      },
      options);
  EXPECT_TRUE(done) << done.error().to_string();
}

TEST(LogStore, TheAuditGivesWhatIsNewerThanAnEntryAndWhatIsYoungerThanATime) {
  FaultFileSystem files;
  auto done = with_store(files, [](LogStore& store, const Values&) -> io::Task<Result<void>> {
    for (int i = 0; i < 10; ++i) {
      AuditEntry one = entry(fmt::format("a{}", i), "user.add");
      one.at_ms = 100 + i;
      co_await or_return(i % 3 == 0 ? store.append_refused(one) : store.append({}, one));
    }
    const AuditPage all = co_await or_return(store.audit({}));
    const AuditPage newer = co_await or_return(store.audit({.after = all.entries.at(4).id}));
    EXPECT_EQ(newer.entries.size(), 4u);
    EXPECT_EQ(newer.next, "");
    EXPECT_EQ(newer.entries.back().actor, "a6");
    EXPECT_EQ((co_await or_return(store.audit({.before = all.entries.at(4).id}))).entries.front().actor, "a4");
    EXPECT_EQ((co_await or_return(store.audit({.since_ms = 107}))).entries.size(), 3u);
    EXPECT_EQ((co_await store.audit({.after = "x"})).error().code(), Code::invalid_argument);
    co_return Result<void>();
  });
  EXPECT_TRUE(done) << done.error().to_string();
}

// The audit is read while changes go on, and its oldest entries go.
TEST(LogStore, AQueryOfTheAuditHoldsUpNoChange) {
  FaultFileSystem files;
  auto done = with_store(files, [](LogStore& store, const Values&) -> io::Task<Result<void>> {
    for (int i = 0; i < 1'000; ++i) co_await or_return(store.append({}, entry("x", "user.add")));
    io::TaskGroup group(co_await io::current_scope());
    size_t queries = 0;
    bool stop = false;
    group.spawn("query", [](LogStore& store, size_t& queries, bool& stop) -> io::Task<void> {
      while (!stop) {
        const auto page = co_await store.audit({.limit = 1'000, .actor = "nobody"});
        EXPECT_TRUE(page) << page.error().to_string();
        ++queries;
        (void)co_await io::sleep_for(std::chrono::microseconds(100));  // what it reads may be in memory
      }
    }(store, queries, stop));
    for (int i = 0; i < 3'000; ++i) co_await or_return(store.append({}, entry("x", "user.add")));
    stop = true;
    co_await group.join();
    EXPECT_GE(queries, 1u);
    co_return Result<void>();
  });
  EXPECT_TRUE(done) << done.error().to_string();
}

/// What a workload left: the values of all changes that were acknowledged, and with the last one that was not.
struct Outcome {
  Values acknowledged;
  Values in_doubt;
};

Outcome run_workload(FaultFileSystem& files, uint64_t seed) {
  Outcome outcome;
  (void)with_store(files, [&](LogStore& store, const Values&) -> io::Task<Result<void>> {
    std::mt19937_64 random(seed);
    for (int i = 0; i < 60; ++i) {
      std::vector<Change> changes;
      const size_t many = 1 + random() % 3;
      for (size_t j = 0; j < many; ++j) {
        changes.push_back(
            {"user", fmt::format("u{}", random() % 6), random() % 4 == 0 ? "" : fmt::format("{{{}}}", std::string(random() % 900, 'x'))});
      }
      outcome.in_doubt = outcome.acknowledged;
      make_changes(changes, outcome.in_doubt);
      co_await or_return(store.append(changes, entry("x", "change")));
      outcome.acknowledged = outcome.in_doubt;
    }
    co_return Result<void>();
  });
  return outcome;
}

::testing::AssertionResult agrees(FaultFileSystem& files, const Outcome& before) {
  Values found;
  auto opened = with_store(files, [&](LogStore& store, const Values& loaded) -> io::Task<Result<void>> {
    found = loaded;
    co_return co_await store.append({{"user", "after", "{}"}}, entry("x", "after"));
  });
  if (!opened) return ::testing::AssertionFailure() << "refused: " << opened.error().to_string();
  if (found == before.acknowledged || found == before.in_doubt) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "neither what was acknowledged nor that and the change under way";
}

TEST(LogStore, AKillOrAPowerCutAtAnySystemCallLosesNothingAcknowledgedAndShowsNothingHalf) {
  const CapturedLog log;  // recoveries have much to say
  const char* given = std::getenv("SOFA_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  FaultFileSystem whole(seed);
  const Outcome undisturbed = run_workload(whole, seed);
  ASSERT_EQ(undisturbed.acknowledged, undisturbed.in_doubt);
  const uint64_t calls = whole.calls();
  fmt::print("seed {}: {} system calls\n", seed, calls);
  ASSERT_GT(calls, 100u);
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  const uint64_t stride = 7;  // sanitizers cost ten times the time
#else
  const uint64_t stride = 1;
#endif
  for (uint64_t call = 1 + seed % stride; call <= calls; call += stride) {
    FaultFileSystem files(seed);
    files.plan(call, Fault::power_cut);
    const Outcome outcome = run_workload(files, seed);
    for (const Survival survival : {Survival::lost, Survival::torn}) {
      ASSERT_TRUE(agrees(*files.after_power_cut(survival, seed + call), outcome)) << "seed " << seed << ", power cut at call " << call;
    }
    ASSERT_TRUE(agrees(*files.after_kill(), outcome)) << "seed " << seed << ", kill at call " << call;
  }
}

TEST(LogStore, AnErrorAtAnySystemCallIsToldAndLosesNothingAcknowledged) {
  const CapturedLog log;
  const uint64_t seed = 7;
  FaultFileSystem whole(seed);
  (void)run_workload(whole, seed);
  for (uint64_t call = 1; call <= whole.calls(); call += 3) {
    FaultFileSystem files(seed);
    files.plan(call, Fault::io_error);
    const Outcome outcome = run_workload(files, seed);
    ASSERT_TRUE(agrees(*files.after_kill(), outcome)) << "error at call " << call;
  }
}

}  // namespace
}  // namespace sofa::identity
