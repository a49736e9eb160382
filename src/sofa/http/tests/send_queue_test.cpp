#include "http2_frames.h"
#include "sofa/base/random.h"
#include "sofa/http/detail/http2_stream.h"

namespace sofa::http::detail {
namespace {

Bytes part_of(size_t size, char fill) { return Bytes::copy_of(std::string(size, fill)); }

TEST(SendQueue, AFrameTakesTheWholePartsThatFitOrElseABitOfTheFirst) {
  SendQueue queue;
  EXPECT_EQ(queue.whole_parts(10), 0u);
  for (const size_t size : {3, 4, 5, 25, 2}) queue.push(part_of(size, 'x'));
  uint8_t frame[10];
  for (const size_t expected : {7, 5, 10, 10, 7}) {
    const size_t n = queue.whole_parts(sizeof frame);
    EXPECT_EQ(n, expected) << queue.size() << " left";
    queue.copy_to(frame, n);
  }
  EXPECT_EQ(queue.size(), 0u) << "the end of the part of 25 and the part of 2 came together";
}

TEST(SendQueue, GivesEveryByteInOrderAndNoFrameEndsInsideAPartThatItCouldLeaveOut) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  SendQueue queue;
  std::string sent, got;
  std::vector<size_t> ends;
  for (int i = 0; i < 500; ++i) {
    const Bytes part = part_of(random.uniform(i % 10 == 0 ? 300 : 30), static_cast<char>('a' + i % 26));
    queue.push(part);
    sent += part.text();
    ends.push_back(sent.size());
  }
  while (queue.size() > 0) {
    std::string frame(1 + random.uniform(100), '\0');
    const size_t begin = got.size(), n = queue.whole_parts(frame.size());
    ASSERT_TRUE(n > 0 && n <= frame.size());
    queue.copy_to(reinterpret_cast<uint8_t*>(frame.data()), n);
    got += frame.substr(0, n);
    const bool at_an_end = std::ranges::binary_search(ends, got.size());
    const bool first_goes_on = *std::ranges::upper_bound(ends, begin) > got.size();
    EXPECT_TRUE(at_an_end || first_goes_on) << "a frame from " << begin << " to " << got.size();
  }
  EXPECT_EQ(got, sent);
}

}  // namespace
}  // namespace sofa::http::detail
