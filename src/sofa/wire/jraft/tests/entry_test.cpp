#include "sofa/wire/jraft/entry.h"

#include "vectors.h"

namespace sofa::jraft {
namespace {

std::string list_of(const std::vector<PeerId>& peers) {
  std::string text;
  for (const PeerId& peer : peers) text += (text.empty() ? "" : ", ") + peer.to_string();
  return text.empty() ? "null" : "[" + text + "]";
}

void expect_same(const Entry& entry, const Vector& one) {
  static constexpr Membership kNobody{};
  const Membership& members = entry.membership == nullptr ? kNobody : *entry.membership;
  constexpr std::array<std::string_view, 4> kTypes{"ENTRY_TYPE_UNKNOWN", "ENTRY_TYPE_NO_OP", "ENTRY_TYPE_DATA", "ENTRY_TYPE_CONFIGURATION"};
  EXPECT_EQ(kTypes[static_cast<size_t>(entry.type)], one.at("type"));
  EXPECT_EQ(std::to_string(entry.id.index), one.at("index"));
  EXPECT_EQ(std::to_string(entry.id.term), one.at("term"));
  EXPECT_EQ(list_of(members.current.peers), one.at("peers"));
  EXPECT_EQ(list_of(members.old.peers), one.at("oldPeers"));
  EXPECT_EQ(hex_of(entry.data.span()), one.at("dataHex"));
  EXPECT_EQ(fmt::format("{:016x}", checksum_of(entry)), one.at("checksumHex"));
}

TEST(Entries, AreReadAndWrittenAsTheOriginalDoes) {
  const auto all = read_vectors<Vector>("logentries.json");
  EXPECT_EQ(all.size(), 7U);
  for (const Vector& one : all) {
    SCOPED_TRACE(one.at("name"));
    auto second = decode_entry(bytes_of(one.at("v2")));
    ASSERT_TRUE(second) << second.error().to_string();
    expect_same(*second, one);
    EXPECT_EQ(hex_of(encode_entry(*second).span()), one.at("v2"));
    EXPECT_FALSE(second->checksum);

    const auto checked = decode_entry(bytes_of(one.at("v2WithChecksum")));
    ASSERT_TRUE(checked) << checked.error().to_string();
    EXPECT_EQ(checked->checksum, checksum_of(*checked));
    EXPECT_EQ(hex_of(encode_entry(*checked).span()), one.at("v2WithChecksum"));

    if (one.at("v1").starts_with("unsupported")) continue;
    const auto first = decode_entry(bytes_of(one.at("v1")));
    ASSERT_TRUE(first) << first.error().to_string();
    expect_same(*first, one);
  }
}

TEST(Entries, ThatAreCutShortAreErrors) {
  for (const Vector& one : read_vectors<Vector>("logentries.json")) {
    const Bytes whole = bytes_of(one.at("v1").starts_with("unsupported") ? one.at("v2") : one.at("v1"));
    const size_t data = one.at("dataHex").size() / 2;
    for (size_t size = 0; whole[0] == 0xb8 && size + data < whole.size(); ++size) EXPECT_FALSE(decode_entry(whole.slice(0, size))) << size;
  }
  EXPECT_FALSE(decode_entry(Bytes::literal("x")));
  EXPECT_FALSE(decode_entry(bytes_of("bbd20100000008042001")));
  EXPECT_FALSE(decode_entry(bytes_of("bbd2010000003038"))) << "data that is a number";
  EXPECT_FALSE(decode_entry(bytes_of("bbd201000000080322017832")));
}

}  // namespace
}  // namespace sofa::jraft
