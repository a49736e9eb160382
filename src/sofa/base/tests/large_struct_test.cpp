// A described struct may have a hundred fields: it compiles, and every format walks all of them.
#include <gtest/gtest.h>

#include "sofa/base/flags.h"
#include "sofa/base/json.h"
#include "sofa/base/yaml.h"

namespace sofa {
namespace {

#define TEN(each, tens) \
  each(tens##0) each(tens##1) each(tens##2) each(tens##3) each(tens##4) each(tens##5) each(tens##6) each(tens##7) each(tens##8) each(tens##9)
#define HUNDRED(each) \
  TEN(each, 0) TEN(each, 1) TEN(each, 2) TEN(each, 3) TEN(each, 4) TEN(each, 5) TEN(each, 6) TEN(each, 7) TEN(each, 8) TEN(each, 9)

struct Large {
#define MEMBER(number) int64_t field_##number = 0;
  HUNDRED(MEMBER)
#undef MEMBER
  static auto describe(Description<Large>& d) {
#define DESCRIBE(number) d.field("field_" #number, &Large::field_##number).doc("one of a hundred").range(0, 1'000'000);
    HUNDRED(DESCRIBE)
#undef DESCRIBE
  }
};

TEST(LargeStruct, AHundredFieldsAreWalkedByEveryFormat) {
  ASSERT_EQ(type_of<Large>().structure->fields.size(), 100u);
  Large large;
  for (const Field& field : type_of<Large>().structure->fields)
    *static_cast<int64_t*>(field.in(static_cast<void*>(&large))) = static_cast<int64_t>(field.offset);
  const std::string text = to_json(large).value();
  auto from = from_json<Large>(text);
  ASSERT_TRUE(from) << from.error().to_string();
  EXPECT_EQ(to_json(*from).value(), text);
  auto yaml = from_yaml<Large>(text, "large.yaml");  // JSON is YAML
  ASSERT_TRUE(yaml) << yaml.error().to_string();
  EXPECT_EQ(to_json(*yaml).value(), text);
  const char* arguments[] = {"large", "--field-99=12"};
  ASSERT_TRUE(parse_flags(2, arguments, large));
  EXPECT_EQ(large.field_99, 12);
}

}  // namespace
}  // namespace sofa
