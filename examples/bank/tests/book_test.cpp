#include "bank/book.h"

#include <gtest/gtest.h>

#include <random>

namespace bank {
namespace {

Book two_accounts() {
  Book book;
  book.apply({"d1", "", "a", 1000});
  book.apply({"d2", "", "b", 500});
  return book;
}

TEST(Book, ATransferMovesMoneyOnceHoweverOftenItIsApplied) {
  Book book = two_accounts();
  EXPECT_EQ(book.apply({"t1", "a", "b", 300}), 3);
  EXPECT_EQ(book.apply({"t1", "a", "b", 300}), 3);
  EXPECT_EQ(book.balance("a"), 700);
  EXPECT_EQ(book.balance("b"), 800);
  EXPECT_EQ(book.lines("a").size(), 2u);
}

TEST(Book, RefusesWhatTheAccountDoesNotHoldCountingWhatIsOnItsWay) {
  Book book = two_accounts();
  EXPECT_TRUE(book.check({"t", "a", "b", 1000}, 0));
  auto refused = book.check({"t", "a", "b", 1000}, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), sofa::Code::failed_precondition);
  EXPECT_EQ(refused.error().message(), "account 'a' has 999 cents free, 1000 are asked for");
}

TEST(Book, RefusesUnknownAccountsSelfPaymentAndBadAmounts) {
  Book book = two_accounts();
  EXPECT_EQ(book.check({"t", "a", "z", 1}, 0).error().code(), sofa::Code::not_found);
  EXPECT_EQ(book.check({"t", "a", "a", 1}, 0).error().code(), sofa::Code::invalid_argument);
  EXPECT_EQ(book.check({"t", "a", "b", 0}, 0).error().code(), sofa::Code::invalid_argument);
  EXPECT_EQ(book.check({"", "a", "b", 1}, 0).error().code(), sofa::Code::invalid_argument);
  EXPECT_EQ(book.check({"d3", "", "a", 1}, 0).error().code(), sofa::Code::already_exists);
}

TEST(Book, AClientCannotMakeMoneyByATransferWithoutAPayer) {
  EXPECT_EQ(transfer_entry("t", "", "a", 1000).error().code(), sofa::Code::invalid_argument);
  EXPECT_EQ(transfer_entry("deposit-z", "a", "b", 1).error().code(), sofa::Code::invalid_argument);
  EXPECT_TRUE(transfer_entry("t", "a", "b", 1));
  EXPECT_EQ(two_accounts().check(deposit_entry(std::string(57, 'x'), 1), 0).error().message(), "the account name has 57 bytes; give one of 1 to 56");
  EXPECT_TRUE(two_accounts().check(deposit_entry(std::string(56, 'x'), 1), 0));
}

TEST(Book, SnapshotGivesTheSameBookAndATornOneIsRefused) {
  std::mt19937 random(20261124);
  Book book = two_accounts();
  for (int i = 0; i < 500; ++i) {
    Entry entry{"t" + std::to_string(i), i % 2 ? "a" : "b", i % 2 ? "b" : "a", static_cast<int64_t>(random() % 50 + 1)};
    if (book.check(entry, 0)) book.apply(entry);
  }
  sofa::Buffer buffer;
  book.encode_entries(1, book.last_sequence(), buffer);
  const sofa::Bytes bytes = buffer.take();
  auto restored = Book::from_snapshot(bytes, book.last_sequence());
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->balance("a"), book.balance("a"));
  EXPECT_EQ(restored->total(), 1500);
  EXPECT_EQ(restored->last_sequence(), book.last_sequence());
  EXPECT_FALSE(Book::from_snapshot(bytes.slice(0, bytes.size() - 1), book.last_sequence()));
  EXPECT_FALSE(Book::from_snapshot(bytes, book.last_sequence() - 1));
}

}  // namespace
}  // namespace bank
