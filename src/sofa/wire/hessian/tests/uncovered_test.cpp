// Forms of the grammar that no recorded vector holds (docs/protocols/hessian.md, section 6), and round trips of random values.
#include <gtest/gtest.h>

#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::hessian {
namespace {

std::vector<uint8_t> raw(std::string_view hex) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(hex, bytes));
  return bytes;
}

/// The text of the value and the bytes that writing it gives.
std::pair<std::string, std::string> through(std::string_view hex, Dialect dialect) {
  const auto bytes = raw(hex);
  Reader reader(bytes, {.dialect = dialect});
  auto value = reader.read_value();
  if (!value) return {value.error().to_string(), ""};
  EXPECT_TRUE(reader.at_end());
  return {to_text(*value), to_hex(*encode(*value, {.dialect = dialect}))};
}

using Both = std::pair<std::string, std::string>;

TEST(Uncovered, H3ListsWithoutLengthAndWithLongLength) {
  EXPECT_EQ(through("5691927a", Dialect::h3), Both("[1, 2]", "566e0291927a"));
  EXPECT_EQ(through("567400045b696e7491927a", Dialect::h3), Both("[int[1, 2]", "567400045b696e746e0291927a"));
  EXPECT_EQ(through("567400045b696e746c0000000291927a", Dialect::h3).first, "[int[1, 2]");
  EXPECT_EQ(through("566e0591927a", Dialect::h3).first, "[1, 2]") << "a wrong length before an end mark is ignored";
  Document d;
  List* longs = make_list(d.arena(), "[int");
  for (int32_t i = 0; i < 256; ++i) longs->push(Value(i));
  EXPECT_TRUE(to_hex(*encode(Value(longs))).starts_with("567400045b696e746c0000010090"));
}

TEST(Uncovered, H3FourByteReferences) {
  Document d;
  List* list = make_list(d.arena());
  for (int i = 0; i < 0x10000; ++i) list->push(make_list(d.arena()));
  list->push((*list)[0xffff]);
  auto bytes = encode(Value(list));
  EXPECT_TRUE(to_hex(*bytes).ends_with("52000100007a"));
  Reader reader(*bytes);
  auto back = reader.read_value();
  ASSERT_TRUE(back);
  EXPECT_TRUE(same_shape(*back, list));
  EXPECT_EQ(through("566e01520000"
                    "00007a",
                    Dialect::h3)
                .first,
            "[<cycle>]");
}

TEST(Uncovered, H3MapWhoseFirstKeyIsTrue) {
  EXPECT_EQ(through("4d5491460161"
                    "7a",
                    Dialect::h3),
            Both("{true: 1, false: \"a\"}", "4d54914601617a"));
}

TEST(Uncovered, H3RemoteObjects) {
  const std::string hex =
      "7274000361"
      "2e42"
      "530003782f79";
  EXPECT_EQ(through(hex, Dialect::h3), Both("com.caucho.hessian.io.HessianRemote{\"type\": \"a.B\", \"url\": \"x/y\"}", hex));
}

TEST(Uncovered, H4ListsWithoutLength) {
  EXPECT_EQ(through("5791925a", Dialect::h4), Both("[1, 2]", "7a9192"));
  EXPECT_EQ(through("55045b696e7491925a", Dialect::h4), Both("[int[1, 2]", "72045b696e749192"));
}

TEST(Uncovered, H4SeventeenthClassAndLaterUseTheLongForm) {
  Document d;
  List* list = make_list(d.arena());
  for (int32_t i = 0; i < 18; ++i) list->push(make_object(d.arena(), fmt::format("C{}", i), {{"v", Value(i)}}));
  auto bytes = encode(Value(list), {.dialect = Dialect::h4});
  EXPECT_TRUE(
      to_hex(*bytes).ends_with("4fa1"
                               "a1"))
      << to_hex(*bytes);
  Reader reader(*bytes, {.dialect = Dialect::h4});
  auto back = reader.read_value();
  ASSERT_TRUE(back);
  EXPECT_TRUE(same_shape(*back, list));
}

TEST(Uncovered, H4MiddleLengths) {
  Document d;
  for (size_t n : {256u, 300u, 511u, 512u, 767u, 768u, 1023u}) {
    for (const Value& value : {Value::text(d.arena(), std::string(n, 'x')), Value::bytes(d.arena(), as_bytes(std::string(n, 'b')))}) {
      auto bytes = encode(value, {.dialect = Dialect::h4});
      EXPECT_EQ((*bytes)[0], (value.kind() == ValueKind::string ? 0x30 : 0x34) + (n >> 8));
      Reader reader(*bytes, {.dialect = Dialect::h4});
      EXPECT_TRUE(same_shape(*reader.read_value(), value));
    }
  }
}

TEST(Uncovered, AMapAndAListShareTheTableOfTypes) {
  Document d;
  List* list = make_list(d.arena());
  list->push(make_map(d.arena(), "x.T"));
  list->push(make_list(d.arena(), "x.T"));
  list->push(make_map(d.arena(), "x.T"));
  EXPECT_EQ(to_hex(*encode(Value(list))), "566e034d740003782e547a7690904d75907a7a");
  EXPECT_EQ(to_hex(*encode(Value(list), {.dialect = Dialect::h4})), "7b4d03782e545a70904d905a");
  EXPECT_EQ(through("566e034d740003782e547a7690904d75907a7a", Dialect::h3).first, "[x.T{}, x.T[], x.T{}]");
  EXPECT_EQ(through("7b4d03782e545a70904d905a", Dialect::h4).first, "[x.T{}, x.T[], x.T{}]");
}

TEST(Uncovered, ReferencesAfterReplacedValuesNumberWhatIsOnTheWire) {
  // A Byte handle (1), a list (2), then the list again.
  const std::string hex = "7b433020" + to_hex(as_bytes("com.caucho.hessian.io.ByteHandle")) +
                          "91065f76616c756560957991"
                          "5192";
  EXPECT_EQ(through(hex, Dialect::h4), Both("[com.caucho.hessian.io.ByteHandle{\"_value\": 5}, [1], [1]]", hex));
}

TEST(Uncovered, ChunksOfAnySizeAndPairsAcrossThem) {
  EXPECT_EQ(through("730001"
                    "62"
                    "730000"
                    "0161",
                    Dialect::h3),
            Both("\"ba\"", "026261"));
  EXPECT_EQ(through("730001eda0bd01edb880", Dialect::h3), Both("\"\xf0\x9f\x98\x80\"", "02eda0bdedb880"));
  EXPECT_EQ(through("02f09f9880", Dialect::h4), Both("\"\xf0\x9f\x98\x80\"", "02eda0bdedb880")) << "four bytes, as old Go writes";
  EXPECT_EQ(through("6200010162"
                    "00002102",
                    Dialect::h3),
            Both("bytes(0102)", "220102"));
  EXPECT_EQ(through("41000101350102", Dialect::h4).second, "") << "0x35 needs 257 bytes";
  Document d;
  EXPECT_EQ(to_hex(*encode(Value::literal("a\xff"
                                          "b"))),
            "0361efbfbd62")
      << "no UTF-8";
}

TEST(Uncovered, DefinitionsMayStandBeforeAnyValue) {
  EXPECT_EQ(through("4f9141910178"
                    "91",
                    Dialect::h3),
            Both("1", "91"));
  EXPECT_EQ(through("566e02"
                    "4f91419101784f914291017990"
                    "6f90926f91937a",
                    Dialect::h3)
                .first.substr(0, 2),
            "[0");
}

/// Random values: every kind, types, shared nodes and cycles.
class RandomValues {
 public:
  RandomValues(Arena& arena, uint64_t seed) : arena_(arena), random_(seed) {}

  Value any(int depth) {
    const uint64_t kind = random_() % (depth == 0 ? 8 : 12);
    switch (kind) {
      case 0:
        return {};
      case 1:
        return Value(random_() % 2 == 0);
      case 2:
        return Value(static_cast<int32_t>(wide()));
      case 3:
        return Value(wide());
      case 4:
        return number();
      case 5:
        return Value::date(random_() % 2 == 0 ? wide() : wide() / 60000 * 60000);
      case 6:
        return Value::text(arena_, text());
      case 7:
        return Value::bytes(arena_, as_bytes(text()));
      case 8:
        return nodes_.empty() ? Value() : nodes_[random_() % nodes_.size()];
      case 9:
        return list(depth);
      case 10:
        return map(depth);
      default:
        return object(depth);
    }
  }

 private:
  int64_t wide() { return static_cast<int64_t>(random_()) >> random_() % 64; }
  Value number() {
    switch (random_() % 4) {
      case 0:
        return Value(static_cast<double>(wide()));
      case 1:
        return Value(static_cast<double>(static_cast<int32_t>(wide())) * 0.001);
      case 2:
        return Value(static_cast<double>(static_cast<float>(static_cast<double>(wide()) / 3)));
      default:
        return Value(static_cast<double>(wide()) / 7);
    }
  }
  std::string text() {
    static constexpr std::string_view kPieces[] = {"a", "é", "中", "\xf0\x9f\x98\x80", "\xed\xa0\xbd", "plain", std::string_view("\0", 1)};
    std::string made;
    const uint64_t n = random_() % 50 == 0 ? 40000 : random_() % 40;
    while (made.size() < n) made += kPieces[random_() % 7];
    return made;
  }
  std::string_view type() {
    static constexpr std::string_view kTypes[] = {"", "", "[int", "java.util.LinkedList", "类型"};
    return kTypes[random_() % 5];
  }
  Value list(int depth) {
    List* made = make_list(arena_, type());
    nodes_.push_back(made);
    for (uint64_t n = random_() % 10; n > 0; --n) made->push(any(depth - 1));
    return made;
  }
  Value map(int depth) {
    Map* made = make_map(arena_, type());
    nodes_.push_back(made);
    for (uint64_t n = random_() % 6; n > 0; --n) made->push(any(depth - 1), any(depth - 1));
    return made;
  }
  Value object(int depth) {
    if (classes_.empty() || random_() % 4 == 0) {
      const std::string_view names[] = {"x", "名", "z"};
      classes_.push_back(make_class(arena_, fmt::format("t.C{}", random_() % 30), std::span(names).first(random_() % 4)));
    }
    Object* made = make_object(arena_, *classes_[random_() % classes_.size()]);
    nodes_.push_back(made);
    for (Value& value : made->values()) value = any(depth - 1);
    return made;
  }

  Arena& arena_;
  std::mt19937_64 random_;
  std::vector<Value> nodes_;
  std::vector<const ObjectClass*> classes_;
};

TEST(RoundTrip, RandomValuesInEveryDialect) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  for (uint64_t round = 0; round < 1000; ++round) {
    Document d;
    const Value value = RandomValues(d.arena(), seed + round).any(6);
    for (const WriterOptions options : {WriterOptions{Dialect::h3, Family::sofa}, WriterOptions{Dialect::h4, Family::dubbo}}) {
      auto bytes = encode(value, options);
      ASSERT_TRUE(bytes);
      Reader reader(*bytes, {.dialect = options.dialect});
      auto back = reader.read_value();
      ASSERT_TRUE(back) << round << back.error().to_string();
      ASSERT_TRUE(reader.at_end());
      ASSERT_EQ(to_hex(*encode(*back, options)), to_hex(*bytes)) << "round " << round;
      ASSERT_EQ(to_text(*back), to_text(value)) << "round " << round;
      ASSERT_TRUE(same_shape(*back, value)) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace sofa::hessian
