#include "sofa/state/raft_core/log_view.h"

#include <gtest/gtest.h>

#include "sofa/base/random.h"

namespace sofa::raft {
namespace {

Entry data(int64_t index, int64_t term) { return {.id = {.index = index, .term = term}, .data = Bytes::copy_of("x")}; }

TEST(LogView, KnowsTermsBoundsAndMembers) {
  LogView log({}, 1 << 20);
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.last(), 0);
  EXPECT_EQ(log.last_id(), LogId());
  for (int64_t i = 1; i <= 3; ++i) log.append(data(i, 1));
  auto members = std::make_shared<const Membership>(Membership{.current = {.peers = {{.ip = "a", .port = 1}}}});
  log.append({.id = {.index = 4, .term = 3}, .type = EntryType::configuration, .membership = members});
  log.append(data(5, 3));
  EXPECT_EQ(log.term_of(3), 1);
  EXPECT_EQ(log.term_of(4), 3);
  EXPECT_EQ(log.term_of(6), 0);
  EXPECT_EQ(log.members_at(3)->current.to_string(), "");
  EXPECT_EQ(log.members_at(5), members);
  EXPECT_EQ(log.members_from(5), 4);
  log.truncate_suffix(3);
  EXPECT_EQ(log.last_id(), (LogId{.index = 3, .term = 1}));
  EXPECT_EQ(log.members_from(5), 0);
  log.append(data(4, 5));
  log.set_snapshot({.index = 3, .term = 1}, members);
  log.truncate_prefix(3);
  EXPECT_EQ(log.first(), 3);
  EXPECT_EQ(log.term_of(2), 0);
  EXPECT_EQ(log.term_of(3), 1);
  log.truncate_prefix(4);
  EXPECT_EQ(log.term_of(3), 1) << "the snapshot's last entry stays known";
  EXPECT_EQ(log.members_at(4), members);
  log.reset({.index = 9, .term = 6}, members);
  EXPECT_EQ(log.first(), 10);
  EXPECT_EQ(log.last_id(), (LogId{.index = 9, .term = 6}));
}

TEST(LogView, AgreesWithAPlainListUnderAnyChange) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    LogView log({}, 40);
    std::map<int64_t, int64_t> terms;  // of every index that is there
    int64_t term = 1, snapshot = 0, snapshot_term = 0;
    for (int step = 0; step < 200; ++step) {
      switch (random.uniform(5)) {
        case 0:
          if (log.last() > snapshot) {
            const int64_t kept = random.uniform(std::max(snapshot, log.first() - 1), log.last());
            log.truncate_suffix(kept);
            terms.erase(terms.upper_bound(kept), terms.end());
          }
          break;
        case 1:
          if (log.last() > snapshot) {
            snapshot = random.uniform(snapshot + 1, log.last());
            snapshot_term = terms[snapshot];
            log.set_snapshot({.index = snapshot, .term = snapshot_term}, nullptr);
            const int64_t kept = random.uniform(log.first(), snapshot + 1);
            log.truncate_prefix(kept);
            terms.erase(terms.begin(), terms.lower_bound(kept));
          }
          break;
        case 2:
          log.shrink(random.uniform(log.first(), log.last() + 1));
          break;
        default:
          term += static_cast<int64_t>(random.uniform(2));
          term = std::max(term, log.last_id().term);
          terms[log.last() + 1] = term;
          log.append(data(log.last() + 1, term));
      }
      for (int64_t index = 0; index <= log.last() + 1; ++index) {
        const int64_t expected = index == snapshot ? snapshot_term : terms.contains(index) ? terms[index] : 0;
        ASSERT_EQ(log.term_of(index), expected) << index << " at step " << step;
      }
      for (int64_t index = log.cached_from(); index <= log.last(); ++index) ASSERT_EQ(log.entry(index).id.index, index);
    }
  }
}

}  // namespace
}  // namespace sofa::raft
