#include <gtest/gtest.h>

#include "sofa/wire/bolt/frame_parser.h"
#include "sofa/wire/bolt/frame_writer.h"

namespace sofa::bolt {
namespace {

Buffer from(std::string_view hex) {
  std::string digits;
  for (char c : hex) {
    if (c != ' ') digits.push_back(c);
  }
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(digits, bytes)) << hex;
  Buffer buffer;
  buffer.append(ByteSpan(bytes));
  return buffer;
}

std::string hex_of(const FrameHead& head) {
  FrameWriter writer;
  writer.append(head);
  GatherList out;
  writer.take(out);
  return to_hex(out.join());
}

constexpr char kHeartbeat[] = "01 01 0000 01 00000001 01 ffffffff 0000 0000 00000000";
constexpr char kHeartbeatAck[] = "01 00 0000 01 00000001 01 0000 0000 0000 00000000";
constexpr char kHeartbeatV2[] = "02 01 01 0000 01 00000001 01 00 ffffffff 0000 0000 00000000";
constexpr char kHeartbeatAckV2[] = "02 01 00 0000 01 00000001 01 00 0000 0000 0000 00000000";

TEST(Heartbeat, HasTheOriginalBytesInBothVersions) {
  const FrameHead v1, v2{.protocol = 2};
  EXPECT_EQ(hex_of(heartbeat(v1, 1)), to_hex(from(kHeartbeat).span()));
  EXPECT_EQ(hex_of(heartbeat_ack(heartbeat(v1, 1))), to_hex(from(kHeartbeatAck).span()));
  EXPECT_EQ(hex_of(heartbeat(v2, 1)), to_hex(from(kHeartbeatV2).span()));
  EXPECT_EQ(hex_of(heartbeat_ack(heartbeat(v2, 1))), to_hex(from(kHeartbeatAckV2).span()));
}

TEST(Heartbeat, OnAConnectionWithCrcHasNone) {
  const FrameHead crc{.protocol = 2, .version = 2, .switches = kSwitchCrc};
  EXPECT_FALSE(heartbeat(crc, 1).has_crc());
  EXPECT_FALSE(heartbeat_ack(crc).has_crc());
}

TEST(GoAway, IsCommand100) {
  EXPECT_EQ(hex_of(goaway({}, 7)), to_hex(from("01 01 0064 01 00000007 01 00000000 0000 0000 00000000").span()));
  Buffer in = from("01 01 0064 01 00000007 01 00000000 0000 0000 00000000");
  Frame frame;
  FrameParser parser;
  ASSERT_EQ(parser.next(in, frame), ParseStatus::frame);
  EXPECT_EQ(frame.command, Command::goaway);
}

TEST(Statuses, AllPassBothWaysAndHaveAName) {
  for (auto status : {Status::success, Status::error, Status::server_exception, Status::unknown, Status::server_busy, Status::comm_error,
                      Status::no_processor, Status::timeout, Status::client_send_error, Status::codec_exception, Status::connection_closed,
                      Status::server_serial_exception, Status::server_deserial_exception}) {
    FrameWriter writer;
    writer.append(response_to({.protocol = 2, .version = 2, .id = 9, .switches = 1}, status));
    GatherList out;
    writer.take(out);
    Buffer in;
    in.append(out.join().span());
    Frame frame;
    FrameParser parser;
    ASSERT_EQ(parser.next(in, frame), ParseStatus::frame);
    EXPECT_EQ(frame.status, status);
    EXPECT_NE(to_string(status), "unknown status");
  }
  EXPECT_EQ(to_string(static_cast<Status>(0x77)), "unknown status");
}

struct BadRow {
  const char* what;
  const char* hex;
  const char* reason;
};

// What each gets: docs/protocols/bolt.md, section 8.
const BadRow kBad[] = {
    {"unknown first byte", "5a", "first byte 0x5a is no Bolt version"},
    {"the first byte of HTTP", "47455420", "first byte 0x47"},
    {"the TR protocol", "0d", "first byte 0x0d"},
    {"version byte of v2", "02 03", "version byte is 3"},
    {"type", "01 03", "frame type 3"},
    {"type in v2", "02 01 07", "frame type 7"},
    {"command", "01 01 0003 01 00000001 01 00000000 0000 0000 00000000", "command 3 is unknown"},
    {"a response as a request", "01 01 0002 01 00000001 01 00000000 0000 0000 00000000", "command 2 is unknown in a request"},
    {"a request as a response", "01 00 0001 01 00000001 01 0000 0000 0000 00000000", "command 1 is unknown in a response"},
    {"negative length", "01 01 0001 01 00000001 01 00000000 0000 0000 ffffffff", "content length -1 of frame 1 is negative"},
    {"class over 32767", "01 01 0001 01 00000001 01 00000000 8000 0000 00000000", "class name of frame 1 has 32768 bytes"},
    {"header over 32767", "01 01 0001 01 00000001 01 00000000 0000 ffff 00000000", "header of frame 1 has 65535 bytes"},
    {"switch over 127", "02 01 01 0001 01 00000001 01 80 00000000 0000 0000 00000000", "switch byte 0x80"},
    {"bad CRC", "02 02 01 0001 01 00000001 01 01 00000000 0000 0000 00000000 00000000", "CRC of frame 1"},
};

TEST(BadFrames, EndTheConnectionWithAReasonWhereverTheyAreCut) {
  for (const BadRow& row : kBad) {
    SCOPED_TRACE(row.what);
    Buffer all = from(row.hex);
    for (size_t cut = 0; cut <= all.size(); ++cut) {
      FrameParser parser;
      Frame frame;
      Buffer in;
      in.append(all.span().first(cut));
      ParseStatus status = parser.next(in, frame);
      in.append(all.span().subspan(cut));
      status = parser.next(in, frame);
      EXPECT_EQ(status, ParseStatus::error);
      EXPECT_NE(parser.reason().find(row.reason), std::string::npos) << parser.reason();
      EXPECT_EQ(parser.next(in, frame), ParseStatus::error) << "it stays refused";
    }
  }
}

TEST(TooLargeFrame, IsKnownByItsHeadAlone) {
  FrameParser parser(Limits{.max_frame = 1000});
  Buffer in = from("02 01 01 0001 01 00000009 0b 01 00000bb8 0000 0000 000003e9");
  for (int i = 0; i < 2; ++i) {
    Frame frame;
    EXPECT_EQ(parser.next(in, frame), ParseStatus::too_large);
    EXPECT_EQ(frame.id, 9u);
    EXPECT_EQ(frame.codec, 11);
    EXPECT_EQ(frame.switches, 1);
    EXPECT_EQ(frame.protocol, 2);
    EXPECT_EQ(parser.reason(), "content of frame 9 has 1001 bytes, over max_frame 1000");
  }
}

TEST(TooLargeFrame, OfExactlyTheLimitIsTaken) {
  FrameParser parser(Limits{.max_frame = 3});
  Buffer in = from("01 01 0001 01 00000009 01 00000bb8 0000 0000 00000003 616263");
  Frame frame;
  ASSERT_EQ(parser.next(in, frame), ParseStatus::frame);
  EXPECT_EQ(as_text(frame.content()), "abc");
}

TEST(DeclaredLength, SetsNoMemoryAside) {
  FrameParser parser;
  Buffer in = from("01 01 0001 01 00000009 01 00000bb8 0000 0000 02000000");
  Frame frame;
  EXPECT_EQ(parser.next(in, frame), ParseStatus::need_more);
  EXPECT_LT(in.room(), 4096u);
  EXPECT_EQ(parser.frame_size(), 22u + 0x02000000u);
}

TEST(Versions, MayBeMixedOnOneConnection) {
  Buffer in = from(std::string(kHeartbeat) + kHeartbeatV2 + kHeartbeatAck);
  FrameParser parser;
  Frame frame;
  ASSERT_EQ(parser.next(in, frame), ParseStatus::frame);
  EXPECT_EQ(frame.protocol, 1);
  ASSERT_EQ(parser.next(in, frame), ParseStatus::frame);
  EXPECT_EQ(frame.protocol, 2);
  ASSERT_EQ(parser.next(in, frame), ParseStatus::frame);
  EXPECT_TRUE(frame.is_response());
  EXPECT_EQ(parser.next(in, frame), ParseStatus::need_more);
}

TEST(Frame, OutlivesTheBufferItWasReadInto) {
  Frame frame;
  {
    Buffer in = from("01 01 0001 01 00000009 01 00000bb8 0001 0000 00000003 41 616263");
    FrameParser parser;
    ASSERT_EQ(parser.next(in, frame), ParseStatus::frame);
  }
  Bytes content = frame.content_bytes();
  frame = {};
  EXPECT_EQ(content.text(), "abc");
}

TEST(FrameWriter, SharesBigContentsAndCopiesSmallOnes) {
  FrameWriter writer(100);
  const Bytes small = Bytes::copy_of(std::string(100, 's')), big = Bytes::copy_of(std::string(101, 'b'));
  ASSERT_TRUE(writer.append({}, "A", {}, small));
  ASSERT_TRUE(writer.append({}, "A", {}, big));
  ASSERT_TRUE(writer.append({}, "A", {}, small));
  EXPECT_EQ(writer.size(), 3 * 23u + 301u);
  GatherList out;
  writer.take(out);
  EXPECT_TRUE(writer.empty());
  ASSERT_EQ(out.parts().size(), 3u);
  EXPECT_EQ(out.parts()[1].data(), big.data());
}

TEST(FrameWriter, RefusesWhatJavaWouldReadAsNegative) {
  FrameWriter writer;
  const std::string longest(32767, 'c');
  EXPECT_TRUE(writer.append({}, longest, as_bytes(longest), {}));
  const size_t size = writer.size();
  EXPECT_EQ(writer.append({}, longest + "c", {}, {}).error().code(), Code::invalid_argument);
  EXPECT_EQ(writer.append({}, {}, as_bytes(longest + "c"), {}).error().code(), Code::invalid_argument);
  EXPECT_FALSE(writer.begin({}, longest + "c", {}));
  EXPECT_EQ(writer.size(), size);
}

TEST(FrameWriter, TakesAnAbandonedFrameBack) {
  FrameWriter writer;
  writer.append(heartbeat({}, 1));
  Buffer* content = writer.begin({}, "A", {}).value();
  content->append(std::string(50000, 'x'));
  writer.abandon();
  GatherList out;
  writer.take(out);
  EXPECT_EQ(to_hex(out.join()), to_hex(from(kHeartbeat).span()));
}

TEST(FrameWriter, KeepsOrderOverManyBlocks) {
  const FrameHead head{.protocol = 2, .version = 2, .switches = kSwitchCrc};
  FrameWriter writer(64);
  std::mt19937 random(20260101);
  std::vector<std::string> contents;
  for (uint32_t i = 0; i < 2000; ++i) {
    contents.emplace_back(random() % 200, static_cast<char>('a' + i % 26));
    FrameHead with_id = head;
    with_id.id = i;
    if (i % 3 == 0) {
      writer.begin(with_id, "com.acme.X", as_bytes("hh")).value()->append(contents.back());
      ASSERT_TRUE(writer.finish());
    } else {
      ASSERT_TRUE(writer.append(with_id, "com.acme.X", as_bytes("hh"), Bytes::copy_of(contents.back())));
    }
  }
  GatherList out;
  writer.take(out);
  Buffer in;
  in.append(out.join().span());
  FrameParser parser;
  for (uint32_t i = 0; i < 2000; ++i) {
    Frame frame;
    ASSERT_EQ(parser.next(in, frame), ParseStatus::frame) << parser.reason();
    ASSERT_EQ(frame.id, i);
    ASSERT_EQ(as_text(frame.content()), contents[i]);
    ASSERT_EQ(as_text(frame.header()), "hh");
  }
  EXPECT_TRUE(in.empty());
}

}  // namespace
}  // namespace sofa::bolt
