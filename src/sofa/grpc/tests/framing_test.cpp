#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/base/random.h"
#include "sofa/grpc/framing.h"

namespace sofa::grpc {
namespace {

constexpr size_t kLimit = 1000;

Bytes framed(std::string_view message, Encoding encoding = Encoding::identity) { return *frame(as_bytes(message), encoding); }

/// The messages until none is whole, or the error's code.
struct Read {
  std::vector<std::string> messages;
  std::optional<Code> code;
};
void drain(Deframer& deframer, Read& into) {
  for (;;) {
    auto next = deframer.next();
    if (!next) into.code = next.error().code();
    if (!next || !*next) return;
    into.messages.emplace_back((*next)->text());
  }
}

TEST(Framing, AMessageHasAFlagAndABigEndianLength) {
  EXPECT_EQ(to_hex(framed("abc")), "0000000003616263");
  EXPECT_EQ(to_hex(framed("")), "0000000000");
  EXPECT_EQ(framed("abc", Encoding::gzip)[0], 1);
}

TEST(Framing, MessagesCutAtAnyPlaceComeBackWhole) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> sent(random.uniform(6));
    Buffer stream;
    for (std::string& message : sent) {
      for (uint64_t n = random.uniform(kLimit * 9 / 10); n > 0; --n) message += static_cast<char>(random.next());
      stream.append(framed(message, random.chance(0.5) ? Encoding::gzip : Encoding::identity));
    }
    Deframer deframer(kLimit, Encoding::gzip);
    Read read;
    for (ByteSpan rest = stream.span(); !rest.empty();) {
      const size_t n = 1 + random.uniform(std::min<size_t>(rest.size(), 700));
      deframer.feed(rest.first(n));
      rest = rest.subspan(n);
      drain(deframer, read);
    }
    EXPECT_TRUE(read.messages == sent);
    EXPECT_FALSE(read.code);
    EXPECT_FALSE(deframer.is_inside());
  }
}

TEST(Framing, ALengthOverTheLimitIsRefusedBeforeTheMessageComes) {
  Deframer deframer(kLimit, Encoding::identity);
  Buffer prefix;
  prefix.append_u8(0);
  prefix.append_be32(kLimit + 1);
  deframer.feed(prefix.span());
  Read read;
  drain(deframer, read);
  EXPECT_EQ(read.code, Code::resource_exhausted);
}

TEST(Framing, DecompressionStopsAtTheLimit) {
  const auto outcome = [](size_t size) {
    const Bytes compressed = framed(std::string(size, 'x'), Encoding::gzip);
    EXPECT_LT(compressed.size(), kLimit) << "the compressed bytes themselves are within the limit";
    Deframer deframer(kLimit, Encoding::gzip);
    deframer.feed(compressed);
    Read read;
    drain(deframer, read);
    return read;
  };
  EXPECT_THAT(outcome(kLimit).messages, testing::ElementsAre(std::string(kLimit, 'x')));
  EXPECT_EQ(outcome(kLimit + 1).code, Code::resource_exhausted);
  EXPECT_EQ(outcome(900'000).code, Code::resource_exhausted);
}

TEST(Framing, BrokenBytesAreInternalErrors) {
  const struct {
    const char* what;
    const char* hex;
    Encoding encoding;
  } cases[] = {{"unknown flag", "0200000000", Encoding::gzip},
               {"compressed without an encoding", "0100000000", Encoding::identity},
               {"no gzip", "010000000461626364", Encoding::gzip},
               {"empty compressed", "0100000000", Encoding::gzip},
               {"bytes behind the end of the gzip", "", Encoding::gzip}};
  for (const auto& c : cases) {
    std::vector<uint8_t> bytes;
    ASSERT_TRUE(from_hex(c.hex, bytes));
    if (bytes.empty()) {
      const Bytes good = framed("abc", Encoding::gzip);
      bytes.assign(good.begin(), good.end());
      bytes.push_back(0);
      store_be(bytes.data() + 1, static_cast<uint32_t>(bytes.size() - kPrefix));
    }
    Deframer deframer(kLimit, c.encoding);
    deframer.feed(bytes);
    Read read;
    drain(deframer, read);
    EXPECT_EQ(read.code, Code::internal) << c.what;
    EXPECT_THAT(read.messages, testing::IsEmpty()) << c.what;
  }
}

TEST(Framing, NamesOfEncodings) {
  EXPECT_EQ(encoding_of("gzip"), Encoding::gzip);
  EXPECT_EQ(encoding_of("identity"), Encoding::identity);
  EXPECT_EQ(encoding_of(""), Encoding::identity);
  EXPECT_EQ(encoding_of("snappy"), std::nullopt);
}

}  // namespace
}  // namespace sofa::grpc
