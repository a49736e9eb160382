#include "sofa/base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace sofa {
namespace {

using testing::HasSubstr;

enum class Grade { low, high };
void describe(EnumDescription<Grade>& d) { d.java_type("t.Grade").value("LOW", Grade::low).value("HIGH", Grade::high); }

struct Limits {
  uint16_t port = 1;
  int64_t big = 0;
  static auto describe(Description<Limits>& d) {
    d.field("port", &Limits::port).range(1, 60000).alias("listen_port");
    d.field("big", &Limits::big);
  }
};

struct Everything {
  bool flag = false;
  int8_t tiny = 0;
  uint64_t natural = 0;
  double real = 0;
  float single = 0;
  std::string text;
  Bytes bytes;
  std::vector<uint8_t> raw;
  Grade grade = Grade::low;
  std::optional<int32_t> maybe;
  std::unique_ptr<Limits> owned;
  std::vector<Limits> list;
  std::map<int32_t, std::string> numbered;
  std::unordered_map<std::string, Limits> named;
  std::string password;
  static auto describe(Description<Everything>& d) {
    d.field("flag", &Everything::flag);
    d.field("tiny", &Everything::tiny);
    d.field("natural", &Everything::natural);
    d.field("real", &Everything::real);
    d.field("single", &Everything::single);
    d.field("text", &Everything::text);
    d.field("bytes", &Everything::bytes);
    d.field("raw", &Everything::raw);
    d.field("grade", &Everything::grade);
    d.field("maybe", &Everything::maybe);
    d.field("owned", &Everything::owned);
    d.field("list", &Everything::list);
    d.field("numbered", &Everything::numbered);
    d.field("named", &Everything::named);
    d.field("password", &Everything::password).secret();
  }
};

struct Person {
  std::string name;
  Link<Person> friend_of;
  static auto describe(Description<Person>& d) {
    d.field("name", &Person::name);
    d.field("friend_of", &Person::friend_of);
  }
};

template <class T>
std::string problem_of(std::string_view text, const ReadOptions& options = {.source = "json"}) {
  auto read = from_json<T>(text, options);
  return read ? "no problem" : std::string(read.error().message());
}

struct SameHash {
  size_t operator()(const std::string&) const { return 7; }
};

TEST(Json, KeysMadeToCollideAreRefusedAndNotLost) {
  std::string text = "{\"k0\":0";
  for (int i = 1; i < 300; ++i) text += fmt::format(",\"k{}\":{}", i, i);
  text += "}";
  const auto map = from_json<std::unordered_map<std::string, int, SameHash>>(text);
  ASSERT_FALSE(map.has_value());
  EXPECT_THAT(map.error().to_string(), HasSubstr("too many keys of the map have the same hash"));
  EXPECT_EQ((from_json<std::map<std::string, int>>(text)->size()), 300U);
}

TEST(Json, WritesAndReadsEveryKind) {
  Everything e;
  e.flag = true;
  e.tiny = -128;
  e.natural = UINT64_MAX;
  e.real = 0.1;
  e.single = 0.1f;
  e.text = "q\"\\\n\x01 \xc3\xa9";
  e.bytes = Bytes::copy_of("hello");
  e.raw = {0, 255};
  e.grade = Grade::high;
  e.maybe = 5;
  e.owned = std::make_unique<Limits>(Limits{2, INT64_MIN});
  e.list = {{3, INT64_MAX}};
  e.numbered = {{-1, "minus"}};
  e.named["a"].port = 4;
  const std::string text = to_json(e).value();
  EXPECT_EQ(text,
            R"({"flag":true,"tiny":-128,"natural":18446744073709551615,"real":0.1,"single":0.1,"text":"q\"\\\u000a\u0001 é","bytes":"aGVsbG8=",)"
            R"("raw":"AP8=","grade":"HIGH","maybe":5,"owned":{"port":2,"big":-9223372036854775808},"list":[{"port":3,"big":9223372036854775807}],)"
            R"("numbered":{"-1":"minus"},"named":{"a":{"port":4,"big":0}},"password":""})");
  auto back = from_json<Everything>(text);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(to_json(*back).value(), text);
  EXPECT_EQ(back->raw, e.raw);
  EXPECT_EQ(back->single, 0.1f);
}

TEST(Json, RandomNumbersAndTextsSurvive) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    Everything e;
    e.natural = random() >> random() % 64;
    e.real = std::bit_cast<double>(random());
    e.text.resize(random() % 20);
    for (char& c : e.text) c = static_cast<char>(random() % 128);
    e.raw.resize(random() % 20, static_cast<uint8_t>(random()));
    auto back = from_json<Everything>(to_json(e).value());
    ASSERT_TRUE(back) << back.error().to_string();
    ASSERT_EQ(back->natural, e.natural);
    ASSERT_TRUE(back->real == e.real || (std::isnan(e.real) && std::isnan(back->real)));
    ASSERT_EQ(back->text, e.text);
    ASSERT_EQ(back->raw, e.raw);
  }
}

TEST(Json, ZeroKeepsItsSign) {
  EXPECT_EQ(to_json(-0.0).value(), "-0.0");
  EXPECT_TRUE(std::signbit(from_json<double>("-0.0").value()));
  EXPECT_EQ(to_json(0.0).value(), "0");
}

TEST(Json, ErrorsNamePathPlaceExpectedAndFound) {
  EXPECT_EQ(problem_of<Limits>("{\n  \"port\": 70000}"), "json:2:16: port: expected a whole number from 1 to 60000, found 70000");
  EXPECT_EQ(problem_of<Limits>(R"({"portt":1})"), R"(json:1:8: portt is no known key; did you mean "port"?)");
  EXPECT_THAT(problem_of<Limits>(R"({"big":9223372036854775808})"),
              HasSubstr("big: expected a whole number from -9223372036854775808 to 9223372036854775807"));
  EXPECT_THAT(problem_of<Limits>(R"({"port":"80"})"), HasSubstr(R"(port: expected a whole number from 1 to 60000, found "80")"));
  EXPECT_THAT(problem_of<Limits>(R"({"port":1.5})"), HasSubstr("found 1.5"));
  EXPECT_THAT(problem_of<Limits>(R"({"port":99999999999999999999})"), HasSubstr("found 99999999999999999999"));
  EXPECT_THAT(problem_of<Limits>(R"({"port":1,"listen_port":2})"), HasSubstr("port is given twice, here as \"listen_port\""));
  EXPECT_THAT(problem_of<Limits>(R"([1])"), HasSubstr("the document: expected a mapping of fields, found a list"));
  EXPECT_THAT(problem_of<Everything>(R"({"list":[{},{"port":null}]})"),
              HasSubstr("list[1].port: expected a whole number from 1 to 60000, found null"));
  EXPECT_THAT(problem_of<Everything>(R"({"grade":"MIDDLE"})"), HasSubstr(R"(grade: expected one of LOW, HIGH, found "MIDDLE")"));
  EXPECT_THAT(problem_of<Everything>(R"({"bytes":"a"})"), HasSubstr(R"(bytes: expected base64 text, found "a")"));
  EXPECT_THAT(problem_of<Everything>(R"({"numbered":{"x":"y"}})"), HasSubstr("numbered.x: expected a whole number"));
  EXPECT_THAT(problem_of<Everything>(R"({"named":{"a b":{"port":0}}})"), HasSubstr(R"(named["a b"].port: expected)"));
  EXPECT_THAT(problem_of<Everything>(R"({"named":{"a":{},"a":{}}})"), HasSubstr("named.a is given twice"));
  EXPECT_THAT(problem_of<Everything>(R"({"single":1e300})"), HasSubstr("single: expected a number"));
  EXPECT_THAT(problem_of<Everything>(R"({"real":1e400})"), HasSubstr("real: expected a number, found a number too large"));
}

TEST(Json, SecretsAreHiddenInTextAndErrors) {
  Everything e;
  e.password = "hunter2";
  EXPECT_THAT(to_json(e, {.hide_secrets = true}).value(), HasSubstr(R"("password":"***")"));
  EXPECT_THAT(problem_of<Everything>(R"({"password":7777})"), testing::Not(HasSubstr("7777")));
}

TEST(Json, BrokenTextIsAnErrorAtItsPlace) {
  EXPECT_THAT(problem_of<Limits>("{\"port\":\n 1,,}"), HasSubstr("json:2:4: this is no JSON"));
  EXPECT_THAT(problem_of<Limits>(""), HasSubstr("this is no JSON"));
  EXPECT_THAT(problem_of<Limits>(R"({"port":1} x)"), HasSubstr("this is no JSON"));
  EXPECT_THAT(problem_of<Limits>(R"({"port":1)"), HasSubstr("this is no JSON"));
}

TEST(Json, BoundsHold) {
  EXPECT_THAT(problem_of<Everything>(std::string(1000, '[')), HasSubstr("this is no JSON"));
  std::string many = R"({"list":[)";
  for (int i = 0; i < 100; ++i) many += "{},";
  many += "{}]}";
  EXPECT_THAT(problem_of<Everything>(many, {.source = "json", .max_nodes = 50}), HasSubstr("more than 50 values"));
  EXPECT_EQ(problem_of<Everything>(many), "no problem");
  EXPECT_THAT(problem_of<Everything>(many, {.source = "json", .max_bytes = 10}), HasSubstr("more than the allowed 10"));
}

TEST(Json, UnknownKeysAndNullsMayBeAllowed) {
  const ReadOptions lenient{.source = "json", .ignore_unknown = true, .null_is_default = true};
  auto read = from_json<Limits>(R"({"more":[{"x":1}],"port":null,"big":1e3})", lenient);
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->port, 1);
  EXPECT_EQ(read->big, 1000);
}

TEST(Json, CyclesEndInAnErrorAndTreesOfLinksAreOwnedByTheGraph) {
  auto graph = graph_from_json<Person>(R"({"name":"a","friend_of":{"name":"b"}})");
  ASSERT_TRUE(graph) << graph.error().to_string();
  EXPECT_EQ((*graph)->friend_of->name, "b");
  (*graph)->friend_of->friend_of = graph->get();
  auto text = to_json(**graph);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().to_string(), HasSubstr("the object contains itself, which JSON cannot express"));
  EXPECT_EQ(text.error().code(), Code::invalid_argument);
  EXPECT_THAT(problem_of<Person>(R"({"friend_of":{}})"), HasSubstr("read it into a Graph"));
}

TEST(Json, AGraphIsReadIntoTheArenaOfItsReader) {
  EXPECT_THAT(problem_of<Graph<Person>>(R"({"name":"a"})"), HasSubstr("read it into a Graph"));
  Graph<Person> graph;
  {
    auto arena = std::make_shared<Arena>();
    auto read = from_json(R"({"name":"a"})", type_of<Graph<Person>>(), &graph, {.source = "json"}, arena.get());
    ASSERT_TRUE(read) << read.error().to_string();
  }
  EXPECT_EQ(graph->name, "a");
}

TEST(Json, TextThatIsNoUtf8StaysValidJson) {
  Person person{.name = "a\xff\xed\xa0\x80z\xc3", .friend_of = {}};
  EXPECT_EQ(to_json(person).value(), "{\"name\":\"a\xef\xbf\xbd\\ud800z\xef\xbf\xbd\",\"friend_of\":null}");
}

TEST(Json, ArraysOfBooleansAndBytesAreJavas) {
  const Array<bool> flags{{true, false}};
  EXPECT_EQ(type_of<Array<bool>>().java_type, "[Z");
  EXPECT_EQ(to_json(flags).value(), "[true,false]");
  EXPECT_EQ(from_json<Array<bool>>("[true,false]").value(), flags);
  EXPECT_THAT(problem_of<Array<bool>>("[1]"), HasSubstr("[0]: expected true or false, found 1"));

  EXPECT_EQ(type_of<std::vector<uint8_t>>().java_type, "[B");
  EXPECT_EQ(type_of<Array<uint8_t>>().java_type, "[B");
  EXPECT_EQ(type_of<Array<std::vector<uint8_t>>>().java_type, "[[B");
  EXPECT_EQ(type_of<std::vector<int8_t>>().java_type, "java.util.List");
  const Array<int8_t> bytes{{0, -1}};
  EXPECT_EQ(type_of<Array<int8_t>>().java_type, "[B");
  EXPECT_EQ(to_json(bytes).value(), R"("AP8=")");
  EXPECT_EQ(from_json<Array<int8_t>>(R"("AP8=")").value(), bytes);
  EXPECT_EQ(to_json(std::vector<int8_t>{0, -1}).value(), "[0,-1]");
}

TEST(Json, IndentsForPeople) {
  EXPECT_EQ(to_json(Limits{}, {.indent = true}).value(), "{\n  \"port\": 1,\n  \"big\": 0\n}");
  EXPECT_EQ(to_json(std::vector<int32_t>{}, {.indent = true}).value(), "[]");
}

}  // namespace
}  // namespace sofa
