#include "sofa/transport/unsent_answers.h"

#include "harness.h"

namespace sofa::transport {
namespace {

using namespace testing;
using namespace std::chrono_literals;

constexpr size_t kStep = AnswerAccount::kStep;

/// What holds an account, and is told to close.
struct Peer {
  explicit Peer(std::shared_ptr<UnsentAnswers> all) : account(std::move(all), [](void* self) { ++static_cast<Peer*>(self)->told; }, this) {}
  std::atomic<int> told = 0;
  AnswerAccount account;
};

TEST(UnsentAnswers, WhoseAnswersWouldTakeTheLongestAreClosedUntilTheRestFits) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    const auto all = std::make_shared<UnsentAnswers>(100 * kStep);
    Peer deaf(all), slow(all), quick(all), large(all);
    for (Peer* peer : {&deaf, &slow, &quick}) EXPECT_TRUE(peer->account.set(30 * kStep, 1000));
    co_await pass(clock, 10s);
    EXPECT_TRUE(slow.account.set(29 * kStep, 1000 + kStep));
    EXPECT_TRUE(quick.account.set(28 * kStep, 1000 + 500 * kStep));
    EXPECT_EQ(all->held(), 87 * kStep);

    EXPECT_TRUE(large.account.set(20 * kStep, 0)) << "who has just begun is no slow one";
    co_await next_turn();
    EXPECT_EQ(deaf.told, 1);
    EXPECT_EQ(slow.told + quick.told + large.told, 0) << "without the deaf one the rest fits";
    EXPECT_EQ(all->held(), 77 * kStep);

    EXPECT_TRUE(large.account.set(60 * kStep, 0));
    co_await next_turn();
    EXPECT_EQ(slow.told, 1);
    EXPECT_EQ(quick.told + large.told, 0);
    EXPECT_NE(deaf.account.why().find(fmt::format("{} bytes of answers wait", 30 * kStep)), std::string::npos);
    EXPECT_NE(deaf.account.why().find("max_unsent_bytes 1638400"), std::string::npos) << deaf.account.why();
  });
}

TEST(UnsentAnswers, OneThatIsToldIsNotCountedAndMayNotGrow) {
  on_shard([]() -> io::Task<void> {
    const auto all = std::make_shared<UnsentAnswers>(10 * kStep);
    Peer alone(all);
    EXPECT_FALSE(alone.account.set(11 * kStep, 0)) << "more than all may hold";
    EXPECT_EQ(alone.told, 0) << "not while it grows";
    EXPECT_EQ(all->held(), 0u);
    EXPECT_FALSE(alone.account.set(12 * kStep, 0));
    EXPECT_TRUE(alone.account.set(3 * kStep, 0)) << "less is never too much";
    co_await next_turn();
    EXPECT_EQ(alone.told, 1);
    EXPECT_EQ(all->held(), 0u);
  });
}

TEST(UnsentAnswers, WhatTlsAddsToWhatWaitsMakesNoDeafPeerQuick) {
  with_manual_clock([](ManualClock& clock) -> io::Task<void> {
    const auto all = std::make_shared<UnsentAnswers>(50 * kStep);
    Peer deaf(all), reads(all);
    EXPECT_TRUE(deaf.account.set(20 * kStep, 1000));
    EXPECT_TRUE(reads.account.set(20 * kStep, 1000));
    co_await pass(clock, 1s);
    EXPECT_TRUE(deaf.account.set(21 * kStep, 1000 - 88));
    EXPECT_TRUE(reads.account.set(19 * kStep, 1000 + kStep));
    EXPECT_TRUE(reads.account.set(40 * kStep, 1000 + kStep));
    co_await next_turn();
    EXPECT_EQ(deaf.told, 1);
    EXPECT_EQ(reads.told, 0);
  });
}

TEST(UnsentAnswers, SmallAnswersAreNotCountedAndWhatIsHeldIsGivenBackAtTheEnd) {
  on_shard([]() -> io::Task<void> {
    const auto all = std::make_shared<UnsentAnswers>(10 * kStep);
    {
      Peer one(all), other(all);
      EXPECT_TRUE(one.account.set(kStep - 1, 0));
      EXPECT_EQ(all->held(), 0u);
      EXPECT_TRUE(one.account.set(3 * kStep, 0) && other.account.set(2 * kStep, 0));
      EXPECT_TRUE(one.account.set(0, 3 * kStep));
      EXPECT_EQ(all->held(), 2 * kStep);
      EXPECT_TRUE(one.account.set(kStep, 3 * kStep));
    }
    EXPECT_EQ(all->held(), 0u);
    Peer unbounded(nullptr);
    EXPECT_FALSE(unbounded.account.counts());
    EXPECT_TRUE(unbounded.account.set(SIZE_MAX / 2, 0));
    co_return;
  });
}

TEST(UnsentAnswers, OneThatIsGoneWhenItIsToldIsLeftAlone) {
  on_shard([]() -> io::Task<void> {
    const auto all = std::make_shared<UnsentAnswers>(10 * kStep);
    auto first = std::make_unique<Peer>(all);
    Peer second(all);
    EXPECT_TRUE(first->account.set(8 * kStep, 0));
    co_await io::sleep_for(2ms);
    EXPECT_TRUE(second.account.set(4 * kStep, 0));
    first.reset();
    co_await next_turn();
    EXPECT_EQ(second.told, 0);
    EXPECT_EQ(all->held(), 4 * kStep);
  });
}

TEST(UnsentAnswers, OneOfAnotherShardIsToldThere) {
  on_shard(
      []() -> io::Task<void> {
        const auto all = std::make_shared<UnsentAnswers>(100 * kStep);
        io::Shard& other = io::Shard::current().runtime().shard(1);
        io::Event told_there;
        struct Far {
          Far(std::shared_ptr<UnsentAnswers> its, io::Event& event, io::Shard& back)
              : home(back), told(event), account(std::move(its), [](void* self) { static_cast<Far*>(self)->tell(); }, this) {}
          void tell() {
            EXPECT_EQ(&io::Shard::current(), shard);
            home.post([this] { told.set(); });
          }
          io::Shard* const shard = &io::Shard::current();
          io::Shard& home;
          io::Event& told;
          AnswerAccount account;
        };
        std::unique_ptr<Far> far;
        EXPECT_TRUE(co_await io::on(other, [&, home = &io::Shard::current()]() -> io::Task<Result<void>> {
          far = std::make_unique<Far>(all, told_there, *home);
          EXPECT_TRUE(far->account.set(90 * kStep, 0));
          co_return Result<void>();
        }));
        Peer here(all);
        co_await io::sleep_for(2ms);
        EXPECT_TRUE(here.account.set(20 * kStep, 0));
        EXPECT_TRUE(
            co_await io::with_timeout(kPatience, [](io::Event& told) -> io::Task<Result<void>> { co_return co_await told.wait(); }(told_there)));
        EXPECT_EQ(here.told, 0);
        EXPECT_EQ(all->held(), 20 * kStep);
        EXPECT_TRUE(co_await io::on(other, [&]() -> io::Task<Result<void>> {
          far.reset();
          co_return Result<void>();
        }));
      },
      {.shards = 2});
}

}  // namespace
}  // namespace sofa::transport
