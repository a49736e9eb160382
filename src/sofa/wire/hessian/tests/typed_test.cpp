#include <gtest/gtest.h>

#include "interop_types.h"
#include "sofa/wire/hessian/java_exception.h"
#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"
#include "vectors.h"

namespace sofa::hessian {
namespace {

using interop::Level;
using interop::make_user;
using interop::Node;
using interop::User;

constexpr WriterOptions kPeers[] = {{Dialect::h3, Family::sofa}, {Dialect::h4, Family::sofa}, {Dialect::h4, Family::dubbo}};

template <class T>
std::string hex_of(const T& value, WriterOptions options = {}) {
  auto bytes = encode(value, options);
  return bytes ? to_hex(*bytes) : bytes.error().to_string();
}

template <class T>
T read_back(const T& value, WriterOptions options, const std::shared_ptr<Arena>& arena) {
  auto bytes = encode(value, options);
  EXPECT_TRUE(bytes);
  auto back = decode<T>(*bytes, {.dialect = options.dialect, .arena = arena});
  EXPECT_TRUE(back) << back.error().to_string();
  return back ? std::move(*back) : T();
}

/// The bytes of a recorded value of that library.
std::string recorded(const WriterOptions& options, std::string_view name) {
  const char* file = options.dialect == Dialect::h3   ? "hessian-sofa-3.5.5.jsonl"
                     : options.family == Family::sofa ? "hessian-sofa-4.0.4.jsonl"
                                                      : "hessian-dubbo-lite-4.0.3.jsonl";
  for (const Vector& v : load_vectors(file)) {
    if (v.name == name) return v.hex;
  }
  return "no such vector";
}

void expect_same_user(const User& a, const User& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.age, b.age);
  EXPECT_EQ(a.vip, b.vip);
  EXPECT_EQ(a.score, b.score);
  EXPECT_EQ(a.rank, b.rank);
  EXPECT_EQ(a.tags, b.tags);
  EXPECT_EQ(a.level, b.level);
  EXPECT_EQ(a.birthday, b.birthday);
  EXPECT_EQ(a.balance, b.balance);
  EXPECT_EQ(a.avatar, b.avatar);
  ASSERT_EQ(a.attrs.size(), b.attrs.size());
  for (const auto& [key, value] : a.attrs) EXPECT_TRUE(same_shape(value, b.attrs.at(key)));
}

TEST(Typed, AUserIsWrittenInJavaOrderAndReadBack) {
  for (const WriterOptions& options : kPeers) {
    auto arena = std::make_shared<Arena>();
    const User user = make_user(7, std::make_shared<User>(make_user(0)));
    const User back = read_back(user, options, arena);
    expect_same_user(user, back);
    ASSERT_TRUE(back.manager);
    expect_same_user(*user.manager, *back.manager);
    EXPECT_FALSE(back.manager->rank.has_value());
  }
  const std::string hex = hex_of(make_user(1));
  const std::string order =
      to_hex(as_bytes("\x02id\x04name\x03"
                      "age\x03vip\x05score\x04rank\x04tags\x05"
                      "attrs\x05level"));
  EXPECT_NE(hex.find(order), std::string::npos) << hex;
}

TEST(Typed, TheSameBytesAsTypedAndAsValue) {
  for (const WriterOptions& options : kPeers) {
    auto manager = std::make_shared<User>(make_user(0));
    std::vector<User> users;
    for (int64_t id = 1; id <= 5; ++id) users.push_back(make_user(id, manager));
    auto typed = encode(users, options);
    ASSERT_TRUE(typed);
    Reader reader(*typed, {.dialect = options.dialect});
    auto value = reader.read_value();
    ASSERT_TRUE(value) << value.error().to_string();
    EXPECT_EQ(hex_of(*value, options), to_hex(*typed));
  }
}

TEST(Typed, ManagersAreOneObjectAgain) {
  for (const WriterOptions& options : kPeers) {
    auto manager = std::make_shared<User>(make_user(0));
    std::vector<User> users;
    for (int64_t id = 1; id <= 300; ++id) users.push_back(make_user(id, manager));
    auto arena = std::make_shared<Arena>();
    const auto back = read_back(users, options, arena);
    ASSERT_EQ(back.size(), 300u);
    expect_same_user(*manager, *back[0].manager);
    for (const User& user : back) EXPECT_EQ(user.manager, back[0].manager);
  }
}

TEST(Typed, NodesKeepCyclesAndSharing) {
  for (const WriterOptions& options : kPeers) {
    auto graph = Graph<Node>::make();
    Node* other = graph.arena().make<Node>();
    graph->name = "root";
    other->name = "other";
    graph->next = other;
    other->next = graph.get();
    graph->children = {other, graph.get(), Link<Node>(), other};
    auto bytes = encode(graph, options);
    ASSERT_TRUE(bytes);
    auto back = decode<Graph<Node>>(*bytes, {.dialect = options.dialect});
    ASSERT_TRUE(back) << back.error().to_string();
    const Node& root = **back;
    EXPECT_EQ(root.name, "root");
    EXPECT_EQ(root.next->name, "other");
    EXPECT_EQ(root.next->next.get(), &root);
    ASSERT_EQ(root.children.size(), 4u);
    EXPECT_EQ(root.children[0], root.next);
    EXPECT_EQ(root.children[1].get(), &root);
    EXPECT_FALSE(root.children[2]);
    EXPECT_EQ(to_hex(*encode(*back, options)), to_hex(*bytes));
  }
}

TEST(Typed, GraphsOfOneStreamShareTheirObjects) {
  auto graph = Graph<Node>::make();
  graph->name = "n";
  Buffer buffer;
  Writer writer(buffer);
  ASSERT_TRUE(writer.write(graph));
  ASSERT_TRUE(writer.write(graph));
  Reader reader(buffer.span());
  auto first = reader.read<Graph<Node>>();
  auto second = reader.read<Graph<Node>>();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->get(), second->get());
}

struct Selfish {
  std::shared_ptr<Selfish> me;
  std::vector<Selfish> by_value;
  static auto describe(Description<Selfish>& d) {
    d.java_type("sofa.vectors.HessianVectors$Self");
    d.field("me", &Selfish::me);
    d.field("list", &Selfish::by_value);
  }
};

TEST(Typed, ACycleOfSharedPointersIsRefusedWithAdvice) {
  std::vector<uint8_t> bytes;
  from_hex(recorded(kPeers[0], "ref_self"), bytes);
  auto back = decode<Selfish>(bytes);
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message().find("Link"), std::string_view::npos) << back.error().to_string();
  auto shared = decode<std::shared_ptr<Selfish>>(bytes);
  ASSERT_FALSE(shared);
  EXPECT_NE(shared.error().message().find("Link"), std::string_view::npos) << shared.error().to_string();
}

struct Point {
  int32_t x = 0, y = 0;
  friend bool operator==(const Point&, const Point&) = default;
  static auto describe(Description<Point>& d) {
    d.java_type("sofa.vectors.HessianVectors$Point");
    d.field("x", &Point::x);
    d.field("y", &Point::y);
  }
};

TEST(Typed, ReferencesToValuesHeldByValueAreCopies) {
  for (const WriterOptions& options : kPeers) {
    std::vector<uint8_t> bytes;
    from_hex(recorded(options, "ref_same_object"), bytes);
    auto points = decode<std::vector<Point>>(bytes, {.dialect = options.dialect});
    ASSERT_TRUE(points) << points.error().to_string();
    EXPECT_EQ(*points, (std::vector<Point>{{5, 6}, {5, 6}}));
    auto shared = decode<std::vector<std::shared_ptr<Point>>>(bytes, {.dialect = options.dialect});
    ASSERT_TRUE(shared);
    EXPECT_EQ((*shared)[0], (*shared)[1]);
  }
}

struct Mixed {
  Value any;                    // reads the object first
  Link<Point> linked;           // then as a described type,
  std::shared_ptr<Point> held;  // then behind another pointer,
  Point copy;                   // then by value
  Value again;                  // and the node of the first
  static auto describe(Description<Mixed>& d) {
    d.java_type("t.Mixed");
    d.field("any", &Mixed::any);
    d.field("linked", &Mixed::linked);
    d.field("held", &Mixed::held);
    d.field("copy", &Mixed::copy);
    d.field("again", &Mixed::again);
  }
};

TEST(Typed, OneObjectSeenThroughEveryKindOfTarget) {
  Document d;
  Object* point = make_object(d.arena(), "sofa.vectors.HessianVectors$Point", {{"x", Value(3)}, {"y", Value(4)}});
  Object* mixed =
      make_object(d.arena(), "t.Mixed", {{"unknown", point}, {"any", point}, {"linked", point}, {"held", point}, {"copy", point}, {"again", point}});
  for (Dialect dialect : {Dialect::h3, Dialect::h4}) {
    auto bytes = encode(Value(mixed), {.dialect = dialect});
    ASSERT_TRUE(bytes);
    auto arena = std::make_shared<Arena>();
    auto back = decode<Mixed>(*bytes, {.dialect = dialect, .arena = arena});
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_EQ(*back->linked, (Point{3, 4}));
    EXPECT_EQ(*back->held, (Point{3, 4}));
    EXPECT_EQ(back->copy, (Point{3, 4}));
    ASSERT_TRUE(back->any.object());
    EXPECT_EQ(back->any.node(), back->again.node());
  }
}

TEST(Typed, MissingFieldsKeepDefaultsAndNumbersTurnIntoEachOther) {
  Document d;
  Object* user = make_object(d.arena(), "sofa.interop.User",
                             {{"id", Value(int32_t{5})},
                              {"age", Value::literal("42")},
                              {"vip", Value(int64_t{1})},
                              {"score", Value(int32_t{2})},
                              {"name", Value(1.5)},
                              {"rank", Value()},
                              {"extra", Value(true)},
                              {"birthday", Value(int64_t{9})}});
  auto arena = std::make_shared<Arena>();
  auto back = convert<User>(user, arena);
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(back->id, 5);
  EXPECT_EQ(back->age, 42);
  EXPECT_TRUE(back->vip);
  EXPECT_EQ(back->score, 2.0);
  EXPECT_EQ(back->name, "1.5");
  EXPECT_FALSE(back->rank);
  EXPECT_EQ(back->birthday, Timestamp{9});
  EXPECT_FALSE(back->level);
}

TEST(Typed, ErrorsNamePathTagAndByte) {
  Document d;
  List* tags = make_list(d.arena());
  tags->push(Value::literal("a"));
  tags->push(make_map(d.arena()));
  Object* user = make_object(d.arena(), "sofa.interop.User", {{"tags", tags}});
  auto bytes = encode(Value(user));
  Reader reader(*bytes);
  auto back = reader.read<User>();
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().message(), "User.tags[1]: expected a string, found a map (tag 0x4d) at byte 32");
  Reader labelled(*bytes);
  EXPECT_TRUE(labelled.read<User>("SofaRequest.methodArgs[0]").error().message().starts_with("SofaRequest.methodArgs[0].tags[1]: "));
  auto unknown = decode<Level>(*encode(Value(make_object(d.arena(), "sofa.interop.Level", {{"name", Value::literal("IRON")}}))));
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message().find("sofa.interop.Level has no constant \"IRON\""), std::string_view::npos);
}

TEST(Typed, AnObjectIsReadPieceByPiece) {
  Document d;
  Object* response = make_object(d.arena(), "com.alipay.sofa.rpc.core.response.SofaResponse", {{"isError", Value(false)}, {"appResponse", Value(7)}});
  auto bytes = encode(Value(response));
  Reader reader(*bytes);
  auto peeked = reader.peek_object();
  ASSERT_TRUE(peeked);
  EXPECT_TRUE(peeked->has("appResponse"));
  auto head = reader.begin_object();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->class_name, "com.alipay.sofa.rpc.core.response.SofaResponse");
  EXPECT_EQ(reader.read<bool>().value(), false);
  EXPECT_EQ(reader.read<int32_t>().value(), 7);
  EXPECT_TRUE(reader.expect_end());
}

template <class T>
void expect_recorded(std::string_view name, const T& value) {
  for (const WriterOptions& options : kPeers) {
    SCOPED_TRACE(std::string(name) + (options.dialect == Dialect::h3 ? " h3" : options.family == Family::sofa ? " h4" : " dubbo"));
    const std::string hex = recorded(options, name);
    EXPECT_EQ(hex_of(value, options), hex);
    std::vector<uint8_t> bytes;
    from_hex(hex, bytes);
    auto back = decode<T>(bytes, {.dialect = options.dialect});
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_TRUE(*back == value);
  }
}

TEST(JavaTypes, AreWrittenAndReadAsEachLibraryDoes) {
  const LocalDate date{2024, 2, 29};
  const LocalTime time{12, 30, 15, 500};
  const ZoneOffset east{8 * 3600};
  expect_recorded("local_date", date);
  expect_recorded("local_time", time);
  expect_recorded("local_date_time", LocalDateTime{date, time});
  expect_recorded("instant", Instant{100, 10});
  expect_recorded("duration", Duration{30, 10});
  expect_recorded("period", Period{1, 2, 3});
  expect_recorded("year", Year{2024});
  expect_recorded("year_month", YearMonth{2024, 2});
  expect_recorded("month_day", MonthDay{2, 29});
  expect_recorded("zone_offset", east);
  expect_recorded("zone_id", ZoneId{"Asia/Shanghai"});
  expect_recorded("offset_time", OffsetTime{{12, 0, 0, 0}, east});
  expect_recorded("big_decimal", BigDecimal{"12.50"});
  expect_recorded("date_1700000000123", Timestamp{1700000000123});
  expect_recorded("date_60000", Timestamp{60000});
  expect_recorded("locale", Locale{"zh_CN"});
  expect_recorded("uuid", Uuid::parse("123e4567-e89b-12d3-a456-426614174000").value());
  expect_recorded("int_array", Array<int32_t>{{1, 2, 300000}});
  expect_recorded("bool_array", Array<bool>{{true, false}});
  expect_recorded("string_array_2d", Array<Array<std::string>>{{{{"a"}}}});
  expect_recorded("int_array_2d", Array<Array<int32_t>>{{{{1}}, {{2, 3}}}});
  expect_recorded("string_array", Array<std::optional<std::string>>{{"a", std::nullopt, "b"}});
  expect_recorded("float_array", Array<float>{{1.1f}});
  expect_recorded("integer_array", Array<std::optional<int32_t>>{{1, 2}});
  expect_recorded("pojo_array", Array<Point>{{{1, 2}, {3, 4}}});
  expect_recorded("date_array", Array<Timestamp>{{{0}}});
}

TEST(JavaTypes, BigNumbersDatesAndZones) {
  for (const WriterOptions& options : kPeers) {
    std::vector<uint8_t> bytes;
    from_hex(recorded(options, "big_integer"), bytes);
    auto big = decode<BigInteger>(bytes, {.dialect = options.dialect});
    ASSERT_TRUE(big) << big.error().to_string();
    EXPECT_EQ(big->to_string(), "123456789012345678901234567890");
    EXPECT_EQ(read_back(*big, options, nullptr), *big);
    from_hex(recorded(options, "zoned_date_time"), bytes);
    auto zoned = decode<ZonedDateTime>(bytes, {.dialect = options.dialect});
    ASSERT_TRUE(zoned) << zoned.error().to_string();
    EXPECT_EQ(zoned->zone, "Asia/Shanghai");
    EXPECT_EQ(zoned->offset.seconds, 8 * 3600);
    EXPECT_EQ(hex_of(*zoned, options), recorded(options, "zoned_date_time"));
    from_hex(recorded(options, "offset_date_time"), bytes);
    auto moment = decode<OffsetDateTime>(bytes, {.dialect = options.dialect});
    ASSERT_TRUE(moment);
    EXPECT_EQ(hex_of(*moment, options), recorded(options, "offset_date_time"));
    from_hex(recorded(options, "sql_timestamp"), bytes);
    EXPECT_EQ(decode<Timestamp>(bytes, {.dialect = options.dialect}).value(), Timestamp{1700000000123});
    from_hex(recorded(options, "float_1.1"), bytes);
    EXPECT_EQ(decode<float>(bytes, {.dialect = options.dialect}).value(), 1.1f);
  }
  EXPECT_EQ(BigInteger::parse("-5").value(), BigInteger::of(-5));
  EXPECT_EQ(BigInteger::of(INT64_MIN).to_string(), "-9223372036854775808");
  EXPECT_FALSE(BigInteger::parse("1e5"));
  EXPECT_EQ(ZoneOffset::parse("-05:30:15").value().to_string(), "-05:30:15");
  EXPECT_FALSE(ZoneOffset::parse("+8"));
}

TEST(JavaTypes, DaysAreAddedInEveryYearThatJavaHas) {
  struct Case {
    LocalDate from;
    int64_t days;
    LocalDate to;
  };
  const Case cases[] = {
      {{2024, 2, 28}, 2, {2024, 3, 1}},
      {{2023, 2, 28}, 1, {2023, 3, 1}},
      {{1900, 2, 28}, 1, {1900, 3, 1}},
      {{2000, 3, 1}, -1, {2000, 2, 29}},
      {{0, 3, 1}, -1, {0, 2, 29}},
      {{1, 1, 1}, -1, {0, 12, 31}},
      {{0, 1, 1}, -1, {-1, 12, 31}},
      {{-1, 12, 31}, 1, {0, 1, 1}},
      {{-4, 2, 28}, 1, {-4, 2, 29}},
      {{-100, 2, 28}, 1, {-100, 3, 1}},
      {{-32768, 1, 1}, 0, {-32768, 1, 1}},
      {{32767, 12, 31}, 1, {32768, 1, 1}},
      {{2000, 1, 1}, INT32_MAX, {5881610, 7, 11}},
      {{2000, 1, 1}, INT32_MIN, {-5877611, 6, 22}},
      {{999999999, 12, 30}, 1, {999999999, 12, 31}},
      {{-999999999, 1, 2}, -1, {-999999999, 1, 1}},
  };
  for (const Case& c : cases) {
    const auto moved = c.from.plus_days(c.days);
    ASSERT_TRUE(moved) << moved.error().to_string();
    EXPECT_EQ(moved->to_string(), c.to.to_string()) << c.from.to_string() << " and " << c.days << " days";
    EXPECT_EQ(c.to.plus_days(-c.days).value(), c.from);
  }
  for (const int64_t days : {int64_t{1}, INT64_MAX, INT64_MIN}) {
    const auto past = LocalDate{999999999, 12, 31}.plus_days(days);
    EXPECT_FALSE(past) << days;
    EXPECT_EQ(past.error().code(), Code::out_of_range);
  }
  for (const LocalDate wrong : {LocalDate{2023, 2, 29}, LocalDate{2023, 13, 1}, LocalDate{2023, 1, 0}, LocalDate{2023, 257, 1}}) {
    EXPECT_FALSE(wrong.plus_days(1)) << wrong.to_string();
  }
}

struct Prims {
  std::optional<float> boxed;
  float plain = 1.1f;
  std::optional<int8_t> small;
  static auto describe(Description<Prims>& d) {
    d.java_type("t.Prims");
    d.field("boxed", &Prims::boxed);
    d.field("plain", &Prims::plain);
    d.field("small", &Prims::small);
  }
};

TEST(JavaTypes, FloatsAreWidenedAsEachLibraryDoes) {
  const Prims prims{1.1f, 1.1f, int8_t{5}};
  EXPECT_NE(hex_of(prims, kPeers[0]).find("906b3f8ccccd6b3f8ccccd95"), std::string::npos);
  EXPECT_NE(hex_of(prims, kPeers[2])
                .find("609544"
                      "3ff19999a0000000"
                      "5f0000044c"),
            std::string::npos)
      << hex_of(prims, kPeers[2]);
  EXPECT_NE(hex_of(prims, kPeers[1]).find(to_hex(as_bytes("FloatHandle"))), std::string::npos);
  for (const WriterOptions& options : kPeers) {
    const Prims back = read_back(prims, options, nullptr);
    EXPECT_EQ(back.boxed, 1.1f);
    EXPECT_EQ(back.small, 5);
  }
  EXPECT_EQ(hex_of(std::vector<float>{1.1f}, kPeers[2]), "795f0000044c");
}

JavaException custom_exception() {
  JavaException exception("sofa.vectors.HessianVectors$Ex", "ex");
  exception.set("code", Value(42));
  return exception;
}

TEST(Exceptions, AreWrittenAsJavaDoesAndReadFromAnyClass) {
  JavaException runtime("java.lang.RuntimeException", "boom");
  runtime.stack = {{"a.B", "m", "B.java", 7}};
  JavaException outer("java.lang.IllegalStateException", "outer");
  outer.cause = std::make_shared<JavaException>(runtime);
  JavaException suppressing("java.lang.RuntimeException", std::nullopt);
  suppressing.suppressed = {runtime};
  const std::pair<const char*, JavaException> cases[] = {
      {"exception_runtime", runtime}, {"exception_cause", outer}, {"exception_custom", custom_exception()}, {"exception_suppressed", suppressing}};
  for (const WriterOptions& options : kPeers) {
    for (const auto& [name, exception] : cases) {
      SCOPED_TRACE(name);
      const std::string hex = recorded(options, name);
      std::vector<uint8_t> bytes;
      from_hex(hex, bytes);
      auto back = decode<JavaException>(bytes, {.dialect = options.dialect});
      ASSERT_TRUE(back) << back.error().to_string();
      EXPECT_EQ(back->to_string(), exception.to_string());
      EXPECT_EQ(back->stack, exception.stack);
      EXPECT_EQ(back->suppressed.size(), exception.suppressed.size());
      EXPECT_EQ(back->cause != nullptr, exception.cause != nullptr);
      EXPECT_EQ(hex_of(exception, options), hex);
      EXPECT_EQ(hex_of(*back, options), hex);
    }
  }
}

TEST(Exceptions, KeepCustomFieldsAfterTheReaderIsGone) {
  auto bytes = encode(custom_exception());
  auto back = decode<JavaException>(*bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->field("code")->integer(), 42);
  EXPECT_EQ(back->field("nothing"), nullptr);
  Error error = Error(Code::unknown, "refused").with_detail(std::make_shared<JavaException>(*back));
  EXPECT_EQ(error.detail<JavaException>()->class_name, "sofa.vectors.HessianVectors$Ex");
}

TEST(Filter, ADeniedClassIsNamed) {
  ClassFilter filter;
  filter.deny("com.evil.");
  Document d;
  const Value evil = make_object(d.arena(), "com.evil.Gadget", {{"x", Value(1)}});
  List* list = make_list(d.arena(), "[com.evil.Gadget");
  for (const Value& value : {evil, Value(list), Value(make_map(d.arena(), "com.evil.Map"))}) {
    for (Dialect dialect : {Dialect::h3, Dialect::h4}) {
      auto bytes = encode(value, {.dialect = dialect});
      Reader reader(*bytes, {.dialect = dialect, .filter = &filter});
      auto read = reader.read_value();
      ASSERT_FALSE(read);
      EXPECT_EQ(read.error().code(), Code::permission_denied);
      EXPECT_NE(read.error().message().find("com.evil."), std::string_view::npos);
    }
  }
  ClassFilter only;
  only.allow("sofa.interop.").allow("java.");
  EXPECT_TRUE(only.admits("[[int"));
  EXPECT_TRUE(only.admits("[sofa.interop.User"));
  EXPECT_FALSE(only.admits("com.acme.User"));
  only.deny("com.acme.").always("com.acme.Envelope");
  EXPECT_TRUE(only.admits("com.acme.Envelope"));
  EXPECT_FALSE(only.admits("com.acme.Envelopes"));
  EXPECT_TRUE(ClassFilter().always("com.acme.Envelope").empty());
}

TEST(Typed, TextsOfEveryShortLengthKeepTheirLength) {
  for (size_t length = 0; length <= 40; ++length) {
    std::vector<std::optional<std::string>> texts{std::string(length, 'k'), std::string(44 - length, 'v'), std::string(40, 'x')};
    const auto bytes = encode(texts);
    ASSERT_TRUE(bytes.has_value());
    const auto back = decode<std::vector<std::optional<std::string>>>(*bytes);
    ASSERT_TRUE(back.has_value()) << back.error().to_string();
    EXPECT_EQ(*back, texts) << length;
  }
}

}  // namespace
}  // namespace sofa::hessian
