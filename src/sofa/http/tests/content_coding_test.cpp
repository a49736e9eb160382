#include "sofa/http/content_coding.h"

#include <sys/resource.h>

#include "harness.h"
#include "sofa/base/random.h"
#include "sofa/http/testing/recorded_exchange.h"

namespace sofa::http {
namespace {

using namespace testing;
using Sent = RecordedExchange::Sent;

std::string pack(ContentCoding coding, std::string_view text) {
  Buffer out;
  EXPECT_TRUE(make_compressor(coding)->compress(as_bytes(text), Compressor::Flush::end, out));
  return std::string(as_text(out.span()));
}

/// All that comes out, or nothing when the bytes are broken or end early.
std::optional<std::string> unpack(ContentCoding coding, std::string_view packed, size_t piece = SIZE_MAX, size_t max = SIZE_MAX) {
  auto decompressor = make_decompressor(coding);
  Buffer in, out;
  for (size_t at = 0; at < packed.size(); at += std::min(piece, packed.size())) {
    in.append(packed.substr(at, piece));
    for (size_t before = SIZE_MAX; before != out.size();) {
      before = out.size();
      if (!decompressor->decompress(in, max, out)) return std::nullopt;
    }
  }
  if (!decompressor->is_whole() || !in.empty()) return std::nullopt;
  return std::string(as_text(out.span()));
}

class Coding : public ::testing::TestWithParam<ContentCoding> {};
INSTANTIATE_TEST_SUITE_P(All, Coding, ::testing::Values(ContentCoding::gzip, ContentCoding::zstd, ContentCoding::br),
                         [](const auto& at) { return std::string(to_string(at.param)); });

TEST_P(Coding, GivesBackWhatWentInHoweverItIsCut) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  for (const size_t size : {0, 1, 100, 20'000, 300'000}) {
    std::string text(size, ' ');
    for (char& c : text) c = static_cast<char>('a' + random.uniform(4));
    const std::string packed = pack(GetParam(), text);
    if (size > 1000) EXPECT_LT(packed.size(), size / 2);
    EXPECT_EQ(unpack(GetParam(), packed), text);
    EXPECT_EQ(unpack(GetParam(), packed, 1 + random.uniform(50), 1 + random.uniform(5000)), text);
    if (size > 0) EXPECT_EQ(unpack(GetParam(), packed.substr(0, packed.size() - 1)), std::nullopt) << "its end is missing";
    EXPECT_EQ(unpack(GetParam(), packed + "x"), std::nullopt) << "bytes follow";
  }
}

TEST_P(Coding, CanBeReadAfterEveryFlush) {
  auto compressor = make_compressor(GetParam());
  auto decompressor = make_decompressor(GetParam());
  for (const std::string_view event : {"first", "second", "third"}) {
    Buffer packed, out;
    EXPECT_TRUE(compressor->compress(as_bytes(event), Compressor::Flush::sync, packed));
    EXPECT_TRUE(decompressor->decompress(packed, SIZE_MAX, out));
    EXPECT_EQ(as_text(out.span()), event);
  }
}

TEST_P(Coding, NeverGivesMoreThanItWasAskedFor) {
  const std::string packed = pack(GetParam(), std::string(10 << 20, 'a'));
  EXPECT_LT(packed.size(), size_t{100} << 10);
  auto decompressor = make_decompressor(GetParam());
  Buffer in, out;
  in.append(packed);
  EXPECT_TRUE(decompressor->decompress(in, 1000, out));
  EXPECT_EQ(out.size(), 1000u);
}

TEST_P(Coding, RefusesBytesThatAreNotOfIt) {
  EXPECT_EQ(unpack(GetParam(), std::string(1000, '\xff')), std::nullopt);
  Random random(7);
  std::string text(5000, ' ');
  for (char& c : text) c = static_cast<char>('a' + random.uniform(20));
  const std::string packed = pack(GetParam(), text);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = packed;
    damaged[random.uniform(damaged.size())] ^= static_cast<char>(1 << random.uniform(8));
    [[maybe_unused]] const auto any = unpack(GetParam(), damaged, 100, 1000);
  }
}

/// Makes compressors and uses them until memory ends. Exits with 0 when one says so, and with 1 when one is made that does nothing.
[[noreturn]] void use_up_memory(ContentCoding coding) {
  const rlimit most{.rlim_cur = size_t{512} << 20, .rlim_max = size_t{512} << 20};
  std::vector<std::unique_ptr<Compressor>> kept;
  Buffer out;
  kept.reserve(100'000);
  out.reserve(size_t{4} << 20);
  if (::setrlimit(RLIMIT_AS, &most) != 0) ::_exit(2);
  try {
    for (;;) {
      const size_t before = out.size();
      kept.push_back(make_compressor(coding));
      const auto done = kept.back()->compress(as_bytes("x"), Compressor::Flush::end, out);
      if (done && out.size() == before) ::_exit(1);
    }
  } catch (const std::bad_alloc&) {
    ::_exit(0);
  }
}

TEST_P(Coding, SaysThatThereIsNoMemory) {
  if (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)) GTEST_SKIP() << "a sanitizer needs more address space";
  if (GetParam() == ContentCoding::br) GTEST_SKIP() << "brotli's encoder ends the process itself when it has no memory for a call";
  EXPECT_EXIT(use_up_memory(GetParam()), ::testing::ExitedWithCode(0), "");
}

TEST(ChooseContentCoding, TakesTheHeaviestOfOurs) {
  EXPECT_EQ(choose_content_coding("gzip, deflate, br, zstd"), ContentCoding::br);
  EXPECT_EQ(choose_content_coding("gzip, deflate"), ContentCoding::gzip);
  EXPECT_EQ(choose_content_coding("gzip;q=1.0, br;q=0.5, zstd;q=0.8"), ContentCoding::gzip);
  EXPECT_EQ(choose_content_coding("br;q=0, *"), ContentCoding::zstd);
  EXPECT_EQ(choose_content_coding("*;q=0"), ContentCoding::identity);
  EXPECT_EQ(choose_content_coding("X-GZIP"), ContentCoding::gzip);
  EXPECT_EQ(choose_content_coding("deflate, compress"), ContentCoding::identity);
  EXPECT_EQ(choose_content_coding(""), ContentCoding::identity);
  EXPECT_EQ(choose_content_coding("gzip;q=nonsense"), ContentCoding::identity);
}

/// Answers in two pieces.
struct Pieces final : Handler {
  void handle(ExchangePtr exchange) override {
    EXPECT_TRUE(exchange->send_response(200, headers));
    EXPECT_TRUE(exchange->send_data(Bytes::copy_of(std::string(1000, 'a'))));
    EXPECT_TRUE(exchange->send_data(Bytes::copy_of(std::string(1000, 'b')), true));
  }
  Headers headers{{"content-type", "application/json"}, {"content-length", "2000"}, {"etag", "\"1\""}};
};

TEST(ContentCodings, CompressAnswersThatGetShorter) {
  Pieces pieces;
  ContentCodings codings(pieces);
  const auto ask = [&](std::string_view accept) {
    Sent sent;
    codings.handle(std::make_unique<RecordedExchange>(sent, "GET", "/", Headers{{"accept-encoding", accept}}));
    return sent;
  };
  const std::string whole = std::string(1000, 'a') + std::string(1000, 'b');
  for (const ContentCoding coding : {ContentCoding::gzip, ContentCoding::zstd, ContentCoding::br}) {
    const Sent sent = ask(to_string(coding));
    EXPECT_EQ(sent.headers.get("content-encoding"), to_string(coding));
    EXPECT_FALSE(sent.headers.contains("content-length"));
    EXPECT_EQ(sent.headers.get("etag"), "W/\"1\"");
    EXPECT_EQ(sent.headers.get("vary"), "accept-encoding");
    EXPECT_EQ(unpack(coding, sent.body), whole);
    EXPECT_TRUE(sent.ended);
  }
  const Sent plain = ask("deflate");
  EXPECT_EQ(plain.body, whole);
  EXPECT_EQ(plain.headers.get("vary"), "accept-encoding");
  for (const Headers& headers : {Headers{{"content-type", "image/png"}}, Headers{{"content-type", "text/plain"}, {"content-encoding", "x"}},
                                 Headers{{"content-type", "text/plain"}, {"cache-control", "no-transform"}},
                                 Headers{{"content-type", "text/plain"}, {"content-length", "20"}}}) {
    pieces.headers = headers;
    EXPECT_EQ(ask("gzip").body, whole);
  }
}

/// A request whose body is `packed`, as the connection would give it; the handler gives back or not.
struct Upload {
  explicit Upload(ContentCodingOptions options) : codings(keeper, options) {}
  void begin(std::string_view coding) {
    codings.handle(std::make_unique<RecordedExchange>(sent, "POST", "/", Headers{{"content-encoding", coding}}));
  }
  Recorder& received() { return keeper.last_sink(); }
  Keeper keeper;
  ContentCodings codings;
  Sent sent;
};

TEST(ContentCodings, DecompressRequestsAsTheHandlerTakesThem) {
  on_shard([]() -> io::Task<void> {
    const std::string text(1 << 20, 'x');
    for (const ContentCoding coding : {ContentCoding::gzip, ContentCoding::zstd, ContentCoding::br}) {
      Upload upload({.window = 100'000});
      upload.begin(to_string(coding));
      upload.received().gives_back = false;
      const std::string packed = pack(coding, text);
      upload.sent.exchange->sink()->on_data(as_bytes(packed));
      Headers none;
      upload.sent.exchange->sink()->on_end(none);
      EXPECT_EQ(upload.received().body.size(), 100'000u) << "the handler has given nothing back";
      EXPECT_FALSE(upload.received().ended);
      upload.received().gives_back = true;
      upload.keeper.last().consumed(50'000);
      EXPECT_EQ(upload.received().body.size(), 100'000u) << "no event comes inside a call of the handler";
      EXPECT_TRUE(co_await eventually([&] { return upload.received().body.size() == 150'000 || upload.received().done(); }));
      upload.keeper.last().consumed(100'000);
      EXPECT_TRUE(co_await eventually([&] { return upload.received().done(); }));
      EXPECT_EQ(upload.received().body, text);
      EXPECT_EQ(upload.sent.consumed, packed.size());
    }
  });
}

TEST(ContentCodings, RefuseBombsAndBrokenBodiesAndUnknownCodings) {
  on_shard([]() -> io::Task<void> {
    for (const ContentCoding coding : {ContentCoding::gzip, ContentCoding::zstd, ContentCoding::br}) {
      const std::string bomb = pack(coding, std::string(10 << 20, 'x'));
      Headers none;
      Upload big({.max_decompressed = 1 << 20});
      big.begin(to_string(coding));
      big.sent.exchange->sink()->on_data(as_bytes(bomb));
      EXPECT_EQ(big.sent.status, 413);
      EXPECT_LE(big.received().body.size(), size_t{1} << 20);
      EXPECT_TRUE(big.received().failure.has_value());
      Upload damaged({});
      damaged.begin(to_string(coding));
      damaged.sent.exchange->sink()->on_data(as_bytes(std::string(100, '\xff')));
      EXPECT_EQ(damaged.sent.status, 400);
      Upload cut({});
      cut.begin(to_string(coding));
      cut.sent.exchange->sink()->on_data(as_bytes(bomb.substr(0, 20)));
      cut.sent.exchange->sink()->on_end(none);
      EXPECT_EQ(cut.sent.status, 400);
    }
    Upload unknown({});
    unknown.begin("deflate");
    EXPECT_EQ(unknown.sent.status, 415);
    EXPECT_EQ(unknown.sent.headers.get("accept-encoding"), "br, zstd, gzip, identity");
    co_return;
  });
}

}  // namespace
}  // namespace sofa::http
