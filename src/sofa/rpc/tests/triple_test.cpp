// Services with Java types over Triple (docs/protocols/triple.md): recorded messages of SOFARPC's and Dubbo's Java clients, and our own client.

#include "proto_text.h"
#include "sample.h"
#include "sofa/grpc/client.h"
#include "sofa/rpc/detail/triple_wrapper.h"
#include "sofa/rpc/streaming.h"

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
  static const auto all = read_recorded_text("vectors/triple-exchanges.jsonl");
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
  EXPECT_EQ(co_await or_return(f.client->echo.with({.timeout = 30s})(large)), large);  // under TSan it takes longer than the usual 3 s
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

struct ProtoSample : Interface {
  static constexpr std::string_view kName = "test.Greeter";
  Method<ProtoText(ProtoText)> greet{this, "greet"};
  ServerStreaming<ProtoText(ProtoText)> greet_often{this, "greet_often"};
};

std::shared_ptr<ProtoSample> make_greeter(std::string prefix) {
  auto greeter = std::make_shared<ProtoSample>();
  greeter->greet = [prefix](ProtoText name) { return ProtoText{prefix + name.text}; };
  greeter->greet_often = [prefix](ProtoText name, Writer<ProtoText>& out) -> Task<Result<void>> {
    co_return co_await out.write({prefix + name.text});
  };
  return greeter;
}

/// Calls the greeter as this client; what it says, or the error's sentence.
Task<std::string> greet(std::string target, ClientOptions options) {
  auto client = co_await connect<ProtoSample>(target, options);
  if (!client) co_return client.error().to_string();
  const auto once = co_await (*client)->greet({"bob"});
  if (!once) co_return once.error().to_string();
  auto stream = co_await (*client)->greet_often({"bob"});
  if (!stream) co_return stream.error().to_string();
  const auto often = co_await stream->read();
  co_return once->text + ", " + (often && *often ? (*often)->text : "nothing");
}

Task<Result<void>> proto_ids() {
  auto server = co_await or_return(Server(ServerOptions{.port = 0})
                                       .add(make_greeter("hello "))
                                       .add(make_greeter("blue "), {.unique_id = "blue"})
                                       .add(make_greeter("new "), {.version = "2.0"})
                                       .start());
  const std::string target = "tri://" + server->address().to_string();
  EXPECT_EQ(co_await greet(target, {}), "hello bob, hello bob");
  EXPECT_EQ(co_await greet(target, {.unique_id = "blue"}), "blue bob, blue bob");
  EXPECT_EQ(co_await greet(target, {.version = "2.0"}), "new bob, new bob");
  const std::string dubbo = target + "?serialization=hessian4";
  EXPECT_EQ(co_await greet(dubbo, {.version = "2.0"}), "new bob, new bob");
  EXPECT_EQ(co_await greet(dubbo, {.unique_id = "blue"}), "blue bob, blue bob");
  EXPECT_THAT(co_await greet(target, {.unique_id = "green"}), ::testing::HasSubstr("no service test.Greeter with tri-service-version 'green'"));
  co_return co_await server->stop();
}
TEST(Triple, ServicesOfProtobufMessagesAreToldApartByHeadersToo) { run_test(proto_ids()); }

Task<Result<void>> only_blue() {
  auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_greeter("blue "), {.unique_id = "blue"}).start());
  EXPECT_EQ(co_await greet("tri://" + server->address().to_string(), {}), "blue bob, blue bob") << "the only one, where no header is sent";
  co_return co_await server->stop();
}
TEST(Triple, TheOnlyServiceOfAPathNeedsNoHeader) { run_test(only_blue()); }

Task<Result<void>> bytes_by_name() {
  auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_greeter("hello ")).start());
  const auto ask = [&server](std::string_view scheme, std::string method) -> Task<Result<Bytes>> {
    auto client = co_await or_return(GenericClient::connect(fmt::format("{}://{}", scheme, server->address().to_string()), "test.Greeter"));
    co_return co_await client->invoke_message(std::move(method), Bytes::copy_of(std::string_view("bob")));
  };
  for (const std::string_view scheme : {"bolt", "tri"}) {
    EXPECT_EQ((co_await or_return(ask(scheme, "greet"))).text(), "hello bob") << scheme;
    const auto unknown = co_await ask(scheme, "shout");
    EXPECT_TRUE(!unknown && unknown.error().code() == Code::unimplemented) << scheme;
  }
  const auto refused = co_await ask("dubbo", "greet");
  EXPECT_TRUE(!refused && refused.error().code() == Code::unimplemented);
  if (!refused) EXPECT_THAT(refused.error().to_string(), ::testing::HasSubstr("carries no protobuf messages"));
  co_return co_await server->stop();
}
TEST(Triple, MethodsOfProtobufMessagesAreCalledByNameWithBytes) { run_test(bytes_by_name()); }

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
/// A field with a line end would be several to another reader.
Task<Result<void>> bad_baggage() {
  auto service = make_sample();
  service->hello = [](Context& context, std::string name) {
    context.put_response_baggage("k", name == "bad" ? "a\r\nx: y" : "a");
    return name;
  };
  auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(service).start());
  auto client = co_await or_return(connect<Sample>("tri://" + server->address().to_string()));
  const auto answered = co_await client->hello("bad");
  EXPECT_FALSE(answered);
  if (!answered) EXPECT_THAT(answered.error().to_string(), ::testing::HasSubstr("holds a line end"));
  const auto asked = co_await client->hello.with({.headers = {{"k", "a\nb"}}})("good");
  EXPECT_FALSE(asked);
  if (!asked) EXPECT_THAT(asked.error().to_string(), ::testing::HasSubstr("the value of the header 'k' holds a line end"));
  EXPECT_EQ(co_await or_return(client->hello("good")), "good");
  client.reset();
  co_return co_await server->stop();
}
TEST(Triple, BaggageThatIsNoHeaderFailsItsCallWithASentence) { run_test(bad_baggage()); }

TEST(Triple, BaggageAndOnewayCalls) { run_test(beside_the_arguments()); }

Task<Result<void>> calls_of_dubbos_family() {
  TripleFixture f;
  co_await or_return(f.open());
  const std::string target = fmt::format("tri://{}?serialization=hessian4", f.server->address().to_string());
  auto client = co_await or_return(connect<DubboSample>(target));
  EXPECT_EQ(co_await or_return(client->hello("bob")), "hello bob");
  const Transfer made = co_await or_return(client->transfer({.id = "t", .cents = 1}));
  EXPECT_EQ(made.id + std::to_string(made.cents), "t!2");
  const auto thrown = co_await client->fail("java");
  EXPECT_FALSE(thrown);
  if (!thrown) {
    const auto* exception = thrown.error().detail<JavaException>();
    EXPECT_TRUE(exception != nullptr && exception->class_name == "sofa.interop.InteropException") << thrown.error().to_string();
    EXPECT_EQ(exception->field("code")->integer(), 42);
  }
  CallResponse response;
  EXPECT_EQ(co_await or_return(client->baggage.with({.baggage = {{"key", "v"}}, .response = &response})("key")), "v");
  EXPECT_EQ(*find_in(response.baggage, "answer"), "got-v") << "among the trailers";
  auto other = co_await or_return(connect<DubboSample>(target, {.version = "7.7"}));
  const auto refused = co_await other->hello("bob");
  EXPECT_FALSE(refused);
  if (!refused) EXPECT_THAT(refused.error().to_string(), ::testing::HasSubstr("tri-service-version '7.7'"));
  co_return co_await f.close();
}
TEST(Triple, OurClientCallsAsDubboDoesWhereAProviderAsksForHessian4) { run_test(calls_of_dubbos_family()); }

/// Streams of Java types.
struct StreamSample : Interface {
  static constexpr std::string_view kName = "com.acme.Streams";
  ServerStreaming<Transfer(int32_t)> count{this, "count"};
  ClientStreaming<int64_t(Transfer)> total{this, "total"};
  BidiStreaming<Transfer(Transfer)> talk{this, "talk"};
};

std::shared_ptr<StreamSample> make_streams() {
  auto streams = std::make_shared<StreamSample>();
  streams->count = [](int32_t times, Writer<Transfer>& out) -> Task<Result<void>> {
    for (int32_t i = 0; i < times; ++i) co_await or_return(out.write({.id = "c", .cents = i}));
    if (times < 0) co_return fail_java("java.lang.IllegalArgumentException", "{} times", times);
    co_return Result<void>();
  };
  streams->total = [](Reader<Transfer>& in) -> Task<Result<int64_t>> {
    int64_t cents = 0;
    while (const auto transfer = co_await or_return(in.read())) cents += transfer->cents;
    co_return cents;
  };
  streams->talk = [](Reader<Transfer>& in, Writer<Transfer>& out) -> Task<Result<void>> {
    while (auto transfer = co_await or_return(in.read())) {
      ++transfer->cents;
      co_await or_return(out.write(std::move(*transfer)));
    }
    co_return Result<void>();
  };
  return streams;
}

Task<Result<void>> use_streams(StreamSample& client) {
  auto counted = co_await or_return(client.count(3));
  for (int32_t i = 0; i < 3; ++i) EXPECT_EQ((co_await or_return(counted.read())).value_or(Transfer{}).cents, i);
  EXPECT_FALSE(co_await or_return(counted.read())) << "the end";
  auto totalled = co_await or_return(client.total());
  for (int64_t cents : {1, 2, 3}) co_await or_return(totalled.write({.id = "t", .cents = cents}));
  EXPECT_EQ(co_await or_return(totalled.finish()), 6);
  auto talk = co_await or_return(client.talk());
  for (int64_t cents : {10, 20}) {
    co_await or_return(talk.write({.id = "b", .cents = cents}));
    EXPECT_EQ((co_await or_return(talk.read())).value_or(Transfer{}).cents, cents + 1);
  }
  co_await or_return(talk.finish_writes());
  EXPECT_FALSE(co_await or_return(talk.read()));
  auto failing = co_await or_return(client.count(-1));
  const auto failed = co_await failing.read();
  EXPECT_TRUE(!failed && failed.error().code() == Code::unknown && failed.error().message() == "-1 times");
  co_return Result<void>();
}

/// What SOFARPC's client needs of the type of a stream's messages: a class that it can load.
Task<Result<void>> expect_boxed_type(grpc::Channel& channel, Bytes message) {
  auto stream = co_await or_return(channel.stream("/com.acme.Streams/total"));
  co_await or_return(stream->write(std::move(message)));
  co_await or_return(stream->finish_writes());
  const auto answer = co_await or_return(stream->read());
  const auto response = co_await or_return(detail::read_triple_response(answer ? answer->span() : ByteSpan()));
  EXPECT_EQ(response.type, "java.lang.Long");
  co_return Result<void>();
}

Task<Result<void>> streams() {
  auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_streams()).start());
  for (const std::string_view query : {"", "?serialization=hessian4"}) {
    auto client = co_await or_return(connect<StreamSample>(fmt::format("tri://{}{}", server->address().to_string(), query)));
    co_await or_return(use_streams(*client));
  }
  grpc::Channel channel(server->address());
  Buffer message;
  const Transfer transfer{.id = "t", .cents = 1};
  const void* const argument = &transfer;
  co_await or_return(detail::write_triple_arguments(message, detail::TripleSerializer::sofa_hessian, detail::shape_of<int64_t, Transfer>(), {},
                                                    std::span(&argument, 1)));
  co_await or_return(expect_boxed_type(channel, message.take()));
  co_await channel.close();
  co_return co_await server->stop();
}
TEST(Triple, MethodsOfJavaTypesStream) { run_test(streams()); }

Task<Result<void>> streams_in_turn() {
  auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_streams(), {.concurrents = 1, .max_waiting = 0}).start());
  auto client = co_await or_return(connect<StreamSample>("tri://" + server->address().to_string()));
  auto talk = co_await or_return(client->talk());
  co_await or_return(talk.write({.id = "b", .cents = 1}));
  co_await or_return(talk.read());
  auto refused = co_await or_return(client->count(1));
  const auto told = co_await refused.read();
  EXPECT_TRUE(!told && told.error().code() == Code::unavailable);
  if (!told) EXPECT_THAT(told.error().message(), ::testing::HasSubstr("concurrents"));
  EXPECT_EQ(server->stats().busy, 1);
  co_await or_return(talk.finish_writes());
  EXPECT_FALSE(co_await or_return(talk.read()));
  auto counted = co_await or_return(client->count(1));
  EXPECT_TRUE(co_await or_return(counted.read())) << "the first stream has given its place back";
  co_return co_await server->stop();
}
TEST(Triple, AStreamHoldsAPlaceOfItsServiceUntilItEnds) { run_test(streams_in_turn()); }

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
      {"hello", wrapper({{1, "hessian2"}, {2, "\x01x"}, {2, "\x01y"}, {3, text}}), Code::invalid_argument, "takes 1 arguments, 2 came"},
      {"add", wrapper({{1, "hessian4"}, {2, "\x01x"}, {2, "\x91"}, {3, "int"}, {3, "int"}}), Code::invalid_argument, "argument 1 of add"},
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
/// Messages of a stream that are none are answered with a status, and the connection lives.
Task<Result<void>> bad_messages() {
  auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(make_streams()).start());
  grpc::Channel channel(server->address());
  const std::pair<Bytes, std::string_view> bad[] = {
      {Bytes::literal("\x0a\x7f"), "no wrapper message of a request"},
      {wrapper({{1, "hessian2"}}), "a message of total holds 0 arguments; a method that streams has one"},
      {wrapper({{2, "N"}, {2, "N"}}), "holds 2 arguments"},
      {wrapper({{1, "json"}, {2, "{}"}}), "the serializer of a request is 'json'"},
      {wrapper({{2, "\x05x"}}), "a message of total"},
  };
  for (const auto& [message, sentence] : bad) {
    auto stream = co_await or_return(channel.stream("/com.acme.Streams/total"));
    co_await or_return(stream->write(message));
    const auto answer = co_await stream->read();
    EXPECT_FALSE(answer) << sentence;
    if (!answer) EXPECT_THAT(std::string(answer.error().message()), ::testing::HasSubstr(sentence));
  }
  auto client = co_await or_return(connect<StreamSample>("tri://" + server->address().to_string()));
  co_await or_return(use_streams(*client));
  client.reset();
  co_await channel.close();
  co_return co_await server->stop();
}
TEST(Triple, AMessageOfAStreamThatIsNoneIsAnsweredWithASentence) { run_test(bad_messages()); }

TEST(Triple, WhatCannotBeCalledIsAnsweredWithASentence) { run_test(bad_requests()); }

}  // namespace
}  // namespace sofa::rpc
