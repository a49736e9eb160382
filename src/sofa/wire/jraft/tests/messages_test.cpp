#include "sofa/wire/jraft/messages.h"

#include <gmock/gmock.h>

#include "vectors.h"

namespace sofa::jraft {
namespace {

std::string bytes_again(const Message& message) {
  return std::visit([](const auto& one) { return hex_of(encode(one).span()); }, message);
}

TEST(Messages, OfEveryRecordedFrameAreReadAndWrittenToTheSameBytes) {
  std::set<std::string> classes;
  for (const RecordedFrame& frame : read_vectors<RecordedFrame>("frames.json")) {
    if (frame.type.empty()) continue;  // a heartbeat of Bolt
    SCOPED_TRACE(frame.name);
    const auto message = decode_message(frame.type, bytes_of(frame.body));
    ASSERT_TRUE(message) << message.error().to_string();
    EXPECT_EQ(bytes_again(*message), frame.body) << frame.decoded;
    if (const auto* append = std::get_if<AppendEntriesRequest>(&*message)) EXPECT_EQ(hex_of(append_header(*append).span()), frame.header);
    classes.insert(frame.type);
  }
  EXPECT_GE(classes.size(), 24U);
}

TEST(Messages, KeepWhetherDataIsThere) {
  AppendEntriesRequest heartbeat{.group_id = "g"};
  AppendEntriesRequest probe{.group_id = "g", .data = Bytes()};
  EXPECT_NE(hex_of(encode(heartbeat).span()), hex_of(encode(probe).span()));
  EXPECT_FALSE(decode<AppendEntriesRequest>(encode(heartbeat))->data);
  EXPECT_TRUE(decode<AppendEntriesRequest>(encode(probe))->data);
}

TEST(Messages, ThatAreBrokenAreErrors) {
  EXPECT_FALSE(decode_message("com.alipay.sofa.jraft.rpc.RpcRequests$Nothing", Bytes()));
  EXPECT_FALSE(decode<PingRequest>(Bytes::literal("\x08")));
  EXPECT_FALSE(decode<PingRequest>(Bytes::literal("\x0a\x01x"))) << "a text where a number belongs";
  EXPECT_FALSE(decode<GetLeaderResponse>(Bytes::literal("\x08\x01")));
  EXPECT_TRUE(decode<PingRequest>(Bytes::literal("\xf8\x06\x01"))) << "an unknown field";
  for (const RecordedFrame& frame : read_vectors<RecordedFrame>("frames.json")) {
    const Bytes whole = bytes_of(frame.body);
    for (size_t size = 0; size < whole.size(); ++size) (void)decode_message(frame.type, whole.slice(0, size));
  }
}

TEST(Files, AreThoseOfTheOriginal) {
  size_t seen = 0;
  for (const Vector& one : read_vectors<Vector>("misc.json")) {
    if (!one.at("name").starts_with("file ")) continue;
    ++seen;
    const Bytes file = bytes_of(one.at("hex"));
    if (one.at("name").find("raft_meta") != std::string::npos) {
      const auto meta = decode_file<StablePBMeta>(file);
      ASSERT_TRUE(meta) << meta.error().to_string();
      EXPECT_EQ(hex_of(encode_file(*meta).span()), one.at("hex"));
      EXPECT_FALSE(decode_file<LocalSnapshotPbMeta>(file));
    } else {
      const auto meta = decode_file<LocalSnapshotPbMeta>(file);
      ASSERT_TRUE(meta) << meta.error().to_string();
      EXPECT_EQ(meta->meta->last_included_index, 42);
      EXPECT_EQ(hex_of(encode_file(*meta).span()), one.at("hex"));
    }
    for (size_t size = 0; size < file.size(); ++size) EXPECT_FALSE(decode_file<StablePBMeta>(file.slice(0, size))) << size;
  }
  EXPECT_EQ(seen, 3U);
}

}  // namespace
}  // namespace sofa::jraft
