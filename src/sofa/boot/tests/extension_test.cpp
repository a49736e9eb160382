#include "sofa/boot/extension.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "sofa/boot/application.h"
#include "sofa/io/runtime.h"

namespace sofa::boot {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Route {
  std::string path;
  uint32_t weight = 1;
  static auto describe(Description<Route>& d) {
    d.field("path", &Route::path);
    d.field("weight", &Route::weight).range(1, 100);
  }
};
struct Colour {
  std::string name;
  static auto describe(Description<Colour>& d) { d.field("name", &Colour::name); }
};

struct RouterConfig {
  std::string prefix = "/";
  static auto describe(Description<RouterConfig>& d) { d.field("prefix", &RouterConfig::prefix); }
};

/// Takes a configuration and references beside its points.
struct Router {
  Router(RouterConfig config, ExtensionPoint<Route, "routes"> routes, Ref<Clock>, ExtensionPoint<Colour, "colours"> colours)
      : colour_count(colours.size()) {
    for (const auto& [from, route] : routes) all.push_back(fmt::format("{}{} * {} of {}", config.prefix, route.path, route.weight, from));
  }
  std::vector<std::string> all;
  size_t colour_count;
};
struct Shop {};
struct Other {
  explicit Other(ExtensionPoint<Colour, "routes">) {}
};

/// Starts an application whose configuration is a text.
class ExtensionTest : public testing::Test {
 protected:
  ~ExtensionTest() override { set_log_level(LogLevel::info); }

  std::string start(const std::string& yaml = "") {
    const std::string file = testing::TempDir() + fmt::format("boot-extension-{}.yaml", getpid());
    std::ofstream(file) << yaml;
    const char* arguments[] = {"app", "--log-levels", "off", "-c", file.c_str()};
    if (const auto configured = app.configure(std::size(arguments), arguments); !configured) return std::string(configured.error().message());
    auto started = runtime.block_on(app.start());
    if (!started) return std::string(started.error().message());
    for (size_t i = 0; i < (*started)->lifecycle().components().size(); ++i) {
      if ((*started)->lifecycle().components()[i].name != "router") continue;
      const auto& router = *std::static_pointer_cast<Router>((*started)->lifecycle().component(i));
      routes = router.all;
      colours = router.colour_count;
    }
    EXPECT_TRUE(runtime.block_on((*started)->stop()));
    return "";
  }

  Application app{"extended"};
  io::Runtime runtime{{.shards = 1}};
  std::vector<std::string> routes;
  size_t colours = 7;
};

TEST_F(ExtensionTest, APointTakesWhatTheConfigurationAndComponentsContribute) {
  app.component<Shop>("early").contributes("routes", Route{"early"}).contributes("routes", Route{"sale", 2});
  app.component<Router>("router");
  app.component<Shop>("late").contributes("routes", Route{"late"});
  ASSERT_EQ(start("router: {prefix: 'www/'}\nextensions:\n  routes:\n    - {path: news, weight: 9}\n    - path: about\n"), "");
  EXPECT_THAT(routes, ElementsAre("www/news * 9 of extensions.routes[0]", "www/about * 1 of extensions.routes[1]", "www/early * 1 of early",
                                  "www/sale * 2 of early", "www/late * 1 of late"));
  EXPECT_EQ(colours, 0U);
}

TEST_F(ExtensionTest, WrongEntriesOfTheConfigurationAreToldWithTheirPlace) {
  app.component<Router>("router");
  EXPECT_THAT(
      start("extensions:\n  routes:\n    - {path: x, weight: 900}\n  rutes: []\n"),
      testing::AllOf(HasSubstr(":3:25: extensions.routes[0].weight: expected"), HasSubstr("rutes is no known key; did you mean \"routes\"?")));
}

TEST_F(ExtensionTest, ContributionsWithoutAPointOrOfAnotherTypeAreErrorsWithTheNames) {
  app.component<Router>("router");
  app.component<Shop>("shop").contributes("rootes", Route{"x"});
  app.component<Shop>("other").contributes("routes", Colour{"red"});
  const std::string error = start();
  EXPECT_THAT(error, HasSubstr("component \"shop\" (extension_test.cpp:"));
  EXPECT_THAT(error, HasSubstr("contributes to the extension point \"rootes\" (extension_test.cpp:"));
  EXPECT_THAT(error, HasSubstr("which no component has; did you mean \"routes\"?"));
  EXPECT_THAT(error, testing::ContainsRegex("component \"other\" .* a .*Colour; component \"router\" .* takes .*Route"));
}

TEST_F(ExtensionTest, APointHasOneOwner) {
  app.component<Router>("router");
  app.component<Other>("other");
  EXPECT_THAT(start(), testing::ContainsRegex("component \"other\" .* has the extension point \"routes\", and so has component \"router\""));
}

TEST_F(ExtensionTest, AModuleContributesToWhatItSeesAlone) {
  app.module("web").component<Router>("router");
  auto shop = app.module("shop");
  shop.component<Shop>("shop").contributes("routes", Route{"x"});
  EXPECT_THAT(start(), HasSubstr("of module \"web\" has; let \"shop\" require \"web\""));
}

}  // namespace
}  // namespace sofa::boot
