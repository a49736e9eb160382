#include "sofa/http/detail/frame_scanner.h"

#include "http2_frames.h"

namespace sofa::http::detail {
namespace {

using namespace testing;

TEST(FrameScanner, FindsTheSameHeadsWhereverReadsCutTheBytes) {
  const std::string bytes =
      opening() + frame(kData, kEndStream, 7, std::string(300, 'x')) + frame(kPing, 1, 0, "12345678") + frame(kHeaders, 0, 0x7fffffff, "ab");
  for (size_t step = 1; step <= bytes.size(); ++step) {
    FrameScanner scanner(kPreface.size());
    std::vector<FrameHead> heads;
    for (size_t from = 0; from < bytes.size(); from += step) {
      const ByteSpan part = as_bytes(std::string_view(bytes).substr(from, step));
      for (size_t at = 0; const auto head = scanner.next(part, at);) heads.push_back(*head);
    }
    ASSERT_EQ(heads.size(), 4u) << "in steps of " << step;
    EXPECT_EQ(heads[0].type, kSettings);
    EXPECT_EQ(heads[1].length, 300u);
    EXPECT_EQ(heads[1].stream, 7);
    EXPECT_EQ(heads[1].flags, kEndStream);
    EXPECT_EQ(heads[2].type, kPing);
    EXPECT_EQ(heads[3].stream, 0x7fffffff);
    EXPECT_FALSE(scanner.inside_head() || scanner.inside_payload());
  }
}

TEST(FrameScanner, KnowsThatItStandsInsideAFrame) {
  const std::string bytes = frame(kPing, 0, 0, "12345678");
  FrameScanner scanner(0);
  size_t at = 0;
  EXPECT_FALSE(scanner.next(as_bytes(std::string_view(bytes).substr(0, 8)), at));
  EXPECT_TRUE(scanner.inside_head());
  at = 0;
  EXPECT_TRUE(scanner.next(as_bytes(std::string_view(bytes).substr(8, 4)), at));
  EXPECT_FALSE(scanner.next(as_bytes(std::string_view(bytes).substr(8, 4)), at));
  EXPECT_TRUE(scanner.inside_payload());
}

}  // namespace
}  // namespace sofa::http::detail
