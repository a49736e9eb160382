// Services with Java types over Triple (docs/protocols/triple.md): recorded messages of SOFARPC's and Dubbo's Java clients, and our own client.

#include "sample.h"
#include "sofa/grpc/client.h"
#include "sofa/rpc/detail/triple_wrapper.h"

namespace sofa::rpc {
namespace {

using namespace testing;

struct DubboSample : Sample {
  static constexpr std::string_view kName = "sofa.interop.DubboInteropService";
};

/// The payload of the DATA frames among recorded HTTP/2 bytes: gRPC's prefixed messages (RFC 9113, section 4.1).
std::vector<uint8_t> data_of(std::string_view hex) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  std::vector<uint8_t> bytes, data;
  EXPECT_TRUE(from_hex(hex, bytes));
  ByteSpan rest(bytes);
  if (as_text(rest).starts_with(kPreface)) rest = rest.subspan(kPreface.size());
  while (rest.size() >= 9) {
    const size_t size = load_be<uint32_t>(rest.data()) >> 8;
    const uint8_t type = rest[3];
    const ByteSpan payload = rest.subspan(9, size);
    if (type == 0) data.insert(data.end(), payload.begin(), payload.end());
    rest = rest.subspan(9 + size);
  }
  return data;
}

/// The one message in there; empty without any.
Bytes message_of(std::string_view hex) {
  const auto data = data_of(hex);
  if (data.size() < grpc::kPrefix) return {};
  EXPECT_EQ(load_be<uint32_t>(data.data() + 1), data.size() - grpc::kPrefix) << "one message was recorded";
  return Bytes::copy_of(ByteSpan(data).subspan(grpc::kPrefix));
}

const Exchange& recorded(std::string_view name) {
  static const auto all = recorded_in("vectors/triple-exchanges.jsonl");
  const auto found = std::ranges::find(all, name, &Exchange::name);
  EXPECT_NE(found, all.end()) << name;
  return *found;
}

/// A server of the sample under both names, with a blue one beside it, and a channel to it.
struct TripleFixture {
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  std::unique_ptr<RunningServer> server;
  std::unique_ptr<grpc::Channel> channel;
  std::shared_ptr<Sample> client, blue;

  Task<Result<void>> open(ServerOptions options = {}) {
    options.port = 0;
    auto dubbo = std::make_shared<DubboSample>();
    fill_sample(*dubbo, seen, {});
    dubbo->fail = [](Text kind) -> Result<Text> { return throw_checked(kind); };
    auto sofa = make_sample(seen);
    sofa->fail = [](Text kind) -> Result<Text> { return throw_checked(kind); };
    server = co_await or_return(Server(options).add(sofa).add(make_sample(seen, "blue:"), {.unique_id = "blue"}).add(dubbo).start());
    channel = std::make_unique<grpc::Channel>(server->address());
    client = co_await or_return(connect<Sample>("tri://" + server->address().to_string()));
    blue = co_await or_return(connect<Sample>("tri://" + server->address().to_string(), {.unique_id = "blue"}));
    co_return Result<void>();
  }
  static Result<Text> throw_checked(const Text& kind) {
    if (kind == "plain") return sofa::fail(Code::not_found, "account {} is unknown", *kind);
    JavaException checked("sofa.interop.InteropException", "boom " + kind.value_or("null"));
    checked.set("code", hessian::Value(int32_t{42}));
    return fail_java(std::move(checked));
  }
  Task<Result<void>> close() {
    client.reset();
    blue.reset();
    co_await channel->close();
    co_return co_await server->stop();
  }
};

Task<Result<void>> replay_sofa() {
  TripleFixture f;
  co_await or_return(f.open());
  const std::pair<std::string, std::string> calls[] = {{"triple_java_hello", "hello"}, {"triple_java_second", "add"}, {"triple_java_void", "ping"}};
  for (const auto& [name, method] : calls) {
    const auto answer = co_await or_return(f.channel->unary("/sofa.interop.InteropService/" + method, message_of(recorded(name).request)));
    EXPECT_EQ(to_hex(answer.span()), to_hex(message_of(recorded(name).response).span())) << name;
  }
  const auto failed = co_await f.channel->unary("/sofa.interop.InteropService/fail", message_of(recorded("triple_java_exception").request));
  EXPECT_FALSE(failed);
  if (!failed) {
    EXPECT_EQ(failed.error().code(), Code::unknown);
    EXPECT_EQ(failed.error().message(), "boom runtime");
  }
  co_return co_await f.close();
}
TEST(Triple, SofaRpcsRecordedCallsAreAnsweredByteForByte) { run_test(replay_sofa()); }

Task<Result<void>> replay_dubbo() {
  TripleFixture f;
  co_await or_return(f.open());
  const std::string path = "/sofa.interop.DubboInteropService/";
  const std::pair<std::string, std::string> calls[] = {{"triple_hello", "hello"}, {"triple_add", "add"}};
  for (const auto& [name, method] : calls) {
    const auto answer =
        co_await or_return(f.channel->unary(path + method, message_of(recorded(name).request), {.metadata = {{"tri-service-version", "1.0"}}}));
    EXPECT_EQ(to_hex(answer.span()), to_hex(message_of(recorded(name).response).span())) << name;
  }
  http::Headers headers;
  const auto thrown = co_await or_return(f.channel->unary(path + "fail", message_of(recorded("triple_exception").request),
                                                          {.metadata = {{"tri-service-version", "1.0"}}, .headers = &headers}));
  EXPECT_EQ(headers.get_or("tri-exception-code"), "3");
  const auto ours = co_await or_return(detail::read_triple_response(thrown.span()));
  const Bytes kept = message_of(recorded("triple_exception").response);
  const auto theirs = co_await or_return(detail::read_triple_response(kept.span()));
  EXPECT_EQ(theirs.type, "void") << "the declared type, which is a text of ours";
  EXPECT_EQ(ours.type, "java.lang.String");
  for (const auto& response : {ours, theirs}) {
    EXPECT_EQ(response.serializer, detail::TripleSerializer::dubbo_hessian);
    JavaException exception;
    co_await or_return(
        detail::read_triple_value(response.serializer, response.data, detail::value_shape<JavaException>(), &exception, "exception", nullptr));
    EXPECT_EQ(exception.to_string(), "sofa.interop.InteropException: boom checked");
  }
  co_return co_await f.close();
}
TEST(Triple, DubbosRecordedCallsAreAnsweredByteForByteAndItsExceptionsKeepTheirClass) { run_test(replay_dubbo()); }

Task<Result<void>> typed_calls() {
  TripleFixture f;
  co_await or_return(f.open());
  EXPECT_EQ(co_await or_return(f.client->hello("bob")), "hello bob");
  EXPECT_EQ(co_await or_return(f.client->hello_times("bob", 2)), "hello bob,hello bob");
  EXPECT_EQ(co_await or_return(f.client->echo(std::nullopt)), std::nullopt);
  EXPECT_EQ(co_await or_return(f.client->sum(Array<int32_t>{{1, 2, 3}})), 6);
  const Transfer made = co_await or_return(f.client->transfer({.id = "t", .cents = 1}));
  EXPECT_EQ(made.id + std::to_string(made.cents), "t!2");
  co_await or_return(f.client->ping());
  const std::string large(size_t{3} << 20, 'x');
  EXPECT_EQ(co_await or_return(f.client->echo(large)), large);
  co_return co_await f.close();
}
TEST(Triple, OurClientCallsMethodsOfJavaTypes) { run_test(typed_calls()); }

Task<Result<void>> unique_ids() {
  TripleFixture f;
  co_await or_return(f.open());
  EXPECT_EQ(co_await or_return(f.client->echo("x")), "x");
  EXPECT_EQ(co_await or_return(f.blue->echo("x")), "blue:x");
  auto green = co_await or_return(connect<Sample>("tri://" + f.server->address().to_string(), {.unique_id = "green"}));
  const auto refused = co_await green->echo("x");
  EXPECT_FALSE(refused);
  if (!refused) {
    EXPECT_EQ(refused.error().code(), Code::unimplemented);
    EXPECT_THAT(refused.error().to_string(), ::testing::HasSubstr("no service sofa.interop.InteropService with tri-service-version 'green'"));
  }
  // Dubbo names a version and a group.
  const Bytes hello = message_of(recorded("triple_java_hello").request);
  for (const auto& [version, group, served] :
       {std::tuple("1.0", "", true), {"", "", true}, {"1.0", "blue", true}, {"2.0", "", false}, {"1.0", "red", false}}) {
    http::Headers metadata;
    if (*version != 0) metadata.add("tri-service-version", version);
    if (*group != 0) metadata.add("tri-service-group", group);
    const auto answer = co_await f.channel->unary("/sofa.interop.InteropService/hello", hello, {.metadata = metadata});
    EXPECT_EQ(answer.has_value(), served) << version << " " << group;
  }
  co_return co_await f.close();
}
TEST(Triple, ServicesOfOnePathAreToldApartByHeaders) { run_test(unique_ids()); }

Task<Result<void>> errors() {
  TripleFixture f;
  co_await or_return(f.open());
  const auto thrown = co_await f.client->fail("java");
  EXPECT_TRUE(!thrown && thrown.error().code() == Code::unknown);
  if (!thrown) EXPECT_THAT(thrown.error().to_string(), ::testing::HasSubstr("boom java"));
  const auto plain = co_await f.client->fail("plain");
  EXPECT_TRUE(!plain && plain.error().code() == Code::not_found);
  if (!plain) EXPECT_THAT(plain.error().to_string(), ::testing::HasSubstr("account plain is unknown"));
  const auto late = co_await f.client->sleep.with({.timeout = 50ms})(5000);
  EXPECT_TRUE(!late && late.error().code() == Code::deadline_exceeded);
  EXPECT_TRUE(co_await eventually([&] { return f.seen->cancelled == 1; })) << "the handler learns that its caller is gone";
  co_return co_await f.close();
}
TEST(Triple, ErrorsAreStatusesAndDeadlinesEndTheWork) { run_test(errors()); }

Task<Result<void>> beside_the_arguments() {
  TripleFixture f;
  co_await or_return(f.open());
  CallResponse response;
  EXPECT_EQ(co_await or_return(f.client->baggage.with({.baggage = {{"Key", "v"}}, .response = &response})("Key")), "v");
  EXPECT_EQ(*find_in(response.headers, "rpc_resp_baggage.answer"), "got-v");
  co_await or_return(f.client->note.oneway("k", "v"));
  EXPECT_TRUE(co_await eventually([&] { return f.seen->notes == 1; }));
  co_return co_await f.close();
}
TEST(Triple, BaggageAndOnewayCalls) { run_test(beside_the_arguments()); }

/// A wrapper message by hand: fields of bytes with one-byte lengths.
Bytes wrapper(std::initializer_list<std::pair<uint8_t, std::string_view>> fields) {
  Buffer out;
  for (const auto& [number, text] : fields) {
    out.append_u8(static_cast<uint8_t>(number << 3 | 2));
    out.append_u8(static_cast<uint8_t>(text.size()));
    out.append(text);
  }
  return out.take();
}

Task<Result<void>> bad_requests() {
  TripleFixture f;
  co_await or_return(f.open());
  struct Bad {
    std::string method;
    Bytes message;
    Code code;
    std::string sentence;
  };
  const std::string text = "java.lang.String";
  const Bad bad[] = {
      {"hello", Bytes::literal("\x0a\x7f"), Code::invalid_argument, "2 bytes are no wrapper message of a request"},
      {"hello", wrapper({{1, "kryo"}, {2, "\x01x"}, {3, text}}), Code::unimplemented, "'kryo', which is none of hessian2"},
      {"hello", wrapper({{1, "hessian2"}, {2, "\x01x"}, {3, "long"}}), Code::unimplemented, "has no method hello(long)"},
      {"hello", wrapper({{1, "hessian2"}, {3, text}}), Code::invalid_argument, "takes 1 arguments, 0 came"},
      {"hello", wrapper({{1, "hessian2"}, {2, "\x05x"}, {3, text}}), Code::invalid_argument, "argument 1 of hello"},
      {"unheard", wrapper({{1, "hessian2"}}), Code::unimplemented, "no method /sofa.interop.InteropService/unheard"},
  };
  for (const Bad& b : bad) {
    const auto answer = co_await f.channel->unary("/sofa.interop.InteropService/" + b.method, b.message);
    EXPECT_FALSE(answer) << b.sentence;
    if (answer) continue;
    EXPECT_EQ(answer.error().code(), b.code) << b.sentence;
    EXPECT_THAT(std::string(answer.error().message()), ::testing::HasSubstr(b.sentence));
  }
  // Languages without Java's types leave them out.
  const auto untyped = co_await or_return(f.channel->unary("/sofa.interop.InteropService/hello", wrapper({{2, "\x01x"}})));
  EXPECT_THAT(std::string(untyped.text()), ::testing::HasSubstr("hello x"));
  co_return co_await f.close();
}
TEST(Triple, WhatCannotBeCalledIsAnsweredWithASentence) { run_test(bad_requests()); }

}  // namespace
}  // namespace sofa::rpc
