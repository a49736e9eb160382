#include "sofa/io/later.h"

#include <thread>

#include "fixture.h"

namespace sofa::io {
namespace {

class LaterTest : public testing::Test {
 protected:
  Runtime runtime_{{.shards = 1}};
};

TEST_F(LaterTest, OneOfTheThreadsThatGiveAtTheSameTimeGivesTheOnlyValue) {
  run_ok(runtime_, []() -> Body {
    for (int round = 0; round < 100; ++round) {
      Later<int> later;
      std::vector<std::jthread> threads;
      const auto giver = later.giver();
      for (int i = 0; i < 4; ++i) threads.emplace_back([giver, i] { giver(i); });
      const int value = co_await or_return(later.wait());
      EXPECT_TRUE(value >= 0 && value < 4) << value;
    }
    co_return kOk;
  });
}

TEST_F(LaterTest, IsAnErrorWhenEveryGiverIsGone) {
  run_ok(runtime_, []() -> Body {
    Later<void> later;
    std::jthread([copy = later.giver()] { [[maybe_unused]] const auto another = copy; }).join();
    const auto value = co_await later.wait();
    EXPECT_EQ(value.error().code(), Code::internal);
    EXPECT_NE(value.error().to_string().find("every giver of it is gone"), std::string::npos);
    co_return kOk;
  });
}

TEST_F(LaterTest, MayBeGivenAfterItsTaskHasLeft) {
  run_ok(runtime_, []() -> Body {
    const auto kept = std::make_shared<int>(1);
    std::optional<Later<std::shared_ptr<int>>::Giver> giver;
    {
      Later<std::shared_ptr<int>> later;
      giver = later.giver();
      const auto waited = co_await with_timeout(milliseconds(1), later.wait());
      EXPECT_EQ(waited.error().code(), Code::deadline_exceeded);
    }
    std::jthread([&] { (*giver)(kept); }).join();
    giver.reset();
    while (kept.use_count() > 1) co_await yield();  // what came too late is freed
    co_return kOk;
  });
}

TEST_F(LaterTest, TheTaskMayWaitWhenTheLaterItselfIsGone) {
  run_ok(runtime_, []() -> Body {
    std::optional<Later<int>> later(std::in_place);
    const auto giver = later->giver();
    auto waiting = later->wait();
    later.reset();
    giver(7);
    EXPECT_EQ(co_await or_return(std::move(waiting)), 7);
    co_return kOk;
  });
}

}  // namespace
}  // namespace sofa::io
