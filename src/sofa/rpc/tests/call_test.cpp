// Client and server on loopback: kinds of calls, errors, deadlines, retries, filters.

#include "sample.h"
#include "sofa/rpc/detail/request_codec.h"
#include "sofa/rpc/detail/response_codec.h"
#include "sofa/transport/bolt_protocol.h"
#include "sofa/transport/pool.h"
#include "sofa/transport/port.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(Call, ValuesOverloadsAndErrors) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    const Sample& s = *f.client;
    EXPECT_EQ(co_await or_return(s.echo(std::nullopt)), std::nullopt);
    EXPECT_EQ(co_await or_return(s.hello("bob")), "hello bob");
    EXPECT_EQ(co_await or_return(s.hello_times("bob", 2)), "hello bob,hello bob");
    co_await or_return(s.ping());
    const Transfer back = co_await or_return(s.transfer({.id = "t", .cents = 7}));
    EXPECT_EQ(back.id, "t!");
    EXPECT_EQ(back.cents, 8);
    const auto java = co_await s.fail("java");
    EXPECT_FALSE(java);
    const auto* thrown = java.error().detail<JavaException>();
    EXPECT_TRUE(thrown != nullptr && thrown->class_name == "java.lang.IllegalArgumentException" && thrown->message == "boom 1");
    EXPECT_EQ(java.error().code(), Code::invalid_argument);
    EXPECT_THAT(std::string(java.error().message()),
                MatchesRegex("sofa.interop.InteropService.fail at 127.0.0.1:[0-9]+, attempt 1 of 1: java.lang.IllegalArgumentException: boom 1"));
    const auto plain = co_await s.fail("a-1");
    EXPECT_EQ(plain.error().code(), Code::not_found) << "a plain error keeps its code between C++ peers";
    EXPECT_THAT(std::string(plain.error().message()), HasSubstr("account a-1 is unknown"));
    co_return co_await f.close();
  }());
}

TEST(Call, AServiceThatThrowsIsAnsweredAndTheConnectionLives) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    const auto got = co_await f.client->fail("throw");
    EXPECT_FALSE(got.has_value());
    if (!got) EXPECT_THAT(got.error().to_string(), HasSubstr("fail threw an exception: thrown by the service"));
    EXPECT_EQ(co_await or_return(f.client->hello("x")), "hello x");
    co_return co_await f.close();
  }());
}

TEST(Call, BaggageOnewayAndResponseHeaders) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    CallResponse response;
    const Text got = co_await or_return(f.client->baggage.with({.baggage = {{"color", "blue"}}, .response = &response})("color"));
    EXPECT_EQ(got, "blue");
    EXPECT_EQ(*find_in(response.baggage, "answer"), "got-blue");
    EXPECT_EQ(response.attempts, 1);
    co_await or_return(f.client->note.oneway("k", "v"));
    EXPECT_TRUE(co_await eventually([&] { return f.seen->notes == 1; }));
    co_return co_await f.close();
  }());
}

TEST(Call, TimeoutNamesServiceMethodAddressAttemptAndTimeAndCancelsTheWork) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    const auto got = co_await f.client->sleep.with({.timeout = 50ms})(60'000);
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code(), Code::deadline_exceeded);
    EXPECT_THAT(std::string(got.error().message()),
                MatchesRegex("sofa.interop.InteropService.sleep at 127.0.0.1:[0-9]+, attempt 1 of 1: no answer within 50 ms"));
    EXPECT_TRUE(co_await eventually([&] { return f.seen->cancelled == 1; })) << "the work went on though its caller had given up";
    EXPECT_EQ(co_await or_return(f.client->hello("x")), "hello x") << "the connection lives on";
    EXPECT_TRUE(co_await eventually([&] { return f.server->stats().dropped == 1; })) << "a late answer was sent";
    co_return co_await f.close();
  }());
}

TEST(Call, WorkIsCancelledWhenItsCallerIsGone) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    f.client->sleep.with({.timeout = 10min}).callback(600'000, [](Result<std::string>) {});
    EXPECT_TRUE(co_await eventually([&] { return f.server->stats().calls == 1; }));
    f.client.reset();
    EXPECT_TRUE(co_await eventually([&] { return f.seen->cancelled == 1; })) << "the work goes on though nobody waits for it";
    co_return co_await f.close();
  }());
}

TEST(Call, DeadlinesPassToNestedCalls) {
  run_test([]() -> Task<Result<void>> {
    Fixture inner;
    co_await or_return(inner.open());
    auto outer_service = make_sample();
    outer_service->sleep = [&](int64_t ms) { return (*inner.client).sleep(ms); };
    auto outer = co_await or_return(Server(ServerOptions{.port = 0}).add(outer_service).start());
    auto client = co_await or_return(connect<Sample>(at(outer)));
    const auto got = co_await client->sleep.with({.timeout = 80ms})(60'000);
    EXPECT_FALSE(got);
    EXPECT_TRUE(co_await eventually([&] { return inner.seen->cancelled == 1; })) << "the inner work outlived the outer caller's deadline";
    client.reset();
    co_await or_return(outer->stop());
    co_return co_await inner.close();
  }());
}

TEST(Call, RetriesAtAnotherProvider) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    const std::string two = "bolt://127.0.0.1:1," + at(f.server);
    auto client = co_await or_return(connect<Sample>(two, {.retries = 1}));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(co_await or_return(client->hello("x")), "hello x");
    auto dead = co_await or_return(connect<Sample>("127.0.0.1:1", {.retries = 1, .check = false}));
    const auto got = co_await dead->hello("x");
    EXPECT_FALSE(got);
    EXPECT_THAT(std::string(got.error().message()),
                MatchesRegex("sofa.interop.InteropService.hello at 127.0.0.1:1, attempt 2 of 2: .*\\(after [0-9]+ ms\\)"));
    EXPECT_EQ(got.error().code(), Code::unavailable);
    const auto once = co_await f.client->sleep.with({.timeout = 30ms, .retries = 1})(60'000);
    EXPECT_THAT(std::string(once.error().message()), HasSubstr("attempt 2 of 2: no answer within 30 ms"));
    client.reset();
    dead.reset();
    co_return co_await f.close();
  }());
}

TEST(Call, OfWhichNothingWasSentGoesToAnotherProviderWithoutARetry) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    for (const std::string_view scheme : {"bolt", "tri"}) {
      const std::string dead = fmt::format("{}://127.0.0.1:1,", scheme);
      auto client = co_await or_return(connect<Sample>(fmt::format("{}{}://{}", dead, scheme, f.server->address().to_string()), {.check = false}));
      for (int i = 0; i < 8; ++i) {
        CallResponse response;
        EXPECT_EQ(co_await or_return(client->hello.with({.response = &response})("x")), "hello x");
        EXPECT_EQ(response.attempts, 1) << scheme;
      }
      auto nobody = co_await or_return(connect<Sample>(dead + dead, {.check = false}));
      const auto got = co_await nobody->hello("x");
      EXPECT_THAT(std::string(got.error().message()), HasSubstr("attempt 1 of 1: ")) << "everybody was asked once";
    }
    co_return co_await f.close();
  }());
}

TEST(Call, WaitsForAProviderThatHasSaidThatItCloses) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    EXPECT_EQ(co_await or_return(f.client->hello("x")), "hello x");
    const uint16_t port = f.server->port();
    co_await or_return(f.server->stop());
    const Instant begun = io::Shard::current().now();
    EXPECT_FALSE(co_await f.client->hello.with({.timeout = 100ms})("x")) << "nobody came back";
    EXPECT_GE(io::Shard::current().now() - begun, 100ms);
    auto late = std::make_shared<std::optional<Result<std::string>>>();
    f.client->hello.with({.timeout = 20s}).callback("late", [late](Result<std::string> r) { late->emplace(std::move(r)); });
    auto again = co_await or_return(Server(ServerOptions{.port = port}).add(make_sample(), {.thread_safe = true}).start());
    EXPECT_TRUE(co_await eventually([&] { return late->has_value(); }));
    EXPECT_EQ(late->value().value_or("lost"), "hello late");
    co_await or_return(f.close());
    co_return co_await again->stop();
  }());
}

TEST(Call, BusyIsAnsweredAndRetried) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    ServerOptions options;
    options.max_calls = 1;
    co_await or_return(f.open(options));
    auto first = std::make_shared<std::optional<Result<std::string>>>();
    f.client->sleep.callback(200, [first](Result<std::string> r) { first->emplace(std::move(r)); });
    EXPECT_TRUE(co_await eventually([&] { return f.server->stats().calls == 1; }));
    const auto busy = co_await f.client->sleep(0);
    EXPECT_FALSE(busy);
    EXPECT_EQ(busy.error().code(), Code::resource_exhausted);
    EXPECT_THAT(std::string(busy.error().message()), HasSubstr("busy"));
    EXPECT_EQ(co_await or_return(f.client->sleep.with({.retries = 20})(0)), "slept 0");
    EXPECT_TRUE(co_await eventually([&] { return first->has_value(); }));
    co_return co_await f.close();
  }());
}

TEST(Call, EveryProviderOfAListGetsItsShareOfTheCalls) {
  run_test([]() -> Task<Result<void>> {
    Fixture one, two;
    co_await or_return(one.open());
    co_await or_return(two.open());
    auto client = co_await or_return(connect<Sample>(at(one.server) + "," + at(two.server), {.balancer = "roundRobin"}));
    CallResponse response;
    const auto next = [&]() -> Task<Result<io::Address>> {
      co_await or_return(client->hello.with({.response = &response})("x"));
      co_return response.address;
    };
    // The second connection comes by itself, while the first is in use.
    for (int i = 0; i < 1000 && co_await or_return(next()) == co_await or_return(next()); ++i) co_await or_return(io::sleep_for(5ms));
    std::map<std::string, int> calls;
    for (int i = 0; i < 10; ++i) ++calls[(co_await or_return(next())).to_string()];
    EXPECT_EQ(calls, (std::map<std::string, int>{{one.server->address().to_string(), 5}, {two.server->address().to_string(), 5}}));
    client.reset();
    co_await or_return(two.close());
    co_return co_await one.close();
  }());
}

/// What a Java server answers between the end of its pool and the end of its connections.
struct StoppingServer : transport::Handler {
  int asked = 0;
  void handle(transport::IncomingRequest&, transport::Responder& responder) override {
    ++asked;
    Buffer header, content;
    const Pairs mark = {{"sofa_head_response_error", "true"}};
    detail::write_response_header(header, mark);
    detail::write_error_response(content, "RPC-019990009: RPC server stopped: [192.0.2.2:12200] ", mark);
    EXPECT_TRUE(responder.answer(detail::kResponseClass, header.span(), content.take()));
  }
};

TEST(Call, AStoppingJavaServerIsAskedOnceAndTheCallGoesElsewhere) {
  run_test([]() -> Task<Result<void>> {
    StoppingServer stopping;
    transport::Handlers handlers;
    co_await or_return(handlers.add(std::string(detail::kRequestClass), stopping));
    transport::BoltProtocol bolt(handlers);
    auto port = co_await or_return(transport::Port::open(io::Address::parse("127.0.0.1:0").value(), {&bolt}));
    auto alone = co_await or_return(connect<Sample>(port->local().to_string()));
    const auto got = co_await alone->hello("x");
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code(), Code::unavailable);
    EXPECT_THAT(std::string(got.error().message()), HasSubstr("RPC server stopped"));
    Fixture f;
    co_await or_return(f.open());
    auto client = co_await or_return(connect<Sample>(port->local().to_string() + "," + at(f.server), {.retries = 1, .balancer = "roundRobin"}));
    for (int i = 0; i < 4; ++i) EXPECT_EQ(co_await or_return(client->hello("x")), "hello x");
    EXPECT_GE(stopping.asked, 2);
    alone.reset();
    client.reset();
    co_await or_return(f.close());
    co_return co_await port->stop();
  }());
}

struct Recorder : Filter {
  std::vector<std::string> lines;
  std::string name;
  explicit Recorder(std::string n) : name(std::move(n)) {}
  Task<Result<void>> invoke(Invocation& call, Next next) override {
    lines.push_back(fmt::format("{} before {}", name, call.method));
    if (auto* text = call.arguments.empty() ? nullptr : call.arguments[0].as<std::string>(); text != nullptr && *text == "refuse") {
      co_return fail(Code::permission_denied, "{} refuses", name);
    }
    if (auto* text = call.arguments.empty() ? nullptr : call.arguments[0].as<std::string>(); text != nullptr && *text == "answer") {
      *call.result.as<std::string>() = name + " answers";
      co_return Result<void>();
    }
    Result<void> done = co_await next(call);
    if (auto* text = call.result.as<std::string>(); text != nullptr && done) *text += "+" + name;
    co_return done;
  }
};

TEST(Filter, SeesRequestAndResponseAndMayAnswer) {
  run_test([]() -> Task<Result<void>> {
    auto first = std::make_shared<Recorder>("a"), second = std::make_shared<Recorder>("b"), client_side = std::make_shared<Recorder>("c");
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).filter(first).filter(second).add(make_sample()).start());
    auto client = co_await or_return(connect<Sample>(at(server), {.filters = {client_side}}));
    EXPECT_EQ(co_await or_return(client->hello("x")), "hello x+b+a+c");
    EXPECT_THAT(first->lines, ::testing::ElementsAre("a before hello"));
    auto bare = co_await or_return(connect<Sample>(at(server)));
    EXPECT_EQ(co_await or_return(bare->hello("answer")), "a answers");
    const auto refused = co_await bare->hello("refuse");
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::permission_denied);
    EXPECT_EQ(co_await or_return(client->hello("answer")), "c answers");
    client.reset();
    bare.reset();
    co_return co_await server->stop();
  }());
}

TEST(Call, JsonSerializer) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open({}, {.codec = bolt::kCodecJson}));
    EXPECT_EQ(co_await or_return(f.client->hello("bob")), "hello bob");
    EXPECT_EQ(co_await or_return(f.client->hello_times("bob, \"x\"", 2)), "hello bob, \"x\",hello bob, \"x\"");
    EXPECT_EQ((co_await or_return(f.client->transfer({.id = "t", .cents = 1}))).cents, 2);
    co_await or_return(f.client->ping());
    const auto failed = co_await f.client->fail("a");
    EXPECT_THAT(std::string(failed.error().message()), HasSubstr("account a is unknown"));
    co_return co_await f.close();
  }());
}

TEST(Call, SyncFutureAndCallbackFromOutsideAShard) {
  io::Runtime runtime({.shards = 2, .hold_limit = Duration::zero()});
  Fixture f;
  ASSERT_TRUE(runtime.block_on([&]() -> Task<Result<void>> { return f.open(); }()));
  EXPECT_EQ(*f.client->hello.sync("a"), "hello a");
  auto future = f.client->hello.future("b");
  EXPECT_EQ(*future.get(), "hello b");
  std::promise<std::string> called;
  f.client->hello.callback("c", [&](Result<std::string> r) { called.set_value(*r); });
  EXPECT_EQ(called.get_future().get(), "hello c");
  const auto from_another_shard = runtime.block_on([&]() -> Task<Result<std::string>> { co_return co_await f.client->hello("d"); }(), 1);
  EXPECT_EQ(*from_another_shard, "hello d");
  ASSERT_TRUE(runtime.block_on([&]() -> Task<Result<void>> { return f.close(); }()));
}

TEST(Call, UnknownServiceAndMethodAreNamed) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    auto nobody = co_await or_return(connect<Sample>(at(f.server), {.unique_id = "nobody"}));
    const auto service = co_await nobody->hello("x");
    EXPECT_THAT(std::string(service.error().message()),
                HasSubstr("RPC-020100010: RPC cannot find service: [sofa.interop.InteropService:1.0:nobody]"));
    EXPECT_EQ(service.error().code(), Code::not_found);
    auto generic = co_await or_return(GenericClient::connect(at(f.server), "sofa.interop.InteropService"));
    const auto method = co_await generic->invoke("missing", {}, {});
    EXPECT_THAT(std::string(method.error().message()), HasSubstr("RPC-020100011"));
    const auto array = co_await or_return(generic->invoke("sum", {"int[]"}, {[] {
                                                            static Arena arena;
                                                            hessian::List* list = hessian::make_list(arena, "[int");
                                                            list->push(hessian::Value(int32_t{3}));
                                                            return hessian::Value(list);
                                                          }()}));
    EXPECT_EQ(array->integer(), 3);
    nobody.reset();
    generic.reset();
    co_return co_await f.close();
  }());
}

TEST(Hostile, ContentThatCannotBeReadGetsStatus12AndTheConnectionLives) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    co_await or_return(f.open());
    transport::ConnectionPool pool({}, Random(1));
    auto session = co_await or_return(pool.get(f.server->address()));
    const std::string prefix_of =
        "O\xbc"
        "com.alipay.sofa.rpc.core.request.SofaRequest";
    const std::vector<std::string> contents{
        "", "N", "\x90", prefix_of, std::string(200, 'V'), std::string("Vl\x7f\xff\xff\xff", 6), std::string("O\x90", 2), std::string(100'000, 'M')};
    for (const std::string& content : contents) {
      const auto answer = co_await or_return(
          session->call({.class_name = "com.alipay.sofa.rpc.core.request.SofaRequest", .header = {}, .content = Bytes::copy_of(content)}));
      EXPECT_EQ(answer.status(), bolt::Status::server_deserial_exception) << content.size();
      EXPECT_EQ(answer.frame.class_name(), "com.alipay.remoting.rpc.exception.RpcServerException");
    }
    const auto unknown = co_await or_return(session->call({.class_name = "com.acme.Missing", .header = {}, .content = {}}));
    EXPECT_EQ(unknown.status(), bolt::Status::server_exception);
    EXPECT_EQ(co_await or_return(f.client->hello("x")), "hello x");
    EXPECT_TRUE(session->usable());
    session = {};
    co_await pool.close();
    co_return co_await f.close();
  }());
}

/// A message as protobuf's are; the result's cannot be written.
struct Question {
  bool ParseFromArray(const void*, int) { return true; }
  bool SerializeToArray(void*, int) const { return true; }
  size_t ByteSizeLong() const { return 4; }
  std::string GetTypeName() const { return "Question"; }
};
struct Unwritable : Question {
  bool SerializeToArray(void*, int) const { throw std::bad_alloc(); }
};
struct Writing : Interface {
  static constexpr std::string_view kName = "x.Writing";
  Method<Unwritable(Question)> now{this, "now"};
  Method<Unwritable(Question)> later{this, "later"};
  Method<Question(Question)> fine{this, "fine"};
};

TEST(Call, AnExceptionWhileTheAnswerIsWrittenIsAnsweredAndTheConnectionLives) {
  run_test([]() -> Task<Result<void>> {
    auto service = std::make_shared<Writing>();
    service->now = [](Question) { return Unwritable(); };
    service->later = [](Question) -> Task<Result<Unwritable>> { co_return Unwritable(); };
    service->fine = [](Question question) { return question; };
    auto server = co_await or_return(Server(ServerOptions{.port = 0}).add(service).start());
    auto client = co_await or_return(connect<Writing>(at(server)));
    for (const auto* method : {&client->now, &client->later}) {
      const auto got = co_await (*method)(Question());
      EXPECT_FALSE(got);
      EXPECT_THAT(got.error().to_string(), HasSubstr(fmt::format("{} threw an exception: std::bad_alloc", method->name())));
      EXPECT_TRUE((co_await client->fine(Question())).has_value()) << "no frame is left open";
    }
    client.reset();
    co_return co_await server->stop();
  }());
}

TEST(Hostile, AClassThatIsNotAdmittedGetsStatus12WithItsNameAndTheConnectionLives) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    ServerOptions options;
    options.classes.deny("com.evil.").deny("com.alipay.");  // the envelope passes all the same
    co_await or_return(f.open(options));
    auto client = co_await or_return(GenericClient::connect(at(f.server), std::string(Sample::kName)));
    auto evil = hessian::Document::make();
    hessian::Map* map = hessian::make_map(evil.arena(), "");
    map->push(hessian::Value::text(evil.arena(), "gadget"), hessian::make_object(evil.arena(), "com.evil.Gadget", {{"x", hessian::Value(1)}}));
    const auto refused = co_await client->invoke("echoMap", {"java.util.Map"}, {hessian::Value(map)});
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().detail<transport::TransportStatus>()->status, bolt::Status::server_deserial_exception);
    EXPECT_THAT(refused.error().to_string(), HasSubstr("class com.evil.Gadget is not admitted by the class filter"));
    EXPECT_EQ(f.server->stats().refused, 1u);
    const hessian::Value good = hessian::make_object(evil.arena(), "com.good.Gadget", {{"x", hessian::Value(1)}});
    EXPECT_TRUE((co_await client->invoke("echoNode", {"sofa.interop.Node"}, {good})).has_value());
    client.reset();
    co_return co_await f.close();
  }());
}

TEST(Call, AnAnswerWithAClassThatIsNotAdmittedIsPermissionDenied) {
  run_test([]() -> Task<Result<void>> {
    Fixture f;
    ClientOptions options;
    options.classes.allow("bank.").allow("java.");
    co_await or_return(f.open({}, options));
    EXPECT_EQ((co_await or_return(f.client->transfer({.id = "t", .cents = 1}))).cents, 2);
    EXPECT_THAT((co_await f.client->fail("java")).error().to_string(), HasSubstr("boom 1"));
    auto node = Graph<hessian::Value>::make();
    *node = hessian::make_object(node.arena(), "com.evil.Gadget", {{"x", hessian::Value(1)}});
    const auto refused = co_await f.client->echo_node(node);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::permission_denied);
    EXPECT_THAT(refused.error().to_string(), HasSubstr("class com.evil.Gadget is not admitted by the class filter"));
    EXPECT_EQ(co_await or_return(f.client->hello("x")), "hello x");
    co_return co_await f.close();
  }());
}

}  // namespace
}  // namespace sofa::rpc
