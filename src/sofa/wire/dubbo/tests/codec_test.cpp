#include <gtest/gtest.h>

#include "sofa/base/random.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/dubbo/descriptor.h"
#include "sofa/wire/dubbo/frame_codec.h"

namespace sofa::dubbo {
namespace {

ParseStatus parse(std::string_view hex, Frame& frame, std::string* reason = nullptr, size_t max_body = size_t{8} << 20) {
  std::vector<uint8_t> bytes;
  EXPECT_TRUE(from_hex(hex, bytes));
  Buffer in;
  in.append(ByteSpan(bytes));
  FrameParser parser(max_body);
  const ParseStatus status = parser.next(in, frame);
  if (reason != nullptr) *reason = parser.reason();
  return status;
}

TEST(Frame, HeartbeatAndItsAnswerAreTheBytesOfJava) {
  Frame request;
  ASSERT_EQ(parse("dabbe200000000000000002a000000014e", request), ParseStatus::frame);
  EXPECT_TRUE(request.request && request.two_way && request.event);
  EXPECT_EQ(read_event(request.body), Event::heartbeat);
  Buffer out;
  append_frame(out, response_to(request, Status::ok), event_body(Event::heartbeat));
  EXPECT_EQ(to_hex(out.span()), "dabb2214000000000000002a000000014e");
}

TEST(Frame, ReadonlyEventIsTheLetterR) {
  Buffer out;
  append_frame(out, {.event = true, .id = 7}, event_body(Event::readonly));
  EXPECT_EQ(to_hex(out.span()), "dabba2000000000000000007000000020152");
  EXPECT_EQ(read_event(event_body(Event::readonly)), Event::readonly);
  EXPECT_EQ(read_event(event_body(Event::writeable)), Event::writeable);
}

TEST(Frame, StrangersAreRefusedAtTheirFirstWrongByte) {
  Frame frame;
  std::string reason;
  EXPECT_EQ(parse("47", frame, &reason), ParseStatus::error);
  EXPECT_NE(reason.find("0x47"), std::string::npos) << reason;
  EXPECT_EQ(parse("dabc", frame), ParseStatus::error);
  EXPECT_EQ(parse("da", frame), ParseStatus::need_more);
}

TEST(Frame, BodyOverTheLimitGivesTheIdOnce) {
  Frame frame;
  std::string reason;
  EXPECT_EQ(parse("dabbc200000000000000000500000401", frame, &reason, 1024), ParseStatus::too_large);
  EXPECT_EQ(frame.id, 5u);
  EXPECT_EQ(reason, "body of frame 5 has 1025 bytes, over max_frame 1024");
  EXPECT_EQ(parse("dabbc200000000000000000580000000", frame, &reason), ParseStatus::error);
}

TEST(Frame, AnyHeadAndBodySurviveTheWire) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  for (int round = 0; round < 2000; ++round) {
    FrameHead head{.request = random.uniform(uint64_t{2}) == 1,
                   .two_way = random.uniform(uint64_t{2}) == 1,
                   .event = random.uniform(uint64_t{2}) == 1,
                   .serialization = static_cast<uint8_t>(random.uniform(uint64_t{32})),
                   .status = static_cast<Status>(random.uniform(uint64_t{256})),
                   .id = random.next()};
    std::vector<uint8_t> body(random.uniform(uint64_t{100}));
    for (uint8_t& byte : body) byte = static_cast<uint8_t>(random.uniform(uint64_t{256}));
    Buffer wire;
    append_frame(wire, head, body);
    FrameParser parser;
    Frame frame;
    ASSERT_EQ(parser.next(wire, frame), ParseStatus::frame);
    EXPECT_EQ(static_cast<const FrameHead&>(frame), head);
    EXPECT_EQ(frame.body, Bytes::copy_of(ByteSpan(body)));
    EXPECT_TRUE(wire.empty());
  }
}

TEST(Frame, SerializationsAndStatusesHaveNames) {
  EXPECT_EQ(serialization_name(kHessian2), "hessian2");
  EXPECT_EQ(serialization_name(23), "fastjson2");
  EXPECT_EQ(serialization_name(31), "");
  EXPECT_EQ(to_string(Status::threadpool_exhausted), "thread pool exhausted");
  EXPECT_EQ(to_string(Status{1}), "unknown status");
}

TEST(Descriptor, NamesTypesAsClassGetNameDoes) {
  const auto names = parse_descriptor("Ljava/lang/String;I[[Ljava/util/Map;[JZLa/B$C;").value();
  EXPECT_EQ(names, (std::vector<std::string>{"java.lang.String", "int", "[[Ljava.util.Map;", "[J", "boolean", "a.B$C"}));
  std::string again;
  for (const std::string& name : names) append_descriptor(again, name);
  EXPECT_EQ(again, "Ljava/lang/String;I[[Ljava/util/Map;[JZLa/B$C;");
  EXPECT_TRUE(parse_descriptor("")->empty());
}

TEST(Descriptor, TakesArraysInSourceStyle) {
  std::string out;
  append_descriptor(out, "java.lang.String[]");
  append_descriptor(out, "int[][]");
  EXPECT_EQ(out, "[Ljava/lang/String;[[I");
}

TEST(Descriptor, RefusesWhatTheJvmWouldNotWrite) {
  for (const char* bad : {"Q", "Ljava/lang/String", "L;", "[", "I[", "java.lang.String", "V", ";"}) {
    const auto names = parse_descriptor(bad);
    ASSERT_FALSE(names.has_value()) << bad;
    EXPECT_EQ(names.error().code(), Code::invalid_argument);
  }
  EXPECT_TRUE(parse_descriptor(std::string(255, 'I')).has_value());
  EXPECT_FALSE(parse_descriptor(std::string(256, 'I')).has_value());
}

TEST(Body, AnswerAttachmentsGoToCallersThatKnowThem) {
  for (const char* knows : {"2.0.2", "2.0.3", "2.6.3", "2.7.0", "3.0.0", "2.0.2-SNAPSHOT"}) EXPECT_TRUE(takes_answer_attachments(knows)) << knows;
  for (const char* old : {"", "2.0.1", "2.0.10", "2.5.3", "2.6.2", "2.8.4", "x", "1.0", "2..0"}) EXPECT_FALSE(takes_answer_attachments(old)) << old;
  EXPECT_EQ(kind_for(AnswerKind::value, true), AnswerKind::value_with_attachments);
  EXPECT_EQ(kind_for(AnswerKind::exception_with_attachments, false), AnswerKind::exception);
}

Bytes call_body(const CallHead& head, const std::vector<hessian::Value>& arguments, const Attachments& attachments) {
  Buffer out;
  hessian::Writer writer(out, writer_options());
  write_call_head(writer, head);
  for (const hessian::Value& argument : arguments) EXPECT_TRUE(writer.write(argument).has_value());
  write_attachments(writer, attachments);
  return out.take();
}

TEST(Body, AttachmentsStandBehindArgumentsOfAnyShape) {
  Arena arena;
  hessian::Map* map = hessian::make_map(arena);
  map->push(hessian::Value::literal("self"), map);
  hessian::Object* object = hessian::make_object(arena, "a.B", {{"x", hessian::Value(map)}});
  const CallHead head{.path = "a.S", .version = "1.0", .method = "m", .parameter_types = "Ljava/util/Map;La/B;[I"};
  const Bytes body = call_body(head, {map, object, hessian::Value()}, {{"group", "g"}, {"k", "中文"}});
  const auto call = read_call(body);
  ASSERT_TRUE(call.has_value()) << call.error().to_string();
  EXPECT_EQ(*find_in(call->attachments, "group"), "g");
  EXPECT_EQ(*find_in(call->attachments, "k"), "中文");
  hessian::Reader arguments(body.span().first(call->arguments_end).subspan(call->arguments_at), reader_options());
  EXPECT_TRUE(hessian::same_shape(arguments.read_value().value(), map));
}

TEST(Body, AttachmentsThatAreNoTextBecomeText) {
  Arena arena;
  Buffer out;
  hessian::Writer writer(out, writer_options());
  write_call_head(writer, {.path = "a.S", .version = "1.0", .method = "m", .parameter_types = ""});
  hessian::Map* map = hessian::make_map(arena);
  map->push(hessian::Value::literal("timeout"), hessian::Value(int32_t{1000}));
  map->push(hessian::Value::literal("async"), hessian::Value(true));
  map->push(hessian::Value::literal("list"), hessian::make_list(arena));
  ASSERT_TRUE(writer.write(hessian::Value(map)).has_value());
  EXPECT_EQ(read_call(out.span())->attachments, (Attachments{{"timeout", "1000"}, {"async", "true"}}));
}

TEST(Body, LimitsAreErrorsThatNameThem) {
  const CallHead head{.path = std::string(2000, 'p'), .version = "", .method = "m", .parameter_types = ""};
  auto call = read_call(call_body(head, {}, {}));
  ASSERT_FALSE(call.has_value());
  EXPECT_EQ(call.error().code(), Code::resource_exhausted);
  EXPECT_EQ(call.error().message(), "path has 2000 bytes, over 1024");
  call = read_call(call_body({.path = "p", .version = "", .method = "m", .parameter_types = ""}, {}, Attachments(513, {"k", "v"})));
  ASSERT_FALSE(call.has_value());
  EXPECT_EQ(call.error().message(), "attachments have 513 pairs, over 512");
}

TEST(Body, AnyCallSurvivesTheWire) {
  const uint64_t seed = system_seed();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  const auto word = [&random] {
    std::string text;
    for (size_t i = random.uniform(uint64_t{40}); i > 0; --i) text += static_cast<char>('a' + random.uniform(uint64_t{26}));
    return text;
  };
  for (int round = 0; round < 500; ++round) {
    CallHead head{.path = word(), .version = word(), .method = word(), .parameter_types = ""};
    std::vector<hessian::Value> arguments;
    for (size_t i = random.uniform(uint64_t{5}); i > 0; --i) {
      head.parameter_types += 'J';
      arguments.emplace_back(static_cast<int64_t>(random.next()));
    }
    Attachments attachments;
    for (size_t i = random.uniform(uint64_t{5}); i > 0; --i) attachments.emplace_back(word(), word());
    const auto call = read_call(call_body(head, arguments, attachments));
    ASSERT_TRUE(call.has_value()) << call.error().to_string();
    EXPECT_EQ(call->path, head.path);
    EXPECT_EQ(call->version, head.version);
    EXPECT_EQ(call->method, head.method);
    EXPECT_EQ(call->parameter_types, head.parameter_types);
    EXPECT_EQ(call->attachments, attachments);
  }
}

TEST(Body, AnswersOfUnknownKindAreErrors) {
  Buffer out;
  hessian::Writer(out, writer_options()).write_int(6);
  const auto answer = read_answer(out.span());
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().message(), "answer kind 6 is none of 0..5");
}

}  // namespace
}  // namespace sofa::dubbo
