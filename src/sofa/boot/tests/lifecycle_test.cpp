#include "sofa/boot/lifecycle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/boot/builder.h"
#include "sofa/io/runtime.h"

namespace sofa::boot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

using Events = std::vector<std::string>;

/// Writes what happens to it; `Name` tells it apart from others.
template <FixedText Name, class... Needs>
class Recorded {
 public:
  explicit Recorded(Ref<Events> events, Needs...) : events_(events) { note("construct"); }
  ~Recorded() { note("destroy"); }
  io::Task<Result<void>> start() {
    note("start");
    co_await io::or_return(io::sleep_for(1ms));
    note("started");
    co_return {};
  }
  Result<void> drain() { return note("drain"), Result<void>{}; }
  Result<void> stop() { return note("stop"), Result<void>{}; }

 private:
  void note(std::string_view what) { events_->push_back(fmt::format("{} {}", what, Name.view())); }
  Ref<Events> events_;
};

using Disk = Recorded<"disk">;
using Net = Recorded<"net">;
using Journal = Recorded<"journal", Ref<Disk>>;
using Service = Recorded<"service", Ref<Journal>, Ref<Net>>;

struct Failing {
  explicit Failing(Ref<Disk>) {}
  Result<void> start() { return fail(Code::unavailable, "the disk has no table"); }
};
struct NeverThere {
  explicit NeverThere(Ref<Failing>) {}
};
struct Endless {
  io::Task<Result<void>> start() { co_return co_await io::sleep_for(1h); }
};
struct Thrower {
  explicit Thrower(Ref<Disk>) { throw std::runtime_error("no memory for tables"); }
};

class LifecycleTest : public testing::Test {
 protected:
  LifecycleTest() {
    add([this] { return std::shared_ptr<Events>(std::shared_ptr<void>(), &events); });
  }
  template <class C>
  ComponentBuilder<C> add(std::string name) {
    specs.push_back(component_spec<C>(std::move(name)));
    return ComponentBuilder<C>(specs.back());
  }
  template <class F>
  void add(F make) {
    specs.push_back(component_spec_made_by("events", std::move(make)));
  }
  Lifecycle& life() {
    if (!life_) life_ = std::make_unique<Lifecycle>(specs, make_plan(specs).value(), SystemClock::instance());
    return *life_;
  }
  Result<void> construct() {
    return life().construct([](const ComponentSpec&) { return nullptr; });
  }
  Result<void> start() { return runtime.block_on(life().start()); }
  const ComponentRecord& record(std::string_view name) {
    return life().records()[static_cast<size_t>(std::ranges::find(specs, name, &ComponentSpec::name) - specs.begin())];
  }
  size_t at(std::string_view event) { return static_cast<size_t>(std::ranges::find(events, event) - events.begin()); }

  Events events;
  std::vector<ComponentSpec> specs;
  io::Runtime runtime{{.shards = 1}};
  std::unique_ptr<Lifecycle> life_;
};

TEST_F(LifecycleTest, GoesUpInOrderAndDownInReverse) {
  add<Service>("service");
  add<Journal>("journal");
  add<Disk>("disk");
  add<Net>("net");
  ASSERT_TRUE(construct());
  EXPECT_THAT(events, ElementsAre("construct disk", "construct journal", "construct net", "construct service"));
  ASSERT_TRUE(start());
  EXPECT_LT(at("started disk"), at("start journal"));
  EXPECT_LT(at("started journal"), at("start service"));
  EXPECT_LT(at("start net"), at("started disk")) << "independent components start at the same time";
  EXPECT_EQ(record("service").state, ComponentState::started);
  EXPECT_EQ(specs[*record("service").waited_for].name, "journal");
  ASSERT_TRUE(runtime.block_on(life().drain()));
  ASSERT_TRUE(runtime.block_on(life().stop()));
  EXPECT_LT(at("drain service"), at("drain journal"));
  EXPECT_LT(at("drain disk"), at("stop service"));
  EXPECT_LT(at("stop service"), at("stop journal"));
  EXPECT_LT(at("stop journal"), at("stop disk"));
  events.clear();
  life().destroy();
  EXPECT_LT(at("destroy service"), at("destroy journal"));
  EXPECT_LT(at("destroy journal"), at("destroy disk"));
}

TEST_F(LifecycleTest, AFailureStopsWhatHasStartedAndSkipsWhatComesAfter) {
  add<NeverThere>("never");
  add<Failing>("failing");
  add<Disk>("disk");
  ASSERT_TRUE(construct());
  const auto started = start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), Code::unavailable);
  EXPECT_THAT(started.error().to_string(), HasSubstr("component \"failing\" (lifecycle_test.cpp:"));
  EXPECT_THAT(started.error().to_string(), HasSubstr(") could not start: the disk has no table"));
  EXPECT_EQ(record("never").state, ComponentState::skipped);
  EXPECT_EQ(record("failing").state, ComponentState::failed);
  EXPECT_EQ(record("disk").state, ComponentState::stopped);
  EXPECT_THAT(events, IsSupersetOf({"stop disk"}));
}

TEST_F(LifecycleTest, AStepThatMissesItsDeadlineIsGivenUpByName) {
  add<Endless>("endless").start_timeout(10ms);
  ASSERT_TRUE(construct());
  const auto started = start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), Code::deadline_exceeded);
  EXPECT_THAT(started.error().to_string(), HasSubstr("did not start within 10 ms"));
}

TEST_F(LifecycleTest, AConstructorThatThrowsIsAnErrorAndLeavesNothingBehind) {
  add<Disk>("disk");
  add<Thrower>("thrower");
  const auto constructed = construct();
  ASSERT_FALSE(constructed);
  EXPECT_THAT(constructed.error().to_string(), HasSubstr("could not be constructed: no memory for tables; what may fail belongs into start()"));
  EXPECT_THAT(events, ElementsAre("construct disk", "destroy disk"));
}

TEST_F(LifecycleTest, OneFailureCancelsThoseThatAreStarting) {
  add<Endless>("endless");
  add<Disk>("disk");
  add<Failing>("failing");
  ASSERT_TRUE(construct());
  const auto started = start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), Code::unavailable) << started.error().to_string();
}

}  // namespace
}  // namespace sofa::boot
