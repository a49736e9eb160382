// What the original client sent is understood, and answered with the bytes that the original server sent.

#include "sample.h"
#include "sofa/io/stream.h"
#include "sofa/rpc/detail/request_codec.h"
#include "sofa/rpc/detail/response_codec.h"
#include "sofa/wire/bolt/frame_parser.h"

namespace sofa::rpc {
namespace {

using namespace testing;

std::vector<bolt::Frame> frames_of(std::string_view hex) {
  Buffer in;
  in.append(bytes_of_hex(hex));
  bolt::FrameParser parser;
  std::vector<bolt::Frame> frames;
  for (bolt::Frame frame; parser.next(in, frame) == bolt::ParseStatus::frame;) frames.push_back(std::move(frame));
  return frames;
}

const bolt::Frame* call_frame(const std::vector<bolt::Frame>& frames) {
  for (const bolt::Frame& frame : frames) {
    if (frame.class_name() == detail::kRequestClass) return &frame;
  }
  return nullptr;
}

TEST(Recorded, EveryHessianRequestIsRecognisedAndTheGeneralReaderAgrees) {
  int seen = 0;
  for (const Exchange& exchange : recorded_exchanges()) {
    const auto frames = frames_of(exchange.request);
    const bolt::Frame* frame = call_frame(frames);
    if (frame == nullptr || frame->codec != bolt::kCodecHessian) continue;
    ++seen;
    detail::RequestHead quick;
    ASSERT_TRUE(quick.read(frame->content())) << exchange.name;
    EXPECT_NE(quick.arguments_at().offset, 0u) << exchange.name << " took the slow way";
    const auto header = bolt::HeaderMap::parse(frame->header());
    ASSERT_TRUE(header);
    EXPECT_EQ(quick.service(), header->get("service")) << exchange.name;
    EXPECT_EQ(quick.method(), header->get("sofa_head_method_name")) << exchange.name;
    hessian::Reader reader(frame->content());
    const auto head = reader.read_value();
    ASSERT_TRUE(head) << exchange.name;
    std::string signatures;
    const hessian::List* list = head->find("methodArgSigs")->list();
    ASSERT_NE(list, nullptr) << exchange.name;
    for (size_t i = 0; i < list->size(); ++i) detail::append_signature(signatures, (*list)[i].text());
    EXPECT_EQ(quick.signatures(), signatures) << exchange.name;
  }
  EXPECT_EQ(seen, 27);
}

TEST(Recorded, ATruncatedRequestIsAnErrorAtEveryByte) {
  for (const Exchange& exchange : recorded_exchanges()) {
    if (exchange.name != "hello" && exchange.name != "baggage") continue;
    const auto frames = frames_of(exchange.request);
    const ByteSpan content = call_frame(frames)->content();
    detail::RequestHead whole;
    ASSERT_TRUE(whole.read(content));
    for (size_t size = 0; size < whole.arguments_at().offset; ++size) {
      detail::RequestHead head;
      EXPECT_FALSE(head.read(content.first(size))) << exchange.name << " cut at " << size;
    }
  }
}

/// Sends the recorded bytes and reads as many as were recorded.
Task<Result<std::string>> replay(io::Stream& stream, const Exchange& exchange) {
  co_await or_return(stream.write(bytes_of_hex(exchange.request)));
  Buffer in;
  while (in.size() < exchange.response.size() / 2) {
    const size_t got = co_await or_return(stream.read_some(in));
    if (got == 0) co_return fail(Code::unavailable, "the server closed the connection");
  }
  co_return to_hex(in.span());
}

Task<Result<void>> replay_all() {
  auto server = co_await or_return(
      Server(ServerOptions{.port = 0}).add(make_sample()).add(make_sample(std::make_shared<Seen>(), "blue:"), {.unique_id = "blue"}).start());
  io::Stream stream = co_await or_return(io::Stream::connect(server->address()));
  const std::vector<std::string_view> wanted{"hello_first",    "hello",
                                             "hello_overload", "echo_null",
                                             "echo_unicode",   "add",
                                             "void",           "map",
                                             "arrays",         "string_array",
                                             "java_time",      "cycle",
                                             "baggage",        "no_such_service",
                                             "no_such_method", "unique_id",
                                             "generic_invoke", "heartbeat"};
  int seen = 0;
  for (const Exchange& exchange : recorded_exchanges()) {
    if (std::find(wanted.begin(), wanted.end(), exchange.name) == wanted.end()) continue;
    ++seen;
    EXPECT_EQ(co_await or_return(replay(stream, exchange)), exchange.response) << exchange.name;
  }
  EXPECT_EQ(seen, static_cast<int>(wanted.size()));
  stream.close();
  co_return co_await server->stop();
}

TEST(Recorded, TheAnswersAreTheOriginalsByteForByte) { run_test(replay_all()); }

TEST(Signature, BothStylesBecomeOne) {
  EXPECT_EQ(detail::jvm_signature("java.lang.String[]"), "[Ljava.lang.String;");
  EXPECT_EQ(detail::jvm_signature("int[][]"), "[[I");
  EXPECT_EQ(detail::jvm_signature("[Ljava.lang.String;"), "[Ljava.lang.String;");
  EXPECT_EQ(detail::jvm_signature("long"), "long");
  EXPECT_EQ(detail::jvm_signatures("[Ljava.lang.String;;;int[];;java.util.Map;;"), "[Ljava.lang.String;;;[I;;java.util.Map;;");
}

}  // namespace
}  // namespace sofa::rpc
