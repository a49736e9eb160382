#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <random>

#include "interop_types.h"
#include "sofa/wire/hessian/hash_map.h"
#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::hessian {
namespace {

using interop::Node;

std::vector<uint8_t> raw(std::string_view hex) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(hex, bytes));
  return bytes;
}

std::string repeated(std::string_view text, size_t n) {
  std::string all;
  for (size_t i = 0; i < n; ++i) all += text;
  return all;
}

Result<Value> read_raw(std::string_view hex, Dialect dialect, std::shared_ptr<Arena> arena = std::make_shared<Arena>(), Limits limits = {}) {
  static std::shared_ptr<Arena> kept;  // until the next call
  kept = arena;
  const auto bytes = raw(hex);
  Reader reader(bytes, {.dialect = dialect, .limits = limits, .arena = std::move(arena)});
  return reader.read_value();
}

TEST(Hostile, NestingIsBounded) {
  EXPECT_TRUE(read_raw(repeated("566e01", 128) + "4e" + repeated("7a", 128), Dialect::h3));
  auto deep = read_raw(repeated("566e01", 129) + "4e" + repeated("7a", 129), Dialect::h3);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code(), Code::resource_exhausted);
  EXPECT_FALSE(read_raw(repeated("79", 1'000'000) + "4e", Dialect::h4));
  const auto bytes = raw(repeated("79", 1'000'000));
  Reader skipping(bytes, {.dialect = Dialect::h4});
  EXPECT_FALSE(skipping.skip());
  std::vector<uint8_t> nodes = raw("4fa1" + to_hex(as_bytes("sofa.interop.Node")) + "91046e657874");
  for (int i = 0; i < 100000; ++i) nodes.insert(nodes.end(), {0x6f, 0x90});
  nodes.push_back('N');
  auto chain = decode<Graph<Node>>(nodes);
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error().code(), Code::resource_exhausted);
}

TEST(Hostile, HugeDeclaredLengthsReserveNothing) {
  auto arena = std::make_shared<Arena>();
  EXPECT_FALSE(read_raw("566c7fffffff90", Dialect::h3, arena));
  EXPECT_FALSE(read_raw("58497fffffff90", Dialect::h4, arena));
  EXPECT_FALSE(read_raw("56045b696e74497fffffff", Dialect::h4, arena));
  EXPECT_FALSE(read_raw("566cffffffff90", Dialect::h3, arena));
  EXPECT_FALSE(read_raw("4f497fffffff41", Dialect::h3, arena));
  EXPECT_FALSE(read_raw("4f9141497fffffff", Dialect::h3, arena));
  EXPECT_FALSE(read_raw("53ffff41", Dialect::h3, arena));
  EXPECT_FALSE(read_raw("42ffff41", Dialect::h4, arena));
  EXPECT_LT(arena->bytes_allocated(), 16384u);
  const auto bytes = raw("566c7fffffff90");
  EXPECT_FALSE(decode<std::vector<interop::User>>(bytes));
  EXPECT_FALSE(decode<Array<int64_t>>(bytes));
}

TEST(Hostile, DefinitionsFieldsAndNamesAreBounded) {
  auto many = read_raw(repeated("4f914190", 1025) + "6f90", Dialect::h3);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code(), Code::resource_exhausted);
  EXPECT_TRUE(read_raw(repeated("4f914190", 1024) + "6f90", Dialect::h3));
  EXPECT_EQ(read_raw("4f9141"
                     "cc01" +
                         repeated("0161", 1025) + "6f90",
                     Dialect::h3)
                .error()
                .code(),
            Code::resource_exhausted);
  EXPECT_EQ(read_raw("4fca01" + repeated("41", 513) + "906f90", Dialect::h3).error().code(), Code::resource_exhausted);
}

TEST(Hostile, BadReferencesAreErrors) {
  for (const char* hex : {"4a00", "566e014a017a", "4b0000", "52ffffffff", "6f90",
                          "7690"
                          "91",
                          "4d75907a", "4fa1"})
    EXPECT_FALSE(read_raw(hex, Dialect::h3)) << hex;
  for (const char* hex : {"5190", "795191", "518f", "60", "4f90", "719090", "4d905a"}) EXPECT_FALSE(read_raw(hex, Dialect::h4)) << hex;
  // A list where an object is expected, through a reference.
  Document d;
  List* list = make_list(d.arena());
  Object* node = make_object(d.arena(), "sofa.interop.Node", {{"children", list}, {"next", list}});
  auto back = decode<Graph<Node>>(*encode(Value(node)));
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message().find("expected an object of sofa.interop.Node, found a list"), std::string_view::npos) << back.error().to_string();
}

TEST(Hostile, UnknownTagsAreNamed) {
  auto wrong = read_raw("566e0145", Dialect::h3);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message(), "value[0]: expected a value, found no value (tag 0x45) at byte 3");
  EXPECT_FALSE(read_raw("78", Dialect::h3));
  EXPECT_FALSE(read_raw("", Dialect::h3));
  EXPECT_FALSE(read_raw("02c341", Dialect::h3));
  EXPECT_FALSE(read_raw("01f09f9880", Dialect::h3));
}

TEST(Hostile, FourBytesThatAreNoCodePointAreRefused) {
  for (const Dialect dialect : {Dialect::h3, Dialect::h4}) {
    EXPECT_EQ(read_raw("02f0908080", dialect)->text(), "\U00010000");
    EXPECT_EQ(read_raw("02f48fbfbf", dialect)->text(), "\U0010ffff");
    for (const char* hex : {"02f4908080", "02f08fbfbf", "02f08080af"}) {  // U+110000, U+FFFF and '/' in too many bytes
      const auto read = read_raw(hex, dialect);
      ASSERT_FALSE(read) << hex;
      EXPECT_TRUE(read.error().message().contains("bad UTF-8")) << read.error().to_string();
    }
  }
}

struct Pair {
  std::vector<Pair> kids;
  static auto describe(Description<Pair>& d) { d.java_type("t.Pair").field("kids", &Pair::kids); }
};

TEST(Hostile, SharedObjectsThatExplodeWhenCopiedAreBounded) {
  Document d;
  Object* below = make_object(d.arena(), "t.Pair", {{"kids", make_list(d.arena())}});
  for (int i = 0; i < 40; ++i) {
    List* kids = make_list(d.arena());
    kids->push(below);
    kids->push(below);
    below = make_object(d.arena(), "t.Pair", {{"kids", kids}});
  }
  auto bytes = encode(Value(below));
  auto copies = decode<Pair>(*bytes, {.limits = {.copies = 10000}});
  ASSERT_FALSE(copies);
  EXPECT_EQ(copies.error().code(), Code::resource_exhausted);
  Reader reader(*bytes);
  auto value = reader.read_value();
  ASSERT_TRUE(value);
  EXPECT_TRUE(same_shape(*value, below));
  EXPECT_TRUE(to_text(*value, 1000).ends_with("..."));
}

struct Note {
  std::string text;
  static auto describe(Description<Note>& d) { d.java_type("t.Note").field("text", &Note::text); }
};

TEST(Hostile, AStringThatReferencesRepeatCountsEachTime) {
  Document d;
  Object* note = make_object(d.arena(), "t.Note", {{"text", Value::text(d.arena(), std::string(100'000, 'x'))}});
  List* notes = make_list(d.arena());
  for (int i = 0; i < 1000; ++i) notes->push(note);
  auto copies = decode<std::vector<Note>>(*encode(Value(notes)), {.limits = {.memory = size_t{10} << 20}});
  ASSERT_FALSE(copies);
  EXPECT_EQ(copies.error().code(), Code::resource_exhausted);
}

TEST(Hostile, MemoryOfOneStreamIsBounded) {
  std::vector<uint8_t> nulls(100'003, 'N');
  nulls[0] = 'V';
  nulls.back() = 'z';
  auto users = decode<std::vector<interop::User>>(nulls, {.limits = {.memory = 1 << 20}});
  ASSERT_FALSE(users);
  EXPECT_EQ(users.error().code(), Code::resource_exhausted);
}

TEST(Hostile, CyclesAreKeptAndMarkedInText) {
  auto list = read_raw("566e014a007a", Dialect::h3);
  ASSERT_TRUE(list);
  EXPECT_EQ((*list->list())[0].node(), list->node());
  EXPECT_EQ(to_text(*list), "[<cycle>]");
}

/// A map of n pairs whose keys all fall into one bucket of a hash table that has grown to hold them.
std::vector<uint8_t> colliding_map(size_t n) {
  std::unordered_map<int64_t, int32_t> probe;
  probe.reserve(n);
  Buffer buffer;
  Writer writer(buffer);
  writer.begin_map({});
  for (size_t i = 1; i <= n; ++i) {
    writer.write_long(static_cast<int64_t>(i * probe.bucket_count()));
    writer.write_int(1);
  }
  writer.end_map();
  const Bytes bytes = buffer.take();
  return {bytes.begin(), bytes.end()};
}

TEST(Hostile, NumbersThatCollideAreAnsweredAsUsual) {
  const auto bytes = colliding_map(200'000);
  const auto start = std::chrono::steady_clock::now();
  Reader reader(bytes);
  EXPECT_TRUE(reader.read_value());
  auto ordered = decode<std::map<int64_t, int32_t>>(bytes);
  ASSERT_TRUE(ordered);
  EXPECT_EQ(ordered->size(), 200'000u);
  auto seeded = decode<HashMap<int64_t, int32_t>>(bytes);
  ASSERT_TRUE(seeded);
  EXPECT_EQ(seeded->size(), 200'000u);
  auto hashed = decode<std::unordered_map<int64_t, int32_t>>(bytes);
  ASSERT_TRUE(hashed) << hashed.error().to_string();
  EXPECT_EQ(hashed->size(), 200'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));  // n squared would take minutes
}

/// 2^bits texts with one Java hash: "Aa" and "BB" hash alike, so every row of them does.
std::vector<std::string> java_collisions(int bits) {
  std::vector<std::string> keys;
  for (int i = 0; i < 1 << bits; ++i) {
    std::string key;
    for (int bit = 0; bit < bits; ++bit) key += (i >> bit & 1) != 0 ? "BB" : "Aa";
    keys.push_back(std::move(key));
  }
  return keys;
}

/// Texts with one hash in libstdc++ (MurmurHash64A, its seed known): each block of 8 bytes is mixed by steps that can be undone and xored into the
/// state, and a difference of the top bit goes through the multiplication unchanged. So the top bit flipped in two mixed blocks in a row cancels.
std::vector<std::string> standard_collisions(int pairs) {
  constexpr uint64_t kMultiply = 0xc6a4a7935bd1e995u;
  uint64_t inverse = kMultiply;  // Newton's steps: each doubles the right bits
  for (int i = 0; i < 6; ++i) inverse *= 2 - kMultiply * inverse;
  const auto unmix = [&](uint64_t k) {
    k *= inverse;
    k ^= k >> 47;
    return k * inverse;
  };
  const auto mix = [&](uint64_t k) {
    k *= kMultiply;
    k ^= k >> 47;
    return k * kMultiply;
  };
  // Of two blocks, the one is an ordinary text and the other follows from it: both stay ASCII by trying.
  std::mt19937_64 random(7);
  const auto ascii = [](uint64_t k) { return (k & 0x8080808080808080u) == 0; };
  std::vector<std::array<uint64_t, 2>> blocks;
  while (blocks.size() < static_cast<size_t>(2 * pairs)) {
    const uint64_t one = random() & 0x7f7f7f7f7f7f7f7fu, other = unmix(mix(one) ^ uint64_t{1} << 63);
    if (ascii(other)) blocks.push_back({one, other});
  }
  std::vector<std::string> keys;
  for (int i = 0; i < 1 << pairs; ++i) {
    std::string key;
    for (int pair = 0; pair < pairs; ++pair) {
      for (int half = 0; half < 2; ++half) {
        const uint64_t block = blocks[static_cast<size_t>(2 * pair + half)][i >> pair & 1];
        key.append(reinterpret_cast<const char*>(&block), 8);
      }
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

Bytes map_of(const std::vector<std::string>& keys) {
  Buffer buffer;
  Writer writer(buffer);
  writer.begin_map({});
  for (size_t i = 0; i < keys.size(); ++i) {
    writer.write_string(keys[i]);
    writer.write_int(static_cast<int32_t>(i));
  }
  writer.end_map();
  return buffer.take();
}

TEST(Hostile, TextsThatCollideAreAnsweredAsUsual) {
  const auto java = java_collisions(15), standard = standard_collisions(15);
  ASSERT_EQ(std::hash<std::string>()(standard.front()), std::hash<std::string>()(standard.back()));
  ASSERT_NE(standard.front(), standard.back());
  const auto start = std::chrono::steady_clock::now();
  for (const auto& keys : {java, standard}) {
    const Bytes bytes = map_of(keys);
    auto seeded = decode<HashMap<std::string, int32_t>>(bytes);
    ASSERT_TRUE(seeded) << seeded.error().to_string();
    ASSERT_EQ(seeded->size(), keys.size());
    for (size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(seeded->find(keys[i])->second, static_cast<int32_t>(i));
    EXPECT_EQ(*encode(*seeded), bytes);  // the order is kept
    auto ordered = decode<std::map<std::string, int32_t>>(bytes);
    ASSERT_TRUE(ordered);
    EXPECT_EQ(ordered->size(), keys.size());
    EXPECT_TRUE(decode<Document>(bytes));
  }
  EXPECT_TRUE((decode<std::unordered_map<std::string, int32_t>>(map_of(java))));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

/// The standard's map cannot hold such keys in bounded time whoever fills it, so it is refused early and by name.
TEST(Hostile, AStandardHashMapOfCollidingTextsIsRefusedByName) {
  auto hashed = decode<std::unordered_map<std::string, int32_t>>(map_of(standard_collisions(10)));
  ASSERT_FALSE(hashed);
  EXPECT_EQ(hashed.error().code(), Code::resource_exhausted);
  EXPECT_NE(hashed.error().message().find("HashMap"), std::string_view::npos) << hashed.error().to_string();
}

TEST(Hostile, RemoteObjectsCountAndAreSkippedWithoutBeingBuilt) {
  const std::string remote =
      "72"
      "7400"
      "01"
      "41"
      "5300"
      "01"
      "42";  // r t "A" S "B"
  EXPECT_TRUE(read_raw("56" + repeated(remote, 1000) + "7a", Dialect::h3));
  auto much = read_raw("56" + repeated(remote, 1000) + "7a", Dialect::h3, std::make_shared<Arena>(), {.memory = 30'000});
  ASSERT_FALSE(much);  // a list of a thousand values alone takes 16 000 bytes
  EXPECT_EQ(much.error().code(), Code::resource_exhausted);
  const auto bytes = raw("56" + repeated(remote, 1000) + "7a");
  auto arena = std::make_shared<Arena>();
  Reader skipping(bytes, {.arena = arena});
  EXPECT_TRUE(skipping.skip());
  EXPECT_TRUE(skipping.at_end());
  EXPECT_EQ(arena->bytes_allocated(), 0u);
}

TEST(HashMap, KeepsTheFirstPlaceAndTheLastValueOfAKey) {
  HashMap<std::string, int32_t> map;
  EXPECT_EQ(map.find("a"), nullptr);
  for (int32_t i = 0; i < 1000; ++i) map[fmt::format("{}", i % 500)] = i;
  ASSERT_EQ(map.size(), 500u);
  EXPECT_EQ(map.begin()->first, "0");
  EXPECT_EQ(map.find("7")->second, 507);
  EXPECT_TRUE(map.erase("7"));
  EXPECT_FALSE(map.erase("7"));
  EXPECT_FALSE(map.contains("7"));
  EXPECT_EQ(map.find("499")->second, 999);
  EXPECT_EQ(*(decode<HashMap<std::string, int32_t>>(*encode(map))), map);
  Buffer twice;
  Writer writer(twice);
  writer.begin_map({});
  for (int32_t i = 0; i < 40; ++i) {
    writer.write_int(i % 20);
    writer.write_int(i);
  }
  writer.end_map();
  auto merged = decode<HashMap<int32_t, int32_t>>(twice.span());
  ASSERT_TRUE(merged);
  ASSERT_EQ(merged->size(), 20u);
  EXPECT_EQ(merged->begin()->second, 20);
}

TEST(Hostile, RandomBytesNeverDoMoreThanFail) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes(random() % 64);
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random());
    for (Dialect dialect : {Dialect::h3, Dialect::h4}) {
      Reader reader(bytes, {.dialect = dialect});
      (void)reader.read_value();
      (void)decode<interop::User>(bytes, {.dialect = dialect});
      (void)decode<Graph<Node>>(bytes, {.dialect = dialect});
    }
  }
}

}  // namespace
}  // namespace sofa::hessian
