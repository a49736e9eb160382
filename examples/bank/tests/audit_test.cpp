#include "bank/audit.h"

#include <gtest/gtest.h>

namespace bank {
namespace {

Audit consistent() {
  Audit audit;
  audit.deposited("a", 100);
  audit.deposited("b", 100);
  audit.acknowledged({"t1", "a", "b", 30});
  audit.seen({"a", 70, 2, {{"deposit-a", 1, 100}, {"t1", 3, -30}}});
  audit.seen({"b", 130, 2, {{"deposit-b", 2, 100}, {"t1", 3, 30}}});
  return audit;
}

TEST(Audit, ProvesABookThatIsRight) {
  const auto findings = consistent().verdict();
  EXPECT_TRUE(findings.broken.empty());
  EXPECT_EQ(findings.proved.size(), 3u);
}

TEST(Audit, FindsAnAcknowledgedTransferThatIsMissing) {
  Audit audit = consistent();
  audit.acknowledged({"t2", "a", "b", 1});
  EXPECT_EQ(audit.verdict().broken, std::vector<std::string>{"transfer t2 is acknowledged but not in the ledger"});
}

TEST(Audit, FindsATransferThatIsBookedTwiceOrHalf) {
  Audit audit = consistent();
  audit.seen({"a", 40, 3, {{"t1", 4, -30}}});
  EXPECT_FALSE(audit.verdict().broken.empty());
  Audit half = consistent();
  half.seen({"b", 131, 3, {{"t9", 4, 1}}});
  EXPECT_FALSE(half.verdict().broken.empty());
}

TEST(Audit, FindsAnotherAmountThanTheAcknowledgedOne) {
  Audit audit;
  audit.acknowledged({"t1", "a", "b", 31});
  audit.seen({"a", -30, 1, {{"t1", 1, -30}}});
  audit.seen({"b", 30, 1, {{"t1", 1, 30}}});
  bool told = false;
  for (const auto& line : audit.verdict().broken) told |= line.find("acknowledged were 31") != std::string::npos;
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace bank
