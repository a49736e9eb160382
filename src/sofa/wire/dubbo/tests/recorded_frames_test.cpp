#include <gtest/gtest.h>

#include "sofa/base/testing/decoded.h"
#include "sofa/base/testing/recorded.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/dubbo/descriptor.h"
#include "sofa/wire/dubbo/frame_codec.h"
#include "sofa/wire/hessian/java_exception.h"

namespace sofa::dubbo {
namespace {

/// What each recorded step is.
struct Step {
  const char* name;
  const char* method;
  const char* parameter_types;
  AnswerKind kind;
  Status status = Status::ok;
};
constexpr AnswerKind kValue = AnswerKind::value_with_attachments;
constexpr AnswerKind kNull = AnswerKind::null_value_with_attachments;
constexpr AnswerKind kThrown = AnswerKind::exception_with_attachments;
constexpr Step kSteps[] = {
    {"hello", "hello", "Ljava/lang/String;", kValue},
    {"hello_overload", "hello", "Ljava/lang/String;I", kValue},
    {"echo_null", "echo", "Ljava/lang/String;", kNull},
    {"add", "add", "II", kValue},
    {"void", "ping", "", kNull},
    {"object", "getUser", "J", kValue},
    {"list", "listUsers", "I", kValue},
    {"bytes", "echoBytes", "[B", kValue},
    {"array", "sum", "[I", kValue},
    {"enum", "nextLevel", "Lsofa/interop/Level;", kValue},
    {"java_time", "plusDays", "Ljava/time/LocalDateTime;I", kValue},
    {"exception_checked", "fail", "Ljava/lang/String;", kThrown},
    {"exception_runtime", "fail", "Ljava/lang/String;", kThrown},
    {"attachment", "attachment", "Ljava/lang/String;", kValue},
    {"echo_service", "$echo", "Ljava/lang/Object;", kValue},
    {"generic", "$invoke", "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;", kValue},
    {"no_such_service", "echo", "Ljava/lang/String;", kValue, Status::bad_request},
    {"heartbeat", "echo", "Ljava/lang/String;", kValue},
};

const Recorded& recorded(std::string_view name) {
  static const std::vector<Recorded> all = read_recorded("dubbo-frames.jsonl");
  for (const Recorded& one : all) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << name << " is not recorded";
  return all.front();
}

using Decoded = sofa::Decoded<FrameParser, Frame, ParseStatus>;

Decoded decode(ByteSpan bytes, size_t cut) { return Decoded::of(bytes, cut); }

Frame only_frame(ByteSpan bytes) {
  Decoded decoded = decode(bytes, bytes.size());
  EXPECT_EQ(decoded.frames.size(), 1u);
  return std::move(decoded.frames.at(0));
}

void expect_same(const Decoded& a, const Decoded& b) {
  ASSERT_EQ(a.frames.size(), b.frames.size());
  for (size_t i = 0; i < a.frames.size(); ++i) {
    EXPECT_EQ(static_cast<const FrameHead&>(a.frames[i]), static_cast<const FrameHead&>(b.frames[i]));
    EXPECT_EQ(a.frames[i].body, b.frames[i].body);
  }
}

/// A value written again from what was read of it, as a stream of its own.
void write_again(Buffer& out, ByteSpan value, size_t values = 1) {
  hessian::Reader reader(value, reader_options());
  hessian::Writer writer(out, writer_options());
  std::vector<hessian::Value> kept;
  for (size_t i = 0; i < values; ++i) kept.push_back(reader.read_value().value());
  for (const hessian::Value& one : kept) ASSERT_TRUE(writer.write(one).has_value());
  EXPECT_TRUE(reader.at_end());
}

class RecordedStep : public testing::TestWithParam<Step> {
 protected:
  const Recorded& step() const { return recorded(GetParam().name); }
};

TEST_P(RecordedStep, RequestIsReadAndWrittenToTheSameBytes) {
  const Frame frame = only_frame(step().request);
  EXPECT_TRUE(frame.request && frame.two_way && !frame.event);
  EXPECT_EQ(frame.serialization, kHessian2);
  const auto call = read_call(frame.body);
  ASSERT_TRUE(call.has_value()) << call.error().to_string();
  EXPECT_EQ(call->dubbo_version, kVersion);
  EXPECT_EQ(call->path, "sofa.interop.DubboInteropService");
  EXPECT_EQ(call->method, GetParam().method);
  EXPECT_EQ(call->parameter_types, GetParam().parameter_types);
  ASSERT_NE(find_in(call->attachments, "version"), nullptr);
  EXPECT_EQ(*find_in(call->attachments, "version"), call->version);

  Buffer again;
  const size_t offset = begin_frame(again, frame);
  hessian::Writer writer(again, writer_options());
  write_call_head(writer, *call);
  const ByteSpan arguments = frame.body.span().subspan(call->arguments_at, call->arguments_end - call->arguments_at);
  write_again(again, arguments, parse_descriptor(call->parameter_types)->size());
  write_attachments(writer, call->attachments);
  ASSERT_TRUE(end_frame(again, offset).has_value());
  EXPECT_EQ(to_hex(again.span()), to_hex(step().request));
}

TEST_P(RecordedStep, ResponseIsReadAndWrittenToTheSameBytes) {
  const Frame request = only_frame(step().request);
  const Frame frame = only_frame(step().response);
  EXPECT_EQ(static_cast<const FrameHead&>(frame), response_to(request, GetParam().status));
  Buffer again;
  const size_t offset = begin_frame(again, response_to(request, GetParam().status));
  if (GetParam().status == Status::ok) {
    const auto answer = read_answer(frame.body);
    ASSERT_TRUE(answer.has_value()) << answer.error().to_string();
    EXPECT_EQ(answer->kind, GetParam().kind);
    ASSERT_NE(find_in(answer->attachments, "dubbo"), nullptr);
    hessian::Writer writer(again, writer_options());
    write_answer_kind(writer, answer->kind);
    if (answer->value_end > answer->value_at) {
      write_again(again, frame.body.span().subspan(answer->value_at, answer->value_end - answer->value_at));
    }
    write_attachments(writer, answer->attachments);
  } else {
    write_sentence(again, read_sentence(frame.body));
  }
  ASSERT_TRUE(end_frame(again, offset).has_value());
  EXPECT_EQ(to_hex(again.span()), to_hex(step().response));
}

TEST_P(RecordedStep, GivesTheSameFramesWhereverTheBytesAreCut) {
  for (const std::vector<uint8_t>& bytes : {step().request, step().response}) {
    const Decoded whole = decode(bytes, bytes.size());
    EXPECT_EQ(whole.last, ParseStatus::need_more);
    for (size_t cut = 0; cut < bytes.size(); ++cut) expect_same(whole, decode(bytes, cut));
  }
}

TEST_P(RecordedStep, GivesTheSameFramesByteByByte) {
  for (const std::vector<uint8_t>& bytes : {step().request, step().response}) {
    FrameParser parser;
    Buffer in;
    Decoded slow;
    for (uint8_t byte : bytes) {
      in.append_u8(byte);
      slow.take(parser, in);
    }
    expect_same(decode(bytes, bytes.size()), slow);
  }
}

// A body that ends early is an error with a sentence, never a call.
TEST_P(RecordedStep, RequestCutAnywhereInItsBodyIsAnError) {
  const Frame frame = only_frame(step().request);
  for (size_t size = 0; size < frame.body.size(); ++size) {
    const auto call = read_call(frame.body.span().first(size));
    ASSERT_FALSE(call.has_value()) << size;
    EXPECT_FALSE(call.error().message().empty());
  }
}

INSTANTIATE_TEST_SUITE_P(All, RecordedStep, testing::ValuesIn(kSteps), [](const auto& step) { return std::string(step.param.name); });

TEST(Recorded, EveryStepOfTheFileIsInTheTable) {
  for (const Recorded& one : read_recorded("dubbo-frames.jsonl")) {
    EXPECT_TRUE(std::ranges::any_of(kSteps, [&](const Step& step) { return one.name == step.name; })) << one.name;
  }
}

TEST(Recorded, ExceptionsKeepTheirClassMessageAndFields) {
  const Frame frame = only_frame(recorded("exception_checked").response);
  const auto answer = read_answer(frame.body).value();
  hessian::Reader reader(frame.body.span().subspan(answer.value_at), reader_options());
  const auto thrown = reader.read<hessian::JavaException>();
  ASSERT_TRUE(thrown.has_value()) << thrown.error().to_string();
  EXPECT_EQ(thrown->class_name, "sofa.interop.InteropException");
  EXPECT_EQ(thrown->message, "boom checked");
  ASSERT_NE(thrown->field("code"), nullptr);
  EXPECT_EQ(thrown->field("code")->integer(), 42);
}

TEST(Recorded, AttachmentsGoBothWays) {
  const Frame request = only_frame(recorded("attachment").request);
  EXPECT_EQ(*find_in(read_call(request.body)->attachments, "color"), "blue");
  const Frame response = only_frame(recorded("attachment").response);
  EXPECT_EQ(*find_in(read_answer(response.body)->attachments, "answer"), "got");
}

}  // namespace
}  // namespace sofa::dubbo
