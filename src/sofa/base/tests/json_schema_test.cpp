#include "sofa/base/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/base/json_check.h"

namespace sofa {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

enum class Mode : uint8_t { fast, safe };
void describe(EnumDescription<Mode>& d) { d.value("fast", Mode::fast).value("safe", Mode::safe, "syncs"); }

struct Peer {
  std::string host;
  uint16_t port = 7;
  std::vector<Peer> behind;
  static auto describe(Description<Peer>& d) {
    d.field("host", &Peer::host).required();
    d.field("port", &Peer::port);
    d.field("behind", &Peer::behind);
  }
};
struct Inner {
  std::string folder = "/srv";
  static auto describe(Description<Inner>& d) { d.field("folder", &Inner::folder).doc("where").alias("directory"); }
};
struct Outer {
  Inner inner;
  Mode mode = Mode::safe;
  uint32_t timeout = 500;
  uint8_t small = 3;
  double ratio = 0.5;
  std::string password;
  std::optional<uint16_t> port;
  std::vector<Peer> peers;
  std::map<std::string, Peer> named;
  static auto describe(Description<Outer>& d) {
    d.doc("All of it.");
    d.field("inner", &Outer::inner);
    d.field("mode", &Outer::mode).live();
    d.field("timeout", &Outer::timeout).unit("ms").range(1, 60'000).doc("of a call");
    d.field("small", &Outer::small);
    d.field("ratio", &Outer::ratio).range(0, 1);
    d.field("password", &Outer::password).secret();
    d.field("port", &Outer::port);
    d.field("peers", &Outer::peers);
    d.field("named", &Outer::named);
  }
};

std::string schema(const Outer& defaults = {}) { return config_schema(type_of<Outer>(), &defaults, {.title = "outer"}); }

TEST(ConfigSchema, IsJsonOf2020Dash12) {
  const auto checked = check_json(schema());
  EXPECT_TRUE(checked) << checked.error().to_string();
  EXPECT_THAT(schema(), HasSubstr(R"("$schema":"https://json-schema.org/draft/2020-12/schema","title":"outer")"));
  EXPECT_THAT(schema(), HasSubstr(R"("description":"All of it.")"));
}

TEST(ConfigSchema, NumbersHaveTheirRangeAndThoseWithAUnitMayBeTexts) {
  EXPECT_THAT(schema(), HasSubstr(R"("small":{"type":"integer","minimum":0,"maximum":255,"default":3})"));
  EXPECT_THAT(schema(), HasSubstr(R"("ratio":{"type":"number","minimum":0,"maximum":1,"default":0.5})"));
  EXPECT_THAT(schema(), HasSubstr(R"("timeout":{"anyOf":[{"type":"integer","minimum":1,"maximum":60000},{"type":"string","pattern":)"));
  EXPECT_THAT(schema(), HasSubstr(R"x("description":"of a call (ms)","x-unit":"ms","default":500)x"));
}

TEST(ConfigSchema, DefaultsAreThoseOfTheObject) {
  Outer other;
  other.inner.folder = "/data";
  EXPECT_THAT(schema(), HasSubstr(R"("default":"/srv")"));
  EXPECT_THAT(schema(other), HasSubstr(R"("default":"/data")"));
}

TEST(ConfigSchema, EnumsLiveValuesAndSecretsAreTold) {
  EXPECT_THAT(schema(), HasSubstr(R"("mode":{"type":"string","enum":["fast","safe"],"description":"safe: syncs","x-live":true,"default":"safe"})"));
  Outer secret;
  secret.password = "s3cret";
  EXPECT_THAT(schema(secret), HasSubstr(R"("password":{"type":"string","writeOnly":true})"));
  EXPECT_THAT(schema(secret), Not(HasSubstr("s3cret")));
}

TEST(ConfigSchema, UnknownKeysAreRefusedAndAliasesKnown) {
  EXPECT_THAT(schema(), HasSubstr(R"("additionalProperties":false)"));
  EXPECT_THAT(schema(), HasSubstr(R"("directory":{"type":"string")"));
}

TEST(ConfigSchema, AStructThatHoldsItselfIsDescribedOnce) {
  EXPECT_THAT(schema(), HasSubstr(R"("peers":{"type":["array","null"],"items":{"$ref":"#/$defs/peers"},"default":[]})"));
  EXPECT_THAT(schema(), HasSubstr(R"("named":{"type":["object","null"],"additionalProperties":{"$ref":"#/$defs/peers"},"default":{}})"));
  EXPECT_THAT(schema(), HasSubstr(R"("required":["host"],"additionalProperties":false)"));
}

}  // namespace
}  // namespace sofa
