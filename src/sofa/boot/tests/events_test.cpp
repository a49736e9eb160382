#include "sofa/boot/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/io/runtime.h"

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct RatesChanged {
  int percent = 0;
};
struct Closing {
  static constexpr bool kReversed = true;
};

class EventsTest : public testing::Test {
 protected:
  template <class Event>
  Result<void> publish(Event event) {
    return runtime.block_on(events.publish(std::move(event)));
  }
  auto note(std::string text) {
    return [this, text](const auto&) { heard.push_back(text); };
  }

  Events events{50ms};
  std::vector<std::string> heard;
  io::Runtime runtime{{.shards = 1}};
};

TEST_F(EventsTest, AreToldByTypeInTheOrderOfSubscription) {
  const auto first = events.subscribe<RatesChanged>([this](const RatesChanged& event) -> io::Task<Result<void>> {
    co_await io::or_return(io::sleep_for(1ms));
    heard.push_back(fmt::format("first {}", event.percent));
    co_return {};
  });
  const auto other = events.subscribe<Closing>(note("closing"));
  const auto second = events.subscribe<RatesChanged>(note("second"));
  ASSERT_TRUE(publish(RatesChanged{7}));
  EXPECT_THAT(heard, ElementsAre("first 7", "second")) << "one after the other, although the first waits";
}

TEST_F(EventsTest, ReversedOnesGoTheOtherWay) {
  const auto first = events.subscribe<Closing>(note("first"));
  const auto second = events.subscribe<Closing>(note("second"));
  ASSERT_TRUE(publish(Closing{}));
  EXPECT_THAT(heard, ElementsAre("second", "first"));
}

TEST_F(EventsTest, ASubscriptionEndsWithItsOwner) {
  auto mine = events.subscribe<RatesChanged>(note("mine"));
  const auto ends_it = events.subscribe<Closing>([&](const Closing&) { mine = {}; });
  ASSERT_TRUE(publish(RatesChanged{}));
  EXPECT_EQ(events.listeners<RatesChanged>(), 1U);
  ASSERT_TRUE(publish(Closing{}));
  ASSERT_TRUE(publish(RatesChanged{}));
  EXPECT_EQ(events.listeners<RatesChanged>(), 0U);
  EXPECT_THAT(heard, ElementsAre("mine"));
}

TEST_F(EventsTest, AFailureIsToldWithItsPlaceAndDoesNotStopTheOthers) {
  const auto failing =
      events.subscribe<RatesChanged>([](const RatesChanged&) -> Result<void> { return fail(Code::unavailable, "no table of rates"); });
  const auto slow = events.subscribe<RatesChanged>([](const RatesChanged&) -> io::Task<Result<void>> { co_return co_await io::sleep_for(1h); });
  const auto last = events.subscribe<RatesChanged>(note("last"));
  const auto told = publish(RatesChanged{});
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code(), Code::unavailable);
  EXPECT_THAT(told.error().to_string(), AllOf(HasSubstr("RatesChanged failed at its listeners of events_test.cpp:"), HasSubstr(", events_test.cpp:"),
                                              HasSubstr("no table of rates")));
  EXPECT_THAT(heard, ElementsAre("last"));
}

TEST_F(EventsTest, ASubscriptionMayOutliveTheEvents) {
  EventSubscription left;
  {
    Events gone;
    left = gone.subscribe<RatesChanged>(note("never"));
  }
  left = {};
}

}  // namespace
}  // namespace sofa::boot
