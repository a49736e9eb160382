#include <gtest/gtest.h>

#include "sofa/base/testing/decoded.h"
#include "sofa/base/testing/recorded.h"
#include "sofa/wire/bolt/frame_parser.h"
#include "sofa/wire/bolt/frame_writer.h"
#include "sofa/wire/bolt/header_map.h"

namespace sofa::bolt {
namespace {

using Decoded = sofa::Decoded<FrameParser, Frame, ParseStatus>;

Decoded decode(ByteSpan bytes, size_t cut) { return Decoded::of(bytes, cut); }

Bytes encode(const std::vector<Frame>& frames, size_t copy_limit) {
  FrameWriter writer(copy_limit);
  for (const Frame& frame : frames) {
    EXPECT_TRUE(writer.append(frame, frame.class_name(), frame.header(), frame.content_bytes()).has_value());
  }
  GatherList out;
  writer.take(out);
  return out.join();
}

Bytes encode_in_place(const std::vector<Frame>& frames) {
  FrameWriter writer;
  for (const Frame& frame : frames) {
    Buffer* content = writer.begin(frame, frame.class_name(), frame.header()).value();
    content->append(frame.content());
    EXPECT_TRUE(writer.finish().has_value());
  }
  GatherList out;
  writer.take(out);
  return out.join();
}

void expect_same(const Decoded& a, const Decoded& b) {
  ASSERT_EQ(a.frames.size(), b.frames.size());
  for (size_t i = 0; i < a.frames.size(); ++i) {
    EXPECT_EQ(static_cast<const FrameHead&>(a.frames[i]), static_cast<const FrameHead&>(b.frames[i]));
    EXPECT_EQ(a.frames[i].class_size, b.frames[i].class_size);
    EXPECT_EQ(a.frames[i].header_size, b.frames[i].header_size);
    EXPECT_EQ(a.frames[i].body, b.frames[i].body);
  }
}

class RecordedFrames : public testing::TestWithParam<const char*> {
 protected:
  void each(const std::function<void(const Recorded&, const std::vector<uint8_t>&)>& check) {
    const auto all = read_recorded(GetParam());
    ASSERT_GE(all.size(), 31u);
    for (const Recorded& one : all) {
      SCOPED_TRACE(one.protocol + " " + one.name);
      check(one, one.request);
      check(one, one.response);
    }
  }
};

TEST_P(RecordedFrames, DecodeWholeAndEncodeToTheSameBytes) {
  each([](const Recorded&, const std::vector<uint8_t>& bytes) {
    const Decoded whole = decode(bytes, bytes.size());
    EXPECT_EQ(whole.last, ParseStatus::need_more);
    EXPECT_EQ(to_hex(encode(whole.frames, 4096)), to_hex(bytes));
    EXPECT_EQ(to_hex(encode(whole.frames, 0)), to_hex(bytes)) << "with every content gathered";
    EXPECT_EQ(to_hex(encode_in_place(whole.frames)), to_hex(bytes));
  });
}

TEST_P(RecordedFrames, GiveTheSameFramesWhereverTheBytesAreCut) {
  each([](const Recorded&, const std::vector<uint8_t>& bytes) {
    const Decoded whole = decode(bytes, bytes.size());
    for (size_t cut = 0; cut < bytes.size(); ++cut) expect_same(whole, decode(bytes, cut));
  });
}

TEST_P(RecordedFrames, GiveTheSameFramesByteByByte) {
  each([](const Recorded&, const std::vector<uint8_t>& bytes) {
    const Decoded whole = decode(bytes, bytes.size());
    FrameParser parser;
    Buffer in;
    Decoded slow;
    for (uint8_t byte : bytes) {
      in.append_u8(byte);
      slow.take(parser, in);
    }
    expect_same(whole, slow);
  });
}

INSTANTIATE_TEST_SUITE_P(Files, RecordedFrames, testing::Values("bolt-frames.jsonl", "exchanges.jsonl"));

const Recorded& find(const std::vector<Recorded>& all, std::string_view protocol, std::string_view name) {
  for (const Recorded& one : all) {
    if (one.protocol == protocol && one.name == name) return one;
  }
  ADD_FAILURE() << protocol << " " << name << " is not recorded";
  return all.front();
}

TEST(RecordedFrame, ShowsItsFields) {
  const auto all = read_recorded("bolt-frames.jsonl");
  const Decoded request = decode(find(all, "bolt-v1", "sync_string").request, 7);
  ASSERT_EQ(request.frames.size(), 1u);
  const Frame& frame = request.frames[0];
  EXPECT_EQ(frame.protocol, 1);
  EXPECT_EQ(frame.type, FrameType::request);
  EXPECT_EQ(frame.command, Command::request);
  EXPECT_EQ(frame.id, 0x23u);
  EXPECT_EQ(frame.codec, kCodecHessian);
  EXPECT_EQ(frame.timeout_ms, 3000);
  EXPECT_EQ(frame.class_name(), "java.lang.String");
  EXPECT_TRUE(frame.header().empty());
  EXPECT_EQ(as_text(frame.content()), "\x05plain");
}

TEST(RecordedFrame, HasACrcOnlyWhenVersionAndSwitchSaySo) {
  const auto all = read_recorded("bolt-frames.jsonl");
  struct Row {
    const char *protocol, *name;
    bool request_crc, response_crc;
  };
  // The error answers of the original carry switch 0, so they have no trailer though their requests do.
  for (const Row& row :
       {Row{"bolt-v2_ver1", "sync", false, false}, Row{"bolt-v2_ver2_crc", "sync", true, true}, Row{"bolt-v2_ver2_crc", "sync_null", true, true},
        Row{"bolt-v2_ver2_crc", "throws", true, false}, Row{"bolt-v2_ver2_crc", "no_processor", true, false},
        Row{"bolt-v2_ver2_crc", "response_not_serializable", true, false}, Row{"bolt-v2_ver2_crc", "crc_off", false, false}}) {
    SCOPED_TRACE(std::string(row.protocol) + " " + row.name);
    const Recorded& one = find(all, row.protocol, row.name);
    const Decoded request = decode(one.request, one.request.size()), response = decode(one.response, one.response.size());
    EXPECT_EQ(request.frames.at(0).has_crc(), row.request_crc);
    EXPECT_EQ(response.frames.at(0).has_crc(), row.response_crc);
    EXPECT_EQ(response.frames[0].id, request.frames[0].id);
  }
}

TEST(RecordedFrame, AnswersAreMadeAsTheOriginalMakesThem) {
  for (const Recorded& one : read_recorded("bolt-frames.jsonl")) {
    if (one.response.empty() || one.name.starts_with("pipelined")) continue;
    SCOPED_TRACE(one.protocol + " " + one.name);
    const Frame request = decode(one.request, 0).frames.at(0), response = decode(one.response, 0).frames.at(0);
    const FrameHead made = response.status == Status::success ? response_to(request, Status::success) : error_response_to(request, response.status);
    EXPECT_EQ(made, static_cast<const FrameHead&>(response));
  }
}

TEST(RecordedHeaderMap, OfACallHoldsTheNamesOfServiceAndMethod) {
  const auto all = read_recorded("exchanges.jsonl");
  const Decoded request = decode(find(all, "sofarpc-bolt", "hello").request, 0);
  const HeaderMap map = HeaderMap::parse(request.frames.at(0).header()).value();
  EXPECT_EQ(map.get("sofa_head_method_name"), "hello");
  EXPECT_EQ(map.get("service"), "sofa.interop.InteropService:1.0");
  EXPECT_EQ(map.get("protocol"), "bolt");
  EXPECT_EQ(map.find("rpc_trace_context.sysPenAttrs"), "") << "an empty value is not an absent one";
  EXPECT_EQ(map.find("nothing"), std::nullopt);
}

TEST(RecordedHeaderMap, EncodesToTheSameBytes) {
  size_t maps = 0;
  for (const Recorded& one : read_recorded("exchanges.jsonl")) {
    SCOPED_TRACE(one.name);
    for (const auto* bytes : {&one.request, &one.response}) {
      for (const Frame& frame : decode(*bytes, 0).frames) {
        if (frame.class_name().find("SofaRe") == std::string_view::npos) continue;
        Buffer out;
        for (const auto& [key, value] : HeaderMap::parse(frame.header()).value()) append_header_pair(out, key, value);
        EXPECT_EQ(as_text(out.span()), as_text(frame.header()));
        ++maps;
      }
    }
  }
  EXPECT_GT(maps, 50u);
}

}  // namespace
}  // namespace sofa::bolt
