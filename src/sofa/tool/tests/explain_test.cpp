#include "sofa/tool/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/base/random.h"
#include "sofa/base/testing/recorded.h"

namespace sofa::tool {
namespace {

using testing::HasSubstr;

std::vector<RecordedText> recorded(const std::string& file) { return read_recorded_text("../../wire/" + file); }

std::string bytes_of(std::string_view hex) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return {bytes.begin(), bytes.end()};
}

using Explain = void (*)(Walk&);
void explain_h3(Walk& walk) { explain_hessian(walk, walk.left(), hessian::Dialect::h3); }
void explain_h4(Walk& walk) { explain_hessian(walk, walk.left(), hessian::Dialect::h4); }

/// How many bytes the fields explain, which follow one another without a gap.
size_t explained(const Walk& walk, const std::string& name) {
  size_t at = 0;
  for (const Piece& piece : walk.pieces()) {
    EXPECT_EQ(piece.offset, at) << name << ": " << piece.name;
    at += piece.size;
  }
  return at;
}

/// Every byte belongs to one field, in order.
void expect_all_explained(Explain explain, const std::string& bytes, const std::string& name) {
  Walk walk(as_bytes(bytes));
  explain(walk);
  ASSERT_TRUE(walk.ok()) << name << ": byte " << walk.wrong()->offset << ": " << walk.wrong()->expected;
  EXPECT_EQ(explained(walk, name), bytes.size()) << name;
}

/// Cut anywhere, it never says that a byte which is there is wrong, except inside a value that is not whole.
void expect_cuts_are_told(Explain explain, const std::string& bytes, const std::string& name) {
  for (size_t size = 1; size < bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);  // its own memory, so that a sanitizer sees a read past its end
    Walk walk(as_bytes(cut));
    explain(walk);
    if (walk.wrong()) {
      EXPECT_LE(walk.wrong()->offset, size) << name;
    } else {
      EXPECT_EQ(explained(walk, name), size) << name;
    }
  }
}

struct Source {
  const char* file;
  Explain explain;
};

class Explaining : public testing::TestWithParam<Source> {};

TEST_P(Explaining, EveryRecordedByteIsInOneField) {
  const auto& [file, explain] = GetParam();
  for (const RecordedText& one : recorded(file)) {
    for (const std::string& hex : {one.request, one.response, one.hex}) {
      if (!hex.empty()) expect_all_explained(explain, bytes_of(hex), one.name);
    }
  }
}

TEST_P(Explaining, BytesThatEndTooEarlyAreTold) {
  const auto& [file, explain] = GetParam();
  for (const RecordedText& one : recorded(file)) {
    for (const std::string& hex : {one.request, one.response, one.hex}) {
      if (hex.size() < 4000) expect_cuts_are_told(explain, bytes_of(hex), one.name);
    }
  }
}

TEST_P(Explaining, ChangedBytesAreExplainedOrTold) {
  const auto& [file, explain] = GetParam();
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  for (const RecordedText& one : recorded(file)) {
    const std::string& hex = one.hex.empty() ? one.request : one.hex;
    if (hex.empty() || hex.size() > 4000) continue;
    for (int i = 0; i < 50; ++i) {
      std::string bytes = bytes_of(hex);
      bytes[random.uniform(bytes.size())] = static_cast<char>(random.next());
      Walk walk(as_bytes(bytes));
      explain(walk);
      const size_t at = explained(walk, one.name);
      ASSERT_LE(at, bytes.size());
      ASSERT_TRUE(walk.wrong() || at == bytes.size()) << one.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Recorded, Explaining,
                         testing::Values(Source{"bolt/tests/vectors/bolt-frames.jsonl", explain_bolt},
                                         Source{"bolt/tests/vectors/exchanges.jsonl", explain_bolt},
                                         Source{"dubbo/tests/vectors/dubbo-frames.jsonl", explain_dubbo},
                                         Source{"hessian/tests/vectors/hessian-sofa-3.5.5.jsonl", explain_h3},
                                         Source{"hessian/tests/vectors/hessian-dubbo-lite-4.0.3.jsonl", explain_h4}));

std::string value_of(const Walk& walk, std::string_view name) {
  for (const Piece& piece : walk.pieces()) {
    if (piece.name == name) return piece.value;
  }
  return "no such field";
}

TEST(ExplainBolt, NamesTheFieldsOfAFrame) {
  const std::string bytes = bytes_of(
      "02010100010100000007010000000bb80000001400000000"
      "0000000161"
      "00000001"
      "62"
      "00000001"
      "63"
      "ffffffff");
  Walk walk(as_bytes(bytes));
  explain_bolt(walk);
  EXPECT_EQ(value_of(walk, "type"), "1 (request)");
  EXPECT_EQ(value_of(walk, "command"), "1 (request)");
  EXPECT_EQ(value_of(walk, "request id"), "7");
  EXPECT_EQ(value_of(walk, "timeout"), "3000 (3000 ms)");
  EXPECT_EQ(value_of(walk, "key"), "\"a\"");
}

TEST(ExplainBolt, StopsAtTheFirstWrongByte) {
  const std::string bytes = bytes_of("0105");
  Walk walk(as_bytes(bytes));
  explain_bolt(walk);
  ASSERT_TRUE(walk.wrong());
  EXPECT_EQ(walk.wrong()->offset, 1u);
  EXPECT_THAT(walk.wrong()->expected, HasSubstr("request"));
}

TEST(ExplainHessian, ShowsTheItemsOfALongMapOneByOne) {
  const std::string longer(60, 'x');
  const std::string bytes = bytes_of("4d") + "\1a\1b\1c" + std::string("S\0\x3c", 3) + longer + "z";  // {"a": "b", "c": longer}
  Walk walk(as_bytes(bytes));
  explain_hessian(walk, bytes.size(), hessian::Dialect::h3);
  ASSERT_TRUE(walk.ok()) << walk.wrong()->expected;
  EXPECT_EQ(walk.pieces().front().value, "map");
  EXPECT_EQ(value_of(walk, "\"a\""), "\"b\"");
  EXPECT_EQ(value_of(walk, "\"c\""), "\"" + longer + "\"");
}

TEST(ExplainHttp2, NamesFramesSettingsAndHeaderFields) {
  const std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes_of(
                                                                     "000006040000000000"
                                                                     "000300000064"
                                                                     "000003010500000001"
                                                                     "828684"
                                                                     "000004080000000000"
                                                                     "0000ffff");
  Walk walk(as_bytes(bytes));
  explain_http2(walk);
  ASSERT_TRUE(walk.ok()) << walk.wrong()->expected;
  EXPECT_EQ(value_of(walk, "setting"), "3 (MAX_CONCURRENT_STREAMS)");
  EXPECT_EQ(value_of(walk, ":method"), "\"GET\"");
  EXPECT_EQ(value_of(walk, ":path"), "\"/\"");
  EXPECT_EQ(value_of(walk, "increment"), "65535");
  expect_cuts_are_told(explain_http2, bytes, "h2");
}

TEST(ExplainHttp2, TellsTheFieldsOfGrpcsMessagesAlsoOverSeveralFrames) {
  const std::string bytes = bytes_of(
      "00000a000000000001"
      "0000000005"
      "0a01781005"  // 1: "x", 2: 5
      "000009000000000003"
      "0000000008"
      "0a066162"
      "000004000100000003"
      "63646566");
  Walk walk(as_bytes(bytes));
  explain_http2(walk);
  EXPECT_EQ(value_of(walk, "field 1"), "\"x\"");
  EXPECT_EQ(value_of(walk, "field 2"), "5");
  EXPECT_EQ(walk.pieces().back().value, "4 more bytes");
  expect_all_explained(explain_http2, bytes, "gRPC");
  expect_cuts_are_told(explain_http2, bytes, "gRPC");
}

TEST(ExplainHttp2, StopsAtABrokenFrame) {
  const std::string settings = "000000040000000000";
  for (const std::string hex : {"0000050400000000000003000000", "000003060000000000000000", "000001010400000001ff", "00000101040000000180"}) {
    const std::string bytes = bytes_of(settings + hex);
    Walk walk(as_bytes(bytes));
    explain_http2(walk);
    EXPECT_TRUE(walk.wrong()) << hex;
  }
}

TEST(ExplainHttp2, GoesOnBehindHeaderFieldsOfARecordingFromTheMiddle) {
  const std::string bytes = bytes_of(
      "000001010400000001"
      "be"
      "000008060000000000"
      "0000000000000000");
  Walk walk(as_bytes(bytes));
  explain_http2(walk);
  ASSERT_TRUE(walk.ok()) << walk.wrong()->expected;
  EXPECT_THAT(value_of(walk, "HPACK"), HasSubstr("before the recording"));
  EXPECT_EQ(value_of(walk, "opaque data"), "8 bytes");
}

}  // namespace
}  // namespace sofa::tool
