#include "sofa/admin/profiles.h"

#include <thread>

#include "harness.h"
#include "sofa/base/protobuf_fields.h"
#include "sofa/grpc/framing.h"

namespace sofa::admin {

/// Keeps a processor busy, under a name that a profile shows.
[[gnu::noinline]] uint64_t burn_a_processor_for_the_test(std::atomic<bool>& stop) {
  uint64_t sum = 1;
  while (!stop.load(std::memory_order_relaxed)) {
    for (int i = 0; i < 1'000; ++i) sum = sum * 31 + 7;
  }
  return sum;
}

namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// A thread that works until the end.
class Busy {
 public:
  ~Busy() {
    stop_.store(true);
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> result_{0};
  std::thread thread_{[this] { result_.store(burn_a_processor_for_the_test(stop_)); }};
};

void with_profiles(const std::function<io::Task<void>(http::Channel&)>& body) {
  serve(
      {},
      [](AdminServer& server) {
        server.add(std::make_shared<ProfilesPart>());
        add_profile_pages(server);
      },
      [&](AdminServer&, http::Channel& channel) -> io::Task<void> { return body(channel); });
}

TEST(Profiles, ShowWhereAProcessorIs) {
  const Busy busy;
  with_profiles([](http::Channel& channel) -> io::Task<void> {
    const Got got = co_await ask(channel, "GET", "/debug/pprof/folded?seconds=1&hertz=500");
    EXPECT_EQ(got.status, 200) << got.body;
    EXPECT_THAT(got.body, HasSubstr("burn_a_processor_for_the_test"));
    const Got json = co_await ask(channel, "GET", "/v1/profiles/cpu?seconds=1&process=me");
    EXPECT_THAT(json.body, AllOf(HasSubstr(R"("process":"me","kind":"cpu","unit":"samples","period_us":10101)"), HasSubstr("burn_a_processor")));
  });
}

TEST(Profiles, NameTheTaskOfAShard) {
  io::Runtime runtime({.shards = 2});
  const auto profile = runtime.block_on([]() -> io::Task<Result<Profile>> {
    std::atomic<bool> stop{false};
    io::TaskGroup group;
    group.spawn("a busy task", [](std::atomic<bool>& until) -> io::Task<void> {
      (void)co_await io::on(io::Shard::current().runtime().shard(1), [&until]() -> io::Task<Result<uint64_t>> {
        co_await io::yield();  // from here on it is the task that runs there, and no message of another shard
        co_return burn_a_processor_for_the_test(until);
      });
    }(stop));
    auto taken = co_await cpu_profile({.length = std::chrono::milliseconds(500), .hertz = 500});
    stop.store(true);
    (void)co_await group.join();
    co_return taken;
  }());
  ASSERT_TRUE(profile) << profile.error().to_string();
  EXPECT_THAT(folded(*profile), HasSubstr("[task a busy task];"));
}

TEST(Profiles, OnlyOneIsTakenAtATime) {
  io::Runtime runtime({.shards = 1});
  runtime.block_on([]() -> io::Task<void> {
    io::TaskGroup group;
    std::vector<Result<Profile>> taken;
    for (int i = 0; i < 2; ++i) {
      group.spawn("profile", [](std::vector<Result<Profile>>& to) -> io::Task<void> {
        to.push_back(co_await cpu_profile({.length = std::chrono::milliseconds(300)}));
      }(taken));
    }
    (void)co_await group.join();
    EXPECT_NE(taken[0].has_value(), taken[1].has_value());
    for (const auto& one : taken) {
      if (!one) EXPECT_THAT(one.error().to_string(), HasSubstr("another CPU profile"));
    }
  }());
}

TEST(Profiles, EndWithTheirCallerAndHoldUpNoStop) {
  const auto begun = std::chrono::steady_clock::now();
  {
    io::Runtime runtime({.shards = 1});
    runtime.block_on([]() -> io::Task<void> {
      const auto given_up = co_await io::with_timeout(std::chrono::milliseconds(100), cpu_profile({.length = std::chrono::seconds(60)}));
      EXPECT_FALSE(given_up);
      io::TaskGroup group;
      group.spawn("profile", []() -> io::Task<void> {
        Result<Profile> taken = fail(Code::unavailable, "not yet");
        while (!taken && taken.error().code() == Code::unavailable) {  // the one before needs a moment to end
          (void)co_await io::sleep_for(std::chrono::milliseconds(1));
          taken = co_await cpu_profile({.length = std::chrono::seconds(60)});
        }
        EXPECT_TRUE(taken) << taken.error().to_string();
        EXPECT_LT(taken->seconds, 30);
      }());
      for (int i = 0; i < 200; ++i) {
        (void)co_await io::sleep_for(std::chrono::milliseconds(5));
        end_cpu_profile();
      }
      (void)co_await group.join();
    }());
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
}

TEST(Profiles, SayWhatTheyTake) {
  with_profiles([](http::Channel& channel) -> io::Task<void> {
    EXPECT_EQ((co_await ask(channel, "GET", "/v1/profiles/cpu?seconds=61")).status, 400);
    const Got wrong = co_await ask(channel, "GET", "/debug/pprof/profile?seconds=x");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_THAT(wrong.body, HasSubstr("seconds is 'x'; it takes a number from 1 to 60"));
  });
}

TEST(Profiles, AreWrittenForPprof) {
  Profile profile{
      .kind = "cpu", .unit = "samples", .period_us = 10'000, .seconds = 2, .functions = {"main", "work"}, .stacks = {{.frames = {0, 1}, .count = 3}}};
  const auto gzip = pprof(profile);
  ASSERT_TRUE(gzip);
  const auto bytes = grpc::decompress(gzip->span(), 1 << 20);
  ASSERT_TRUE(bytes);
  std::map<uint64_t, size_t> counts;
  std::vector<std::string> texts;
  ProtobufFields fields(bytes->span());
  while (const auto field = fields.next_of_any_kind()) {
    ++counts[field->number];
    if (field->number == 6) texts.emplace_back(reinterpret_cast<const char*>(field->bytes.data()), field->bytes.size());
  }
  EXPECT_EQ(counts, (std::map<uint64_t, size_t>{{1, 2}, {2, 1}, {4, 2}, {5, 2}, {6, texts.size()}, {10, 1}, {11, 1}, {12, 1}}));
  EXPECT_EQ(texts.front(), "");
  EXPECT_THAT(texts, AllOf(::testing::Contains("main"), ::testing::Contains("work"), ::testing::Contains("nanoseconds")));
  EXPECT_EQ(folded(profile), "main;work 3\n");
}

TEST(Profiles, CountMemory) {
  const std::vector<char> held(size_t{8} << 20, 'x');
  const Profile heap = heap_profile();
  int64_t sum = 0;
  for (const ProfileStack& stack : heap.stacks) sum += stack.count;
  EXPECT_GE(sum, 8 << 20);
}

TEST(Profiles, ListShards) {
  with_profiles([](http::Channel& channel) -> io::Task<void> {
    EXPECT_THAT((co_await ask(channel, "GET", "/v1/shards")).body, HasSubstr(R"([{"index":0,"running":"",)"));
  });
}

}  // namespace
}  // namespace sofa::admin
