// JSON of the JDK's types and of dynamic values, as Jackson has it.

#include "sofa/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interop_types.h"

namespace sofa::hessian {
namespace {

using testing::HasSubstr;

template <class T>
std::string json_of(const T& value) {
  auto text = to_json(value);
  return text ? *text : text.error().to_string();
}

template <class T>
std::string problem_of(std::string_view text) {
  auto read = from_json<T>(text);
  return read ? "no problem" : std::string(read.error().message());
}

/// Reads the text, and expects the same text again.
template <class T>
void expect_round_trip(const T& value, std::string_view text) {
  EXPECT_EQ(json_of(value), text);
  auto back = from_json<T>(text);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(*back, value);
}

TEST(HessianJson, ValueTypesAreWrittenAndReadAsJacksonDoes) {
  expect_round_trip(Timestamp{946684800000}, "946684800000");
  expect_round_trip(Timestamp{-1}, "-1");
  expect_round_trip(BigDecimal{"12.50"}, "12.50");
  expect_round_trip(BigDecimal{"-1E+3"}, "-1E+3");
  expect_round_trip(BigInteger::of(INT64_MIN), "-9223372036854775808");
  expect_round_trip(BigInteger::parse("123456789012345678901234567890").value(), "123456789012345678901234567890");
  expect_round_trip(Uuid{1, 0xab}, R"("00000000-0000-0001-0000-0000000000ab")");
  expect_round_trip(Locale{"zh_CN"}, R"("zh_CN")");
  expect_round_trip(LocalDate{2000, 2, 29}, R"("2000-02-29")");
  expect_round_trip(LocalTime{9, 5, 0, 0}, R"("09:05")");
  expect_round_trip(LocalTime{9, 5, 1, 500'000'000}, R"("09:05:01.500")");
  expect_round_trip(LocalDateTime{{1999, 12, 31}, {23, 59, 59, 1}}, R"("1999-12-31T23:59:59.000000001")");
  expect_round_trip(OffsetDateTime{.date_time = {}, .offset = {28800}}, R"({"dateTime":"1970-01-01T00:00","offset":"+08:00"})");
  expect_round_trip(std::optional<Timestamp>{}, "null");
  expect_round_trip(std::map<std::string, std::optional<BigDecimal>>{{"a", BigDecimal{"1"}}, {"b", {}}}, R"({"a":1,"b":null})");
  EXPECT_EQ(json_of(std::map<int32_t, interop::Level>{{1, interop::Level::gold}}), R"({"1":"GOLD"})");
}

TEST(HessianJson, DatesAreReadFromIsoTextToo) {
  for (const std::string_view text :
       {"2000-01-01T00:00:01.5Z", "2000-01-01T08:00:01.500+08:00", "1999-12-31T19:00:01.5-0500", "2000-01-01 00:00:01.5"}) {
    EXPECT_EQ(Timestamp::parse(text).value().milliseconds, 946684801500) << text;
    EXPECT_EQ(from_json<Timestamp>(fmt::format("\"{}\"", text)).value().milliseconds, 946684801500) << text;
  }
  EXPECT_EQ(from_json<Timestamp>(R"("2000-01-01")").value().milliseconds, 946684800000);
  EXPECT_EQ(from_json<Timestamp>(R"("946684800000")").value().milliseconds, 946684800000);
}

TEST(HessianJson, WrongTextIsNamed) {
  for (const std::string_view text :
       {R"("2000-02-30")", R"("2000-01-01T24:00")", R"("2000-01-01T00:00+19:00")", R"("")", "1.5", "true", "null", "[]"}) {
    EXPECT_THAT(problem_of<Timestamp>(text), HasSubstr("expected a date: milliseconds since 1970 or ISO 8601, found ")) << text;
  }
  EXPECT_THAT(problem_of<LocalDate>(R"("2000-1-1")"), HasSubstr(R"(expected a date as in 2000-01-31, found "2000-1-1")"));
  for (const std::string_view text : {R"("1,5")", R"("01")", R"("1.")", R"("e5")", R"("NaN")", "{}"}) {
    EXPECT_THAT(problem_of<BigDecimal>(text), HasSubstr("expected a decimal number, found ")) << text;
  }
  EXPECT_THAT(problem_of<BigInteger>("1.5"), HasSubstr("found 1.5"));
  EXPECT_THAT(problem_of<BigInteger>(std::string(10'001, '7')), HasSubstr("expected a whole number of at most 10,000 digits"));
  EXPECT_THAT(json_of(BigDecimal{"many"}), HasSubstr(R"("many" is no decimal number)"));
  EXPECT_THAT(json_of(BigInteger{1, {std::vector<int32_t>(2000, -1)}}), HasSubstr("too large for JSON"));
}

TEST(HessianJson, ADynamicValueOfEveryKindGoesBothWays) {
  const std::string text = R"({"a":[null,true,-1,2147483648,1.5,"t",{"":{}},[]],"n":9223372036854775808,"tiny":1e-07,"1":"NaN"})";
  auto graph = graph_from_json<Value>(text);
  ASSERT_TRUE(graph) << graph.error().to_string();
  EXPECT_EQ(json_of(**graph), text);
  const List& list = *(*graph)->find("a")->list();
  EXPECT_EQ(list[2].kind(), ValueKind::int32);
  EXPECT_EQ(list[3].kind(), ValueKind::int64);
  EXPECT_EQ(list[4].kind(), ValueKind::float64);
  EXPECT_EQ((*graph)->find("n")->object()->class_name(), "java.math.BigInteger");
}

TEST(HessianJson, JavaObjectsOfADynamicValueAreMappings) {
  Arena arena;
  Object* user = make_object(arena, "com.acme.User",
                             {{"born", Value::date(5)},
                              {"raw", Value::bytes(arena, as_bytes("\x01\x02"))},
                              {"cash", make_object(arena, "java.math.BigDecimal", {{"value", Value::literal("1.10")}})}});
  Map* map = make_map(arena);
  map->push(Value(int32_t{7}), user);
  map->push(Value(true), Value(0.5));
  EXPECT_EQ(json_of(Value(map)), R"({"7":{"born":5,"raw":"AQI=","cash":1.10},"true":0.5})");
}

TEST(HessianJson, CyclesDepthSizeAndOddKeysAreRefused) {
  Arena arena;
  Map* map = make_map(arena);
  List* list = make_list(arena);
  map->push(Value::literal("l"), list);
  list->push(map);
  EXPECT_THAT(json_of(Value(map)), HasSubstr("the object contains itself, which JSON cannot express"));
  Value deep, wide(int32_t{1});
  for (int i = 0; i < 70; ++i) {
    List* outer = make_list(arena);
    outer->push(deep);
    deep = outer;
  }
  EXPECT_THAT(json_of(deep), HasSubstr("nested deeper than 64"));
  for (int i = 0; i < 40; ++i) {  // two references to each of 40 lists: 2^40 values
    List* outer = make_list(arena);
    outer->push(wide);
    outer->push(wide);
    wide = outer;
  }
  EXPECT_THAT(json_of(wide), HasSubstr("more than 1000000 values"));
  for (const Value& key : {Value(), Value(make_list(arena)), Value(make_map(arena))}) {
    Map* odd = make_map(arena);
    odd->push(key, Value());
    EXPECT_THAT(json_of(Value(odd)), HasSubstr("a map with a key that is no text, number or boolean"));
  }
  EXPECT_THAT(graph_from_json<Value>(std::string(100, '[') + std::string(100, ']')).error().to_string(), HasSubstr("this is no JSON"));
  EXPECT_THAT(graph_from_json<Value>(R"({"a":[{"b":1,"b":2}]})").error().to_string(), HasSubstr("a[0].b is given twice"));
  EXPECT_THAT(problem_of<Value>("[]"), HasSubstr("expected any value inside a Graph, which owns it, found no Graph around it"));
  EXPECT_TRUE(type_of<Value>().has_links()) << "a Value outside a Graph has no owner";
}

TEST(HessianJson, AUserOfTheInteropContract) {
  auto graph = Graph<interop::User>::make(interop::make_user(41, std::make_shared<interop::User>(interop::make_user(40))));
  const std::string text = json_of(graph);
  EXPECT_THAT(text, HasSubstr(R"("attrs":{"k":"v","n":41},"level":"GOLD","birthday":946684841000,"balance":141.25,"avatar":"AQIDKQ==","manager":{)"));
  auto back = graph_from_json<interop::User>(text);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(json_of(*back), text);
  EXPECT_EQ((*back)->birthday, graph->birthday);
}

}  // namespace
}  // namespace sofa::hessian
