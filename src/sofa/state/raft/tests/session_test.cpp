#include "sofa/state/raft/session.h"

#include <gtest/gtest.h>

#include "sofa/base/random.h"

namespace sofa::raft {
namespace {

using Verdict = Sessions::Verdict;

TEST(Sessions, TellWhatHasBeenApplied) {
  Sessions sessions;
  EXPECT_EQ(sessions.judge({.session = 1, .number = 1}), Verdict::fresh);
  EXPECT_EQ(sessions.judge({.session = 1, .number = 2}), Verdict::forgotten);
  sessions.remember({.session = 1, .number = 1}, Bytes::copy_of("one"));
  EXPECT_EQ(sessions.judge({.session = 1, .number = 1}), Verdict::repeated);
  EXPECT_EQ(sessions.reply_of({.session = 1, .number = 1}).text(), "one");
  EXPECT_EQ(sessions.judge({.session = 1, .number = 2}), Verdict::fresh);
  sessions.remember({.session = 1, .number = 2}, Bytes::copy_of("two"));
  EXPECT_EQ(sessions.judge({.session = 1, .number = 1}), Verdict::outdated);
}

TEST(Sessions, TheOneUsedLongestAgoGoes) {
  Sessions sessions(2);
  sessions.remember({.session = 1, .number = 1}, {});
  sessions.remember({.session = 2, .number = 1}, {});
  sessions.remember({.session = 1, .number = 2}, {});
  sessions.remember({.session = 3, .number = 1}, {});
  EXPECT_EQ(sessions.size(), 2u);
  EXPECT_EQ(sessions.judge({.session = 2, .number = 2}), Verdict::forgotten);
  EXPECT_EQ(sessions.judge({.session = 1, .number = 3}), Verdict::fresh);
}

TEST(Sessions, ComeBackWithTheirOrder) {
  Random random(7);
  Sessions sessions(50);
  std::vector<SessionWrite> writes;
  for (int i = 0; i < 1000; ++i) {
    const uint64_t session = random.uniform(uint64_t{80});
    for (uint64_t number = 1;; ++number) {
      if (sessions.judge({.session = session, .number = number}) != Verdict::fresh) continue;
      sessions.remember({.session = session, .number = number}, Bytes::copy_of(fmt::format("{}/{}", session, number)));
      break;
    }
  }
  Sessions back(50);
  ASSERT_TRUE(back.decode(sessions.encode()));
  EXPECT_EQ(back.encode(), sessions.encode());
  EXPECT_EQ(back.size(), sessions.size());
  EXPECT_FALSE(back.decode(sessions.encode().slice(0, 25)));
}

TEST(Sessions, WritesComeBack) {
  auto back = decode_write(encode_write(SessionWrite{.session = 0xffffffffffffffff, .number = 3}, as_bytes("data")));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->of, (SessionWrite{.session = 0xffffffffffffffff, .number = 3}));
  EXPECT_EQ(back->data.text(), "data");
  back = decode_write(encode_write(std::nullopt, as_bytes("")));
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->of);
  EXPECT_TRUE(back->data.empty());
  for (const char* bad : {"", "\x01short", "\x02anything that is long enough"}) EXPECT_FALSE(decode_write(Bytes::literal(bad))) << bad;
}

}  // namespace
}  // namespace sofa::raft
