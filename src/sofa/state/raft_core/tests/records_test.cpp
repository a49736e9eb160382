#include "sofa/state/raft_core/records.h"

#include <gtest/gtest.h>

namespace sofa::raft {
namespace {

std::shared_ptr<const Membership> joint() {
  return std::make_shared<const Membership>(Membership{.current = *jraft::Configuration::parse("127.0.0.1:1::7,127.0.0.1:2,127.0.0.1:3/learner"),
                                                       .old = *jraft::Configuration::parse("127.0.0.1:4")});
}

TEST(Records, StateComesBack) {
  Kept kept{.state = {.term = 7, .voted_for = *PeerId::parse("127.0.0.1:2"), .must_reach = {.index = 12, .term = 5}}};
  kept.snapshot = {.id = {.index = 9, .term = 6},
                   .members = joint(),
                   .files = {{.name = "data", .size = 12, .crc32c = 0xffffffff, .meta = Bytes::copy_of("m")}, {.name = "empty"}}};
  const auto back = decode_kept(encode_kept(kept));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->state, kept.state);
  EXPECT_EQ(back->snapshot.id, kept.snapshot.id);
  EXPECT_EQ(*back->snapshot.members, *kept.snapshot.members);
  EXPECT_EQ(back->snapshot.files, kept.snapshot.files);
}

TEST(Records, StateWithoutAnythingComesBack) {
  const auto back = decode_kept(encode_kept({}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->state, HardState());
  EXPECT_EQ(back->snapshot.id, LogId());
  EXPECT_TRUE(back->state.voted_for.is_nobody());
}

TEST(Records, EntriesComeBack) {
  for (const auto type : {EntryType::data, EntryType::no_op, EntryType::configuration}) {
    for (const bool checksum : {false, true}) {
      Entry entry{.id = {.index = 5, .term = 3}, .type = type};
      if (type == EntryType::configuration) entry.membership = joint();
      if (type == EntryType::data) entry.data = Bytes::copy_of("some data");
      if (checksum) entry.checksum = 0x0102030405060708;
      const auto back = decode_entry_record(5, record_term(entry), encode_entry_record(entry));
      ASSERT_TRUE(back) << back.error().message();
      EXPECT_EQ(back->id, entry.id);
      EXPECT_EQ(back->type, type);
      EXPECT_EQ(back->data, entry.data);
      EXPECT_EQ(back->checksum, entry.checksum);
      if (type == EntryType::configuration) EXPECT_EQ(*back->membership, *entry.membership);
    }
  }
}

TEST(Records, SaysWhatIsNoRecord) {
  EXPECT_FALSE(decode_entry_record(1, 1, Bytes()));
  EXPECT_FALSE(decode_entry_record(1, 1, Bytes::literal("\x04")));
  EXPECT_FALSE(decode_entry_record(1, 1, Bytes::literal("\x82xyz")));
  EXPECT_FALSE(decode_entry_record(1, 1, Bytes::literal("\x03\xff")));
  EXPECT_FALSE(decode_kept(Bytes::literal("\x12\x01x")));
}

TEST(Records, ALogIsFoundByTheTermsOfItsRecords) {
  std::vector<Entry> entries;
  for (int64_t index = 4; index <= 9; ++index) entries.push_back({.id = {.index = index, .term = index / 3}});
  entries[2].type = EntryType::configuration;
  entries[2].membership = joint();
  const auto found = find_log(
      {.id = {.index = 3, .term = 1}}, 4, 9, [&](int64_t index) { return record_term(entries[static_cast<size_t>(index - 4)]); },
      [&](int64_t index) -> Result<Entry> { return entries[static_cast<size_t>(index - 4)]; });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->term_begins, (std::vector<LogId>{{4, 1}, {6, 2}, {9, 3}}));
  EXPECT_EQ(found->members.size(), 1u);
  EXPECT_EQ(*found->members.at(6), *joint());
}

}  // namespace
}  // namespace sofa::raft
