#include "sofa/transport/comeback.h"

#include <gtest/gtest.h>

namespace sofa::transport {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart = Instant() + 1h;

TEST(Comeback, APeerThatHasSaidThatItClosesIsLookedForOftenUntilTheGraceIsOver) {
  Comeback comeback({.grace = 10s, .pause = 100ms});
  EXPECT_EQ(comeback.most_pause(kStart, 2s), 2s) << "it has said nothing";
  EXPECT_EQ(comeback.sent(kStart), Sent::no);
  comeback.peer_closes(kStart);
  EXPECT_EQ(comeback.most_pause(kStart + 9s, 2s), 100ms);
  EXPECT_EQ(comeback.most_pause(kStart + 9s, 20ms), 20ms) << "more often where that is usual";
  EXPECT_EQ(comeback.sent(kStart + 9s), Sent::no_closed);
  EXPECT_EQ(comeback.most_pause(kStart + 10s, 2s), 2s);
  EXPECT_EQ(comeback.sent(kStart + 10s), Sent::no);
}

TEST(Comeback, OneThatIsBackIsAsAnyOther) {
  Comeback comeback;
  comeback.peer_closes(kStart);
  comeback.has_connected();
  EXPECT_EQ(comeback.sent(kStart), Sent::no);
  EXPECT_EQ(comeback.most_pause(kStart, 2s), 2s);
}

}  // namespace
}  // namespace sofa::transport
