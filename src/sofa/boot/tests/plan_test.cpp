#include "sofa/boot/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/boot/builder.h"

namespace sofa::boot {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Clocks {};
struct Journal {
  explicit Journal(Ref<Clocks>) {}
};
struct Check {
  virtual ~Check() = default;
};
struct Amount : Check {};
struct Limit : Check {};
struct Checks {
  explicit Checks(All<Check>) {}
};
struct Left;
struct Right {
  explicit Right(Ref<Left>) {}
};
struct Left {
  explicit Left(Ref<Right>) {}
};
struct Greeter : rpc::Interface {
  static constexpr std::string_view kName = "demo.Greeter";
  rpc::Method<std::string(std::string)> greet{this, "greet"};
};
struct Hello {
  void implement(Greeter& greeter) {
    greeter.greet = [](std::string name) -> Result<std::string> { return "hi " + name; };
  }
};
struct Caller {
  explicit Caller(Ref<Greeter, "u1">) {}
};

/// What Application keeps; builders change its last spec.
struct Registered {
  std::vector<ComponentSpec> specs;
  template <class C>
  ComponentBuilder<C> add(std::string name, std::string module = {}) {
    specs.push_back(component_spec<C>(std::move(name)));
    specs.back().module = std::move(module);
    return ComponentBuilder<C>(specs.back());
  }
  std::string error(std::span<const ModuleSpec> modules = {}) const {
    const auto plan = make_plan(specs, modules);
    return plan ? "" : std::string(plan.error().message());
  }
};

TEST(Plan, WhatIsReferredToIsConstructedFirst) {
  Registered app;
  app.add<Journal>("journal");
  app.add<Clocks>("clock");
  const auto plan = make_plan(app.specs);
  ASSERT_TRUE(plan) << plan.error().to_string();
  EXPECT_THAT(plan->order, ElementsAre(1, 0));
  EXPECT_THAT(plan->components[0].waits_for, ElementsAre(1));
  EXPECT_THAT(plan->components[1].dependants, ElementsAre(0));
}

TEST(Plan, AfterOrdersComponentsThatDoNotKnowEachOther) {
  Registered app;
  app.add<Amount>("late").after("early");
  app.add<Limit>("early");
  EXPECT_THAT(make_plan(app.specs)->order, ElementsAre(1, 0));
}

TEST(Plan, AllTakesEveryProviderInTheOrderOfRegistration) {
  Registered app;
  app.add<Limit>("limit").provides<Check>();
  app.add<Checks>("checks");
  app.add<Amount>("amount").provides<Check>("second");
  const auto plan = make_plan(app.specs);
  ASSERT_TRUE(plan) << plan.error().to_string();
  EXPECT_THAT(plan->components[1].waits_for, ElementsAre(0, 2));
}

TEST(Plan, TellsEveryProblemAtOnceWithNamesAndPlaces) {
  Registered app;
  app.add<Journal>("journal");
  app.add<Left>("left");
  app.add<Right>("right");
  app.add<Amount>("journal").after("nobody");
  const std::string error = app.error();
  EXPECT_THAT(error, HasSubstr("component \"journal\" (plan_test.cpp:"));
  EXPECT_THAT(error, HasSubstr(") needs sofa::boot::(anonymous namespace)::Clocks, which no component provides; register one"));
  EXPECT_THAT(error, HasSubstr("has the name of component \"journal\""));
  EXPECT_THAT(error, HasSubstr("is to start after \"nobody\", and there is no such component"));
  EXPECT_THAT(error, HasSubstr("components wait for each other: component \"left\""));
  EXPECT_EQ(std::ranges::count(error, '\n'), 3) << error;
}

TEST(Plan, TwoThatProvideWhatOneNeedsAreTold) {
  Registered app;
  app.add<Clocks>("one");
  app.add<Clocks>("two");
  EXPECT_EQ(app.error(), "") << "nobody refers to them";
  app.add<Journal>("journal");
  EXPECT_THAT(app.error(), HasSubstr("and component \"two\""));
  app.specs.clear();
  app.add<Clocks>("one");
  app.add<Clocks>("two").provides<Clocks>("utc");
  app.add<Journal>("journal");
  EXPECT_EQ(app.error(), "") << "the second is known by its id alone";
}

TEST(Plan, AServiceOfTwoComponentsNeedsUniqueIds) {
  Registered app;
  app.add<Hello>("one").provides<Greeter>();
  app.add<Hello>("two").provides<Greeter>();
  EXPECT_THAT(app.error(), HasSubstr("both provide demo.Greeter; give one of them a unique id"));
}

TEST(Plan, AServiceThatIsNotHereIsTakenFromItsUrl) {
  Registered app;
  app.add<Caller>("caller");
  EXPECT_THAT(app.error(), HasSubstr("needs demo.Greeter:u1, which no component provides; register one, or say where it is found: references: "
                                     "{demo.Greeter:u1: {url: ...}}"));
  const auto url = [](std::string_view, std::string_view id) { return "bolt://h:1?" + std::string(id); };
  const auto plan = make_plan(app.specs, {}, {.remote_url = url});
  ASSERT_TRUE(plan) << plan.error().to_string();
  EXPECT_EQ(plan->components[0].needs[0].url, "bolt://h:1?u1");
}

TEST(Plan, AServiceOfThisProcessIsTakenBeforeARemoteOneUnlessForced) {
  Registered app;
  app.add<Hello>("hello").provides<Greeter>("u1");
  app.add<Caller>("caller");
  PlanOptions options{.remote_url = [](auto, auto) { return std::string("bolt://h:1"); }};
  EXPECT_EQ(make_plan(app.specs, {}, options)->components[1].needs[0].url, "");
  options.force_remote = [](auto, auto) { return true; };
  const auto forced = make_plan(app.specs, {}, options);
  EXPECT_EQ(forced->components[1].needs[0].url, "bolt://h:1");
  EXPECT_THAT(forced->components[1].waits_for, ElementsAre());
}

TEST(Plan, AModuleSeesWhatItRequiresItsParentsAndTheApplication) {
  const std::vector<ModuleSpec> modules{{.name = "books"}, {.name = "base"}, {.name = "payments", .parent = "base", .requires_modules = {"books"}}};
  for (const char* owner : {"books", "base", "payments", ""}) {
    Registered app;
    app.add<Clocks>("clock", owner);
    app.add<Journal>("journal", "payments");
    EXPECT_EQ(app.error(modules), "") << owner;
  }
}

TEST(Plan, AModuleThatReachesPastItsRequirementsIsRefusedWithBothNames) {
  const std::vector<ModuleSpec> modules{{.name = "books"}, {.name = "payments"}};
  Registered app;
  app.add<Clocks>("clock", "books");
  app.add<Journal>("journal", "payments");
  EXPECT_THAT(app.error(modules), HasSubstr("of module \"payments\" needs"));
  EXPECT_THAT(app.error(modules), HasSubstr("of module \"books\" provides; let \"payments\" require \"books\""));
}

TEST(Plan, ModulesThatRequireWhatIsMissingOrEachOtherAreRefused) {
  const std::vector<ModuleSpec> modules{
      {.name = "a", .requires_modules = {"b"}}, {.name = "b", .parent = "a"}, {.name = "c", .requires_modules = {"z"}}};
  const std::string error = Registered{}.error(modules);
  EXPECT_THAT(error, HasSubstr("modules require each other: \"a\" requires \"b\" requires \"a\""));
  EXPECT_THAT(error, HasSubstr("requires module \"z\", which is not registered or not active"));
}

TEST(Profiles, AreAlternativesAndMayBeNegated) {
  const std::vector<std::string> active{"eu"};
  EXPECT_TRUE(is_active({}, active));
  EXPECT_TRUE(is_active(std::vector<std::string>{"us", "eu"}, active));
  EXPECT_FALSE(is_active(std::vector<std::string>{"us"}, active));
  EXPECT_TRUE(is_active(std::vector<std::string>{"!us"}, active));
  EXPECT_FALSE(is_active(std::vector<std::string>{"!eu"}, active));
  EXPECT_TRUE(is_active(std::vector<std::string>{"default"}, {}));
}

TEST(Plan, AThousandComponentsInTenLayersArePlannedInOrder) {
  Registered app;
  for (int i = 0; i < 1000; ++i) {
    auto builder = app.add<Amount>("c" + std::to_string(i));
    if (i >= 100) builder.after("c" + std::to_string(i - 100));
  }
  const auto plan = make_plan(app.specs);
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->order.size(), 1000u);
  std::vector<size_t> at(1000);
  for (size_t i = 0; i < 1000; ++i) at[plan->order[i]] = i;
  for (size_t i = 100; i < 1000; ++i) EXPECT_LT(at[i - 100], at[i]);
}

}  // namespace
}  // namespace sofa::boot
