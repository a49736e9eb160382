// The services of a server as a Dubbo consumer calls them (docs/protocols/dubbo.md, sections 6 to 8): through DubboSessions, and by recorded bytes.

#include "dubbo_sample.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/dubbo_session.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/dubbo/descriptor.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using hessian::Value;

/// What came back: the frame, and what is in it.
struct Got {
  dubbo::Frame frame;
  dubbo::Answer answer{};
  hessian::Document value{};
  std::string sentence{};

  dubbo::Status status() const { return frame.status; }
  std::string text() const { return hessian::to_text(*value); }
  const std::string* attachment(std::string_view key) const { return dubbo::find_in(answer.attachments, key); }
};

/// A server with the sample, on a port with all protocols, and a Dubbo connection to it.
struct DubboFixture {
  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  std::unique_ptr<RunningServer> server;
  transport::DubboSessionRef session;
  io::TaskGroup group;

  Task<Result<void>> open(ServerOptions options = {}) {
    options.port = 0;
    server = co_await or_return(Server(options)
                                    .add(make_dubbo_sample(seen), {.thread_safe = true})
                                    .add(make_dubbo_sample(seen), {.version = "2.0", .unique_id = "blue", .thread_safe = true})
                                    .start());
    io::Stream stream = co_await or_return(io::Stream::connect(server->address(), {}));
    session = transport::DubboSession::create(std::move(stream), transport::DubboSessionOptions::client());
    group.spawn("client", session->run());
    co_return Result<void>();
  }
  Task<Result<void>> close() {
    session->close();
    [[maybe_unused]] const auto joined = co_await group.join();
    co_return co_await server->stop();
  }

  static Bytes body_of(const dubbo::CallHead& head, const std::vector<Value>& arguments, dubbo::Attachments attachments) {
    Buffer out;
    hessian::Writer writer(out, dubbo::writer_options());
    dubbo::write_call_head(writer, head);
    for (const Value& argument : arguments) EXPECT_TRUE(writer.write(argument));
    dubbo::write_attachments(writer, attachments);
    return out.take();
  }

  Task<Result<Got>> ask(dubbo::CallHead head, std::vector<Value> arguments, dubbo::Attachments attachments = {}) {
    if (head.path.empty()) head.path = DubboSample::kName;
    if (head.version.empty()) head.version = "1.0";
    const Bytes body = body_of(head, arguments, std::move(attachments));
    auto answered = co_await session->call(body, 10s);
    if (!answered) co_return forward_error(answered);
    Got got{.frame = std::move(*answered)};
    if (got.status() != dubbo::Status::ok) {
      got.sentence = dubbo::read_sentence(got.frame.body);
      co_return got;
    }
    got.answer = co_await or_return(dubbo::read_answer(got.frame.body));
    auto options = dubbo::reader_options();
    options.arena = got.value.shared_arena();
    Value value;
    if (got.answer.value_end > got.answer.value_at) {
      hessian::Reader reader(got.frame.body.span().subspan(got.answer.value_at), options);
      value = co_await or_return(reader.read_value());
    }
    got.value.set_root(got.value.arena().make<Value>(value));
    co_return got;
  }

  /// A generic call, whose arguments' nodes are in `arena`.
  Task<Result<Got>> invoke(std::string_view kind, std::string_view method, std::vector<std::string_view> types, std::vector<Value> arguments,
                           Arena& arena) {
    hessian::List* names = hessian::make_list(arena, "[string");
    for (const std::string_view type : types) names->push(Value::text(arena, type));
    hessian::List* values = hessian::make_list(arena, "[object");
    for (const Value& argument : arguments) values->push(argument);
    std::vector<Value> all{Value::text(arena, method), Value(names), Value(values)};
    dubbo::CallHead head{
        .path = {}, .version = {}, .method = "$invoke", .parameter_types = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;"};
    return ask(std::move(head), std::move(all), {{"generic", std::string(kind)}});
  }
};

dubbo::CallHead call_of(std::string_view method, std::string_view types) {
  return {.path = {}, .version = {}, .method = std::string(method), .parameter_types = std::string(types)};
}

/// Runs `body(fixture)` against an open fixture.
template <class F>
void with_dubbo(F body, ServerOptions options = {}) {
  run_test([](F run, ServerOptions server) -> Task<Result<void>> {
    DubboFixture fixture;
    co_await or_return(fixture.open(server));
    co_await or_return(run(fixture));
    co_return co_await fixture.close();
  }(std::move(body), std::move(options)));
}

TEST(Dubbo, AnswersTheRecordedRequestsWithTheRecordedBytes) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    io::Stream stream = co_await or_return(io::Stream::connect(f.server->address(), {}));
    const std::set<std::string_view> same{"hello", "hello_overload", "echo_null",  "add",          "void",    "array",
                                          "enum",  "java_time",      "attachment", "echo_service", "generic", "heartbeat"};
    size_t compared = 0;
    for (const Exchange& step : read_recorded_text("../../wire/dubbo/tests/vectors/dubbo-frames.jsonl")) {
      if (!same.contains(step.name)) continue;
      EXPECT_TRUE(stream.write(bytes_of_hex(step.request)));
      Buffer in;
      while (in.size() < step.response.size() / 2) {
        if (co_await or_return(stream.read_some(in)) == 0) break;
      }
      EXPECT_EQ(to_hex(in.span()), step.response) << step.name;
      ++compared;
    }
    EXPECT_EQ(compared, same.size());
    co_return Result<void>();
  });
}

TEST(Dubbo, FindsServicesByVersionAndGroup) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    auto head = call_of("hello", "Ljava/lang/String;");
    head.version = "2.0";
    Got got = co_await or_return(f.ask(head, {Value::literal("g")}, {{"group", "blue"}}));
    EXPECT_EQ(got.text(), "\"hello g\"");
    head.version = "0.0.0";
    got = co_await or_return(f.ask(head, {Value::literal("v")}));
    EXPECT_EQ(got.text(), "\"hello v\"") << "a consumer without a version means the service that names none";
    head.version = "9.9";
    got = co_await or_return(f.ask(head, {Value::literal("x")}, {{"group", "red"}}));
    EXPECT_EQ(got.status(), dubbo::Status::bad_request);
    EXPECT_EQ(got.sentence, "no service red/sofa.interop.DubboInteropService:9.9 is exported here; path, version and group must match");
    got = co_await or_return(f.ask(call_of("hello", "I"), {Value(int32_t{1})}));
    EXPECT_EQ(got.status(), dubbo::Status::bad_request);
    EXPECT_EQ(got.sentence, "service sofa.interop.DubboInteropService:1.0 has no method hello(int)");
    co_return Result<void>();
  });
}

TEST(Dubbo, SendsExceptionsWithTheirClassAndPlainErrorsAsRuntimeExceptions) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    Got got = co_await or_return(f.ask(call_of("fail", "Ljava/lang/String;"), {Value::literal("java")}));
    EXPECT_EQ(got.answer.kind, dubbo::AnswerKind::exception_with_attachments);
    EXPECT_EQ(got.value->object()->class_name(), "java.lang.IllegalArgumentException");
    EXPECT_EQ(got.value->find("detailMessage")->text(), "boom 1");
    got = co_await or_return(f.ask(call_of("fail", "Ljava/lang/String;"), {Value::literal("7")}));
    EXPECT_EQ(got.value->object()->class_name(), "java.lang.RuntimeException");
    EXPECT_EQ(*got.attachment("sofa_cpp_error_code"), "not_found");
    got = co_await or_return(f.ask(call_of("fail", "Ljava/lang/String;"), {Value::literal("throw")}));
    EXPECT_THAT(std::string(got.value->find("detailMessage")->text()), ::testing::HasSubstr("thrown by the service"));
    co_return Result<void>();
  });
}

TEST(Dubbo, AnswersOldCallersWithoutAttachments) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    auto head = call_of("echo", "Ljava/lang/String;");
    head.dubbo_version = "2.5.3";
    Got got = co_await or_return(f.ask(head, {Value::literal("x")}));
    EXPECT_EQ(got.answer.kind, dubbo::AnswerKind::value);
    got = co_await or_return(f.ask(head, {Value()}));
    EXPECT_EQ(got.answer.kind, dubbo::AnswerKind::null_value);
    head.method = "fail";
    got = co_await or_return(f.ask(head, {Value::literal("java")}));
    EXPECT_EQ(got.answer.kind, dubbo::AnswerKind::exception);
    co_return Result<void>();
  });
}

TEST(Dubbo, RunsOnewayCallsAndAnswersNothing) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    dubbo::CallHead head = call_of("note", "Ljava/lang/String;Ljava/lang/String;");
    head.path = DubboSample::kName;
    head.version = "1.0";
    co_await or_return(f.session->oneway(DubboFixture::body_of(head, {Value::literal("a"), Value::literal("b")}, {})));
    EXPECT_TRUE(co_await eventually([&] { return f.seen->notes == 1; }));
    co_await or_return(f.ask(call_of("ping", ""), {}));
    EXPECT_EQ(f.session->stats().frames_in, 1u);
    co_return Result<void>();
  });
}

TEST(Dubbo, CancelsACallWhoseTimeoutHasPassedAndSendsNothingLate) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    dubbo::CallHead head = call_of("sleep", "J");
    head.path = DubboSample::kName;
    head.version = "1.0";
    const Bytes body = DubboFixture::body_of(head, {Value(int64_t{60'000})}, {{"timeout", "30"}});
    auto answered = co_await f.session->call(body, 300ms);
    EXPECT_EQ(answered.error().code(), Code::deadline_exceeded);
    EXPECT_EQ(f.seen->cancelled, 1);
    EXPECT_EQ(f.session->stats().frames_in, 0u);
    const Got got = co_await or_return(f.ask(call_of("sleep", "J"), {Value(int64_t{1})}));
    EXPECT_EQ(got.text(), "\"slept 1\"");
    co_return Result<void>();
  });
}

TEST(Dubbo, TellsArgumentsThatCannotBeReadAndTheConnectionLives) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    Arena arena;
    Got got = co_await or_return(f.ask(call_of("add", "II"), {Value(int32_t{1}), Value(hessian::make_list(arena))}));
    EXPECT_EQ(got.status(), dubbo::Status::bad_request);
    EXPECT_THAT(got.sentence, ::testing::HasSubstr("argument 2 of add"));
    got = co_await or_return(f.ask(call_of("add", "II"), {Value(int32_t{1}), Value(int32_t{2})}));
    EXPECT_EQ(got.text(), "3");
    co_return Result<void>();
  });
}

TEST(Dubbo, TellsBusyWhenAsManyCallsRunAsMay) {
  ServerOptions options;
  options.max_calls = 1;
  with_dubbo(
      [](DubboFixture& f) -> Task<Result<void>> {
        dubbo::CallHead head = call_of("sleep", "J");
        head.path = DubboSample::kName;
        head.version = "1.0";
        const Bytes body = DubboFixture::body_of(head, {Value(int64_t{200})}, {});
        transport::DubboCall first = f.session->call(body, 10s);
        const Got got = co_await or_return(f.ask(call_of("sleep", "J"), {Value(int64_t{1})}));
        EXPECT_EQ(got.status(), dubbo::Status::threadpool_exhausted);
        const auto answered = co_await first;
        EXPECT_TRUE(answered && answered->status == dubbo::Status::ok);
        co_return Result<void>();
      },
      options);
}

// ---------------------------------------------------------------- generic calls

/// A map as a caller without the classes has an account.
hessian::Map* account_map(Arena& arena) {
  hessian::Map* transfer = hessian::make_map(arena);
  transfer->push(Value::literal("class"), Value::literal("bank.Transfer"));
  transfer->push(Value::literal("id"), Value::literal("t-1"));
  transfer->push(Value::literal("cents"), Value(int64_t{250}));
  hessian::List* transfers = hessian::make_list(arena);
  transfers->push(transfer);
  hessian::Map* account = hessian::make_map(arena);
  account->push(Value::literal("class"), Value::literal("bank.Account"));
  account->push(Value::literal("name"), Value::literal("bob"));
  account->push(Value::literal("level"), Value::literal("GOLD"));
  account->push(Value::literal("transfers"), transfers);
  return account;
}

TEST(DubboGeneric, TrueTakesAndGivesObjectsAsMapsWithTheirClass) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    Arena arena;
    Got got = co_await or_return(f.invoke("true", "open", {"bank.Account"}, {account_map(arena)}, arena));
    EXPECT_TRUE(got.value->map() != nullptr) << got.text();
    EXPECT_EQ(got.value->find("class")->text(), "bank.Account");
    EXPECT_EQ(got.value->find("name")->text(), "bob!");
    EXPECT_EQ(got.value->find("level")->text(), "GOLD");
    const Value transfer = (*got.value->find("transfers")->list())[0];
    EXPECT_EQ(transfer.find("class")->text(), "bank.Transfer");
    EXPECT_EQ(transfer.find("cents")->integer(), 250);
    got = co_await or_return(f.invoke("true", "add", {}, {Value(int32_t{1}), Value(int32_t{2})}, arena));
    EXPECT_EQ(got.text(), "3") << "without types the method is found by its name and number of arguments";
    got = co_await or_return(f.invoke("true", "nextLevel", {"sofa.interop.Level"}, {Value::literal("GOLD")}, arena));
    EXPECT_EQ(got.text(), "\"BRONZE\"");
    co_return Result<void>();
  });
}

TEST(DubboGeneric, ObjectsWithAClassReachMethodsThatTakeAnyObject) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    Arena arena;
    const Got got = co_await or_return(f.invoke("raw.return", "echoNode", {"sofa.interop.Node"}, {account_map(arena)}, arena));
    EXPECT_TRUE(got.value->object() != nullptr) << got.text();
    EXPECT_EQ(got.value->object()->class_name(), "bank.Account");
    co_return Result<void>();
  });
}

TEST(DubboGeneric, RawReturnGivesTheResultItself) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    Arena arena;
    const Got got = co_await or_return(f.invoke("raw.return", "open", {"bank.Account"}, {account_map(arena)}, arena));
    EXPECT_TRUE(got.value->object() != nullptr) << got.text();
    EXPECT_EQ(got.value->object()->class_name(), "bank.Account");
    co_return Result<void>();
  });
}

TEST(DubboGeneric, GsonTakesAndGivesJson) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    Arena arena;
    const Got got = co_await or_return(f.invoke("gson", "open", {"bank.Account"}, {Value::literal(R"({"name":"bob","level":"SILVER"})")}, arena));
    EXPECT_EQ(got.value->text(), R"({"name":"bob!","level":"SILVER","transfers":[],"balance":null})");
    co_return Result<void>();
  });
}

/// A bean descriptor as Java makes it.
Value bean(Arena& arena, int32_t type, std::string_view class_name, std::vector<std::pair<Value, Value>> properties) {
  hessian::Map* map = hessian::make_map(arena, "java.util.LinkedHashMap");
  for (const auto& [key, value] : properties) map->push(key, value);
  return hessian::make_object(arena, "org.apache.dubbo.common.beanutil.JavaBeanDescriptor",
                              {{"className", Value::text(arena, class_name)}, {"type", Value(type)}, {"properties", Value(map)}});
}

TEST(DubboGeneric, BeanTakesAndGivesDescriptors) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    Arena arena;
    const Value name = bean(arena, 6, "java.lang.String", {{Value::literal("value"), Value::literal("bob")}});
    const Value level = bean(arena, 2, "sofa.interop.Level", {{Value::literal("name"), Value::literal("GOLD")}});
    const Value transfer = bean(arena, 7, "bank.Transfer",
                                {{Value::literal("cents"), bean(arena, 6, "java.lang.Long", {{Value::literal("value"), Value(int64_t{5})}})}});
    const Value transfers = bean(arena, 3, "java.util.ArrayList", {{Value(int32_t{0}), transfer}});
    const Value account =
        bean(arena, 7, "bank.Account", {{Value::literal("name"), name}, {Value::literal("level"), level}, {Value::literal("transfers"), transfers}});
    const Got got = co_await or_return(f.invoke("bean", "open", {"bank.Account"}, {account}, arena));
    EXPECT_EQ(got.value->find("className")->text(), "bank.Account");
    EXPECT_EQ(got.value->find("type")->integer(), 7);
    const Value& properties = *got.value->find("properties");
    EXPECT_EQ(properties.find("name")->find("properties")->find("value")->text(), "bob!");
    EXPECT_EQ(properties.find("level")->find("properties")->find("name")->text(), "GOLD");
    EXPECT_EQ(properties.find("level")->find("type")->integer(), 2);
    const Value first = properties.find("transfers")->find("properties")->map()->entries[0].value;
    EXPECT_EQ(first.find("properties")->find("cents")->find("properties")->find("value")->integer(), 5);
    EXPECT_EQ(properties.find("balance"), nullptr) << "a descriptor leaves nulls out";

    const Got bad = co_await or_return(f.invoke("bean", "open", {"bank.Account"}, {account_map(arena)}, arena));
    EXPECT_EQ(bad.status(), dubbo::Status::bad_request);
    EXPECT_THAT(bad.sentence, ::testing::HasSubstr("JavaBeanDescriptor"));
    co_return Result<void>();
  });
}

TEST(DubboGeneric, ExceptionsAreGenericExceptionsThatNameTheClass) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    Arena arena;
    const Got got = co_await or_return(f.invoke("true", "fail", {"java.lang.String"}, {Value::literal("java")}, arena));
    EXPECT_EQ(got.value->object()->class_name(), "org.apache.dubbo.rpc.service.GenericException");
    EXPECT_EQ(got.value->find("exceptionClass")->text(), "java.lang.IllegalArgumentException");
    EXPECT_EQ(got.value->find("exceptionMessage")->text(), "boom 1");
    co_return Result<void>();
  });
}

TEST(DubboGeneric, OtherKindsAndMethodsThatAreNotThereAreNamed) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    Arena arena;
    Got got = co_await or_return(f.invoke("nativejava", "echo", {"java.lang.String"}, {Value()}, arena));
    EXPECT_EQ(got.sentence, "generic calls of kind 'nativejava' are not served here; use true, raw.return, bean, gson or protobuf-json");
    got = co_await or_return(f.invoke("protobuf-json", "echo", {"java.lang.String"}, {Value::literal("{}")}, arena));
    EXPECT_EQ(got.sentence, "sofa.interop.DubboInteropService:1.0.echo takes no protobuf messages; call it with the generic kind gson for JSON");
    got = co_await or_return(f.invoke("true", "missing", {"java.lang.String"}, {Value()}, arena));
    EXPECT_EQ(got.sentence, "service sofa.interop.DubboInteropService:1.0 has no method missing(java.lang.String)");
    co_return Result<void>();
  });
}

// ---------------------------------------------------------------- ports

TEST(DubboPorts, OnePortSpeaksBoltAndDubboAndAnotherDubboAloneWithText) {
  ServerOptions options;
  options.more_ports = {{.protocol = "dubbo"}};
  with_dubbo(
      [](DubboFixture& f) -> Task<Result<void>> {
        auto over_bolt = co_await or_return(connect<DubboSample>(at(f.server)));
        EXPECT_EQ(co_await or_return(over_bolt->hello("bolt")), "hello bolt");
        EXPECT_EQ((co_await or_return(f.ask(call_of("hello", "Ljava/lang/String;"), {Value::literal("dubbo")}))).text(), "\"hello dubbo\"");
        over_bolt.reset();

        EXPECT_NE(f.server->port("dubbo"), 0);
        EXPECT_EQ(f.server->port("bolt"), f.server->port());
        io::Stream telnet = co_await or_return(io::Stream::connect(io::Address::of("127.0.0.1", f.server->port("dubbo")), {}));
        co_await or_return(
            telnet.write(Bytes::copy_of("ls\r\n"
                                        "ls sofa.interop.DubboInteropService\r\n"
                                        "invoke sofa.interop.DubboInteropService.hello(\"tel\", 2)\r\n"
                                        "invoke sleep(1)\r\n"
                                        "invoke fail(\"java\")\r\n"
                                        "invoke missing(1)\r\n"
                                        "nonsense\r\n"
                                        "exit\r\n")));
        Buffer in;
        while (co_await or_return(telnet.read_some(in)) > 0) {
        }
        const std::string text(as_text(in.span()));
        EXPECT_TRUE(text.starts_with("sofa.interop.DubboInteropService:1.0\r\nsofa.interop.DubboInteropService:2.0:blue\r\ndubbo>")) << text;
        for (const char* part :
             {"java.lang.String hello(java.lang.String, int)", "result: \"hello tel,hello tel\"\r\nelapsed: ", "result: \"slept 1\"",
              "failed: java.lang.IllegalArgumentException: boom 1", "no service has a method missing", "unknown command 'nonsense'"}) {
          EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
        }
        co_return Result<void>();
      },
      options);
}

/// What telnet says until the server closes.
Task<Result<std::string>> telnet(const RunningServer& server, std::string commands) {
  io::Stream stream = co_await or_return(io::Stream::connect(io::Address::of("127.0.0.1", server.port("dubbo")), {}));
  co_await or_return(stream.write(Bytes::copy_of(commands + "exit\r\n")));
  Buffer in;
  while (co_await or_return(stream.read_some(in)) > 0) {
  }
  co_return std::string(as_text(in.span()));
}

TEST(DubboPorts, ACallByTextIsCountedAndBoundedAsAnyOther) {
  ServerOptions options{.max_calls = 1, .drain = 10ms};
  options.more_ports = {{.protocol = "dubbo"}};
  with_dubbo(
      [](DubboFixture& f) -> Task<Result<void>> {
        EXPECT_NE((co_await or_return(telnet(*f.server, "invoke fail(\"java\")\r\ninvoke missing(1)\r\ninvoke sleep(\"x\")\r\n"))).size(), 0u);
        EXPECT_EQ(f.server->stats().calls, 2);
        EXPECT_EQ(f.server->stats().errors, 1);
        EXPECT_EQ(f.server->stats().refused, 2) << "no such method, and an argument that is no number";

        io::Stream first = co_await or_return(io::Stream::connect(io::Address::of("127.0.0.1", f.server->port("dubbo")), {}));
        co_await or_return(first.write(Bytes::copy_of(std::string_view("invoke sleep(60000)\r\n"))));
        EXPECT_TRUE(co_await eventually([&f] { return f.server->stats().calls == 3; }));
        const std::string second = co_await or_return(telnet(*f.server, "invoke sleep(1)\r\n"));
        EXPECT_NE(second.find("as many calls run as may (max_calls, max_calls_of_all_shards)"), std::string::npos) << second;
        const auto busy = co_await or_return(f.ask(call_of("sleep", "J"), {Value(int64_t{1})}));
        EXPECT_EQ(busy.status(), dubbo::Status::threadpool_exhausted) << "the call by text is one of those that run";
        EXPECT_EQ(f.server->stats().busy, 2);
        co_return Result<void>();
      },
      options);
}

TEST(DubboPorts, AServerSpeaksWhatItsOptionsName) {
  run_test([]() -> Task<Result<void>> {
    ServerOptions options;
    options.port = 0;
    options.protocols = {"bolt"};
    auto server = co_await or_return(Server(options).add(make_sample(), {.thread_safe = true}).start());
    io::Stream stream = co_await or_return(io::Stream::connect(server->address(), {}));
    co_await or_return(stream.write(bytes_of_hex("dabbe200000000000000002a000000014e")));
    Buffer in;
    EXPECT_EQ(co_await or_return(stream.read_some(in)), 0u) << "closed: no protocol of the port";
    co_await or_return(server->stop());

    options.protocols = {"smtp"};
    const auto refused = co_await Server(options).add(make_sample(), {.thread_safe = true}).start();
    EXPECT_EQ(refused.error().message(), "a server does not speak 'smtp'; it speaks bolt, dubbo, h2, http1");
    co_return Result<void>();
  }());
}

TEST(DubboPorts, AStoppingServerSaysReadonlyAndAnswersWhatRuns) {
  with_dubbo([](DubboFixture& f) -> Task<Result<void>> {
    dubbo::CallHead head = call_of("sleep", "J");
    head.path = DubboSample::kName;
    head.version = "1.0";
    const Bytes body = DubboFixture::body_of(head, {Value(int64_t{100})}, {});
    transport::DubboCall running = f.session->call(body, 10s);
    co_await or_return(f.ask(call_of("ping", ""), {}));
    io::TaskGroup stopping;
    stopping.spawn("stop", f.server->stop());
    EXPECT_TRUE(co_await eventually([&] { return !f.session->usable(); }));
    EXPECT_TRUE(f.session->is_open());
    const auto answered = co_await running;
    EXPECT_TRUE(answered && answered->status == dubbo::Status::ok);
    co_await or_return(stopping.join());
    co_return Result<void>();
  });
}

}  // namespace
}  // namespace sofa::rpc
