#include "sofa/boot/detail/constructor.h"

#include <gtest/gtest.h>

namespace sofa::boot::detail {
namespace {

struct Clocks {};
struct Risk {};
struct Config {
  std::string greeting;
  static auto describe(Description<Config>& d) { d.field("greeting", &Config::greeting); }
};

struct Values {
  Values(Config, Ref<Clocks>, Ref<Risk, "eu">, Optional<Risk>, All<Risk>) {}
};
struct References {
  References(const Config&, const Ref<Clocks>&) {}
};
struct Nothing {};
struct Single {
  explicit Single(Ref<Risk>) {}
};
struct Several {
  Several() = default;
  explicit Several(Config) {}
  Several(Config, Ref<Risk>) {}
};
struct Foreign {
  explicit Foreign(int) {}
};

static_assert(std::same_as<Parameters<Values>, std::tuple<Config, Ref<Clocks>, Ref<Risk, "eu">, Optional<Risk>, All<Risk>>>);
static_assert(std::same_as<Parameters<References>, std::tuple<Config, Ref<Clocks>>>);
static_assert(std::same_as<Parameters<Nothing>, std::tuple<>>);
static_assert(std::same_as<Parameters<Single>, std::tuple<Ref<Risk>>>);
static_assert(std::same_as<Parameters<Several>, std::tuple<Config, Ref<Risk>>>, "the constructor that takes most counts");
static_assert(!Constructible<Foreign>, "an int is nothing that boot can give");

TEST(Constructor, NamesOfInterfacesAreThoseOfTheirTypes) {
  EXPECT_EQ(interface_of<Risk>().name, "sofa::boot::detail::(anonymous namespace)::Risk");
  EXPECT_EQ(interface_of<Risk>(), interface_of<Risk>());
  EXPECT_NE(interface_of<Risk>(), interface_of<Clocks>());
}

}  // namespace
}  // namespace sofa::boot::detail
