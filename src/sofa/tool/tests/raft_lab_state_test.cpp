#include "sofa/tool/raft_lab_state.h"

#include <gtest/gtest.h>

#include <map>

#include "sofa/base/random.h"

namespace sofa::tool {
namespace {

std::string op(int code, const std::string& key, const std::string& rest = "") {
  std::string bytes{static_cast<char>(code), static_cast<char>(key.size() >> 8), static_cast<char>(key.size())};
  return bytes + key + rest;
}
std::string be32(uint32_t number) {
  std::string bytes(4, '\0');
  store_be(reinterpret_cast<uint8_t*>(bytes.data()), number);
  return bytes;
}
std::string be64(int64_t number) {
  std::string bytes(8, '\0');
  store_be(reinterpret_cast<uint8_t*>(bytes.data()), number);
  return bytes;
}
std::string put(const std::string& key, const std::string& value) { return op(1, key, value); }
std::string cas(const std::string& key, const std::optional<std::string>& expect, const std::string& update) {
  return op(3, key, expect ? be32(static_cast<uint32_t>(expect->size())) + *expect + update : be32(0xffffffff) + update);
}
std::string applied(LabState& state, const std::string& entry) { return std::string(state.apply(as_bytes(entry)).text()); }
std::string text_of(const LabState& state, std::string_view key) { return std::string(state.find(key).value_or("(missing)")); }

const std::string kDone("\x01"), kNotDone("\0", 1);

TEST(LabState, AppliesEveryOpWithItsResult) {
  LabState state;
  EXPECT_EQ(applied(state, put("k", "one")), kDone);
  EXPECT_EQ(text_of(state, "k"), "one");
  EXPECT_EQ(applied(state, put("k", "")), kDone);
  EXPECT_EQ(text_of(state, "k"), "");
  EXPECT_EQ(applied(state, op(5, "k", "ab")), kDone);
  EXPECT_EQ(applied(state, op(5, "k", "c")), kDone);
  EXPECT_EQ(text_of(state, "k"), "abc");
  EXPECT_EQ(applied(state, op(5, "new", "x")), kDone);
  EXPECT_EQ(text_of(state, "new"), "x");
  EXPECT_EQ(applied(state, op(4, "k")), kDone);
  EXPECT_EQ(text_of(state, "k"), "(missing)");
  EXPECT_EQ(applied(state, op(4, "k")), kDone) << "of what is not there";
  EXPECT_EQ(state.size(), 1U);
}

TEST(LabState, AddsToDecimalTexts) {
  LabState state;
  EXPECT_EQ(applied(state, op(2, "n", be64(5))), "5");
  EXPECT_EQ(applied(state, op(2, "n", be64(-12))), "-7");
  EXPECT_EQ(text_of(state, "n"), "-7");
  EXPECT_EQ(applied(state, op(2, "m", be64(INT64_MAX))), "9223372036854775807");
  EXPECT_EQ(applied(state, op(2, "m", be64(1))), "-9223372036854775808") << "as Java's sums";
  EXPECT_EQ(applied(state, put("t", "word")), kDone);
  EXPECT_EQ(applied(state, op(2, "t", be64(1))), "") << "no number: nothing changes";
  EXPECT_EQ(text_of(state, "t"), "word");
}

TEST(LabState, ComparesAndSets) {
  LabState state;
  EXPECT_EQ(applied(state, cas("k", "old", "new")), kNotDone) << "it is missing";
  EXPECT_EQ(applied(state, cas("k", std::nullopt, "one")), kDone);
  EXPECT_EQ(applied(state, cas("k", std::nullopt, "two")), kNotDone) << "it is there";
  EXPECT_EQ(applied(state, cas("k", "one", "two")), kDone);
  EXPECT_EQ(applied(state, cas("k", "one", "three")), kNotDone);
  EXPECT_EQ(text_of(state, "k"), "two");
  EXPECT_EQ(applied(state, cas("k", "two", "")), kDone);
  EXPECT_EQ(applied(state, cas("k", "", "last")), kDone) << "empty is not missing";
  EXPECT_EQ(text_of(state, "k"), "last");
}

TEST(LabState, PassesOverWhatItDoesNotKnow) {
  LabState state;
  applied(state, put("k", "v"));
  const Bytes before = state.encode();
  for (const std::string& entry : {std::string(), std::string("\x01"), std::string("\x01\0", 2), op(1, "key").substr(0, 5), op(6, "k", "x"),
                                   op(0, "k"), op(0x10, "k"), op(2, "n", "short"), op(3, "k", "abc"), op(3, "k", be32(9) + "v")}) {
    EXPECT_EQ(applied(state, entry), "") << to_hex(as_bytes(entry));
  }
  EXPECT_EQ(state.encode(), before);
}

TEST(LabState, HasSnapshotsInTheOrderOfTheKeysBytes) {
  LabState state;
  for (const char* key : {"b", "\xff", "a", "", "ab"}) applied(state, put(key, std::string("<") + key + ">"));
  EXPECT_EQ(to_hex(state.encode()),
            "00000000000000023c3e"          // "" -> "<>"
            "0000000161000000033c613e"      // "a"
            "000000026162000000043c61623e"  // "ab"
            "0000000162000000033c623e"      // "b"
            "00000001ff000000033cff3e");    // 0xff
  EXPECT_EQ(state.encoded_bytes(), state.encode().size());
  EXPECT_EQ(LabState().encode().size(), 0U);
}

TEST(LabState, LoadsASnapshotFromPiecesOfEverySize) {
  LabState state;
  for (int i = 0; i < 100; ++i) applied(state, put(fmt::format("key{}", i * 7919 % 100), std::string(static_cast<size_t>(i), 'v')));
  const Bytes snapshot = state.encode();
  for (const size_t size : {size_t{1}, size_t{3}, size_t{64}, snapshot.size()}) {
    LabState loaded;
    LabState::Loader loader(loaded);
    for (size_t at = 0; at < snapshot.size(); at += size) loader.add(snapshot.slice(at, std::min(size, snapshot.size() - at)));
    EXPECT_TRUE(loader.finish());
    EXPECT_EQ(loaded.encode(), snapshot);
    EXPECT_EQ(loaded.size(), state.size());
  }
  LabState broken;
  LabState::Loader loader(broken);
  loader.add(snapshot.slice(0, snapshot.size() - 1));
  EXPECT_EQ(loader.finish().error().code(), Code::data_loss);
}

TEST(LabState, StaysInASnapshotAsItWasWhileItChanges) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  LabState state;
  std::map<std::string, std::string> model;
  const auto change = [&] {
    const std::string key = fmt::format("k{}", random.uniform(0, 5000));
    if (random.uniform(0, 4) == 0) {
      applied(state, op(4, key));
      model.erase(key);
    } else {
      const std::string value(static_cast<size_t>(random.uniform(0, 40)), 'a');
      applied(state, put(key, value));
      model[key] = value;
    }
  };
  for (int i = 0; i < 4000; ++i) change();
  const auto then = model;
  const LabState::Frozen frozen = state.freeze();
  for (int i = 0; i < 8000; ++i) change();
  std::map<std::string, std::string> kept;
  for (const auto& [key, value] : frozen.sorted()) kept.emplace(key, value);
  EXPECT_EQ(kept, then);
  EXPECT_EQ(state.size(), model.size());
  for (const auto& [key, value] : model) EXPECT_EQ(state.find(key), value);
  EXPECT_EQ(state.encoded_bytes(), state.encode().size());
}

}  // namespace
}  // namespace sofa::tool
