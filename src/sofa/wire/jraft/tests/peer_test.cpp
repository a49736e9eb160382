#include "sofa/wire/jraft/peer.h"

#include <gmock/gmock.h>

#include "sofa/base/crc.h"
#include "sofa/wire/jraft/entry.h"
#include "vectors.h"

namespace sofa::jraft {
namespace {

TEST(Peers, AreReadAndWrittenAsTheOriginalDoes) {
  size_t seen = 0;
  for (const Vector& one : read_vectors<Vector>("misc.json")) {
    if (one.at("name") != "peer parse") continue;
    ++seen;
    const auto peer = PeerId::parse(one.at("in"));
    if (one.contains("result")) {
      EXPECT_FALSE(peer) << one.at("in");
      continue;
    }
    ASSERT_TRUE(peer) << one.at("in");
    EXPECT_EQ(peer->ip, one.at("ip"));
    EXPECT_EQ(std::to_string(peer->port), one.at("port"));
    EXPECT_EQ(std::to_string(peer->idx), one.at("idx"));
    EXPECT_EQ(std::to_string(peer->priority), one.at("priority"));
    EXPECT_EQ(peer->to_string(), one.at("toString"));
    EXPECT_EQ(fmt::format("{:016x}", crc64(as_bytes(peer->to_string()))), one.at("checksumHex"));
    EXPECT_EQ(PeerId::parse(peer->to_string()), peer);
  }
  EXPECT_EQ(seen, 14U);
  EXPECT_FALSE(PeerId::parse("a:70000"));
  EXPECT_FALSE(PeerId::parse("a:1:2:3:4"));
  EXPECT_FALSE(PeerId::parse(":1"));
}

TEST(Peers, OfIpv6HaveTheirAddressInBrackets) {
  for (const char* text : {"[::1]:8081", "[::1]:8081:2", "[::1]:8081::100", "[fd00::2]:8081:2:100", "[2001:db8:0:0:0:0:0:1]:8081"}) {
    const auto peer = PeerId::parse(text);
    ASSERT_TRUE(peer) << text;
    EXPECT_EQ(peer->to_string(), text);
    EXPECT_EQ(peer->port, 8081);
  }
  EXPECT_EQ(PeerId::parse("[::1]:8081:2:100")->address(), "[::1]:8081");
  EXPECT_EQ(PeerId::parse("[::1]:8081::100")->priority, 100);
  EXPECT_NE(PeerId::parse("[::1]:1"), PeerId::parse("[0:0:0:0:0:0:0:1]:1")) << "names are compared as they are spelled";
  for (const char* wrong : {"::1:8081", "[::1]", "[::1]:", "[::1:8081", "::1]:8081", "[::1]8081", "[::g]:8081", "[]:8081", "[10.0.0.1]:8081"}) {
    EXPECT_FALSE(PeerId::parse(wrong)) << wrong;
  }
  EXPECT_EQ(Configuration::parse("[::1]:1, [::1]:2:1 ,[::1]:3/learner")->to_string(), "[::1]:1,[::1]:2:1,[::1]:3/learner");
}

TEST(Peers, AreTheSameWhateverTheirPriority) {
  EXPECT_EQ(PeerId::parse("a:1::100"), PeerId::parse("a:1"));
  EXPECT_NE(PeerId::parse("a:1:1"), PeerId::parse("a:1"));
  EXPECT_TRUE(PeerId().is_nobody());
  EXPECT_EQ(PeerId().to_string(), "0.0.0.0:0");
}

TEST(Configurations, AreReadAndWrittenAsTheOriginalDoes) {
  size_t seen = 0;
  for (const Vector& one : read_vectors<Vector>("misc.json")) {
    if (one.at("name") != "conf parse") continue;
    ++seen;
    const auto read = Configuration::parse(one.at("in"));
    EXPECT_EQ(read.has_value(), one.at("ok") == "true") << one.at("in");
    EXPECT_EQ(read.value_or(Configuration()).to_string(), one.at("toString"));
    EXPECT_EQ(read.value_or(Configuration()).is_valid(), one.at("valid") == "true") << one.at("in");
  }
  EXPECT_EQ(seen, 5U);
}

TEST(Configurations, TellWhatTheyHaveDropped) {
  std::vector<std::string> dropped;
  EXPECT_EQ(Configuration::parse("a:1,b,c:x,d:4/learner,d:4/learner", &dropped)->to_string(), "a:1,d:4/learner");
  EXPECT_THAT(dropped, testing::ElementsAre("b", "c:x"));
  EXPECT_NE(Configuration::parse("a:1,b:1"), Configuration::parse("b:1,a:1")) << "the order counts";
  EXPECT_EQ(Configuration::parse("a:1,b:2,c:3,d:4")->quorum(), 3U);
}

TEST(Configurations, OfPeopleAreTakenWholeOrRefusedWithTheReason) {
  EXPECT_EQ(read_members(" a:1, b:2::100 ,c:3/learner")->to_string(), "a:1,b:2::100,c:3/learner");
  const auto says = [](std::string_view text, std::string_view why) {
    const auto read = read_members(text);
    EXPECT_FALSE(read) << text;
    if (!read) EXPECT_THAT(std::string(read.error().message()), testing::HasSubstr(std::string(why))) << text;
  };
  says("a:1,b:2,c:3/witness", "'c:3/witness': there are no witnesses");
  says("a:1,b:2/quorum", "'/quorum' is no kind of member");
  says("a:1,b", "'b' is no member of a group; it must have the form IP:PORT");
  says(" ", "'' names nobody");
  says("a:1,0.0.0.0:0", "'0.0.0.0:0' is nobody's name");
}

TEST(Groups, HaveNamesOfLettersDigitsAndHyphens) {
  EXPECT_TRUE(is_group_name("default-group-cluster--1"));
  EXPECT_TRUE(is_group_name("a_1"));
  for (const char* wrong : {"", "1a", "-a", "a b", "a.b", "ä"}) EXPECT_FALSE(is_group_name(wrong)) << wrong;
}

TEST(LogIds, AreOrderedByTermFirst) {
  EXPECT_LT((LogId{.index = 9, .term = 1}), (LogId{.index = 1, .term = 2}));
  EXPECT_LT((LogId{.index = 1, .term = 2}), (LogId{.index = 2, .term = 2}));
}

}  // namespace
}  // namespace sofa::jraft
