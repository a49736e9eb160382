// Clients of Dubbo providers (docs/protocols/dubbo.md, section 9): against our server, and against peers that send what they are told to.

#include "dubbo_sample.h"
#include "sofa/io/listener.h"
#include "sofa/io/task_group.h"
#include "sofa/rpc/detail/dubbo_codec.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/dubbo/frame_codec.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using hessian::Value;
using ::testing::HasSubstr;

std::string dubbo_url(const io::Address& address) { return "dubbo://" + address.to_string(); }

Task<Result<std::unique_ptr<RunningServer>>> start_sample(const std::shared_ptr<Seen>& seen, ServerOptions options = {}) {
  return Server(options)
      .add(make_dubbo_sample(seen), {.thread_safe = true})
      .add(make_dubbo_sample(seen), {.version = "2.0", .unique_id = "blue", .thread_safe = true})
      .start();
}

/// Runs `body(client, server, seen)` with a client of a server of its own.
template <class F>
void with_client(F body, ClientOptions client_options = {.app = "rec"}) {
  run_test([](F run, ClientOptions options) -> Task<Result<void>> {
    auto seen = std::make_shared<Seen>();
    auto server = co_await or_return(start_sample(seen, {.port = 0}));
    auto client = co_await or_return(connect<DubboSample>(dubbo_url(server->address()), options));
    co_await or_return(run(*client, *server, *seen));
    client.reset();
    co_return co_await server->stop();
  }(std::move(body), std::move(client_options)));
}

/// A peer that answers each request with the bytes that a function gives: none, one frame, or anything.
class ToldPeer {
 public:
  using Answer = std::function<Bytes(const dubbo::Frame& request)>;
  explicit ToldPeer(Answer answer) : answer_(std::move(answer)) { group_.spawn("accept", accept()); }

  std::string url() const { return dubbo_url(listener_.local()); }
  int connections() const { return connections_; }
  Task<void> stop() {
    listener_.close();
    group_.cancel();
    [[maybe_unused]] const auto joined = co_await group_.join();
  }

 private:
  Task<void> accept() {
    while (auto stream = co_await listener_.accept()) {
      ++connections_;
      group_.spawn("serve", serve(std::move(*stream)));
    }
  }
  Task<void> serve(io::Stream stream) {
    dubbo::FrameParser parser;
    Buffer in;
    for (dubbo::Frame frame;;) {
      if (parser.next(in, frame) == dubbo::ParseStatus::frame) {
        if (const Bytes bytes = answer_(frame); bytes.size() > 0 && !stream.write(bytes)) co_return;
        continue;
      }
      const auto got = co_await stream.read_some(in);
      if (!got || *got == 0) co_return;
    }
  }

  const Answer answer_;
  io::Listener listener_ = std::move(io::Listener::bind(io::Address::of("127.0.0.1", 0)).value());
  int connections_ = 0;
  io::TaskGroup group_;
};

/// Runs `body(peer)` against a peer that is told `answer`.
template <class F>
void with_peer(ToldPeer::Answer answer, F body) {
  run_test([](ToldPeer::Answer told, F run) -> Task<Result<void>> {
    ToldPeer peer(std::move(told));
    auto done = co_await run(peer);
    co_await peer.stop();
    co_return done;
  }(std::move(answer), std::move(body)));
}

Bytes framed(const dubbo::FrameHead& head, ByteSpan body) {
  Buffer out;
  dubbo::append_frame(out, head, body);
  return out.take();
}
Bytes framed_hex(const dubbo::FrameHead& head, std::string_view hex) { return framed(head, bytes_of_hex(hex)); }
Bytes status_of(const dubbo::Frame& request, dubbo::Status status, std::string_view sentence) {
  Buffer body;
  dubbo::write_sentence(body, sentence);
  return framed(dubbo::response_to(request, status), body.span());
}
constexpr std::string_view kAnswerHi = "91026869";  // the value "hi"

// ---------------------------------------------------------------- recorded

/// The one frame of recorded bytes.
dubbo::Frame frame_of(std::string_view hex) {
  Buffer in;
  in.append(bytes_of_hex(hex));
  dubbo::FrameParser parser;
  dubbo::Frame frame;
  EXPECT_EQ(parser.next(in, frame), dubbo::ParseStatus::frame);
  return frame;
}

/// Plays the server of a recording: each request must be the one that Java's client sent, but for its id.
class Recording {
 public:
  Recording() {
    for (const Exchange& step : read_recorded_text("../../wire/dubbo/tests/vectors/dubbo-frames.jsonl")) steps_[step.name] = step;
  }
  Bytes answer(const dubbo::Frame& request) {
    const Exchange& step = steps_.at(current_);
    const dubbo::Frame expected = frame_of(step.request);
    EXPECT_EQ(to_hex(request.body), to_hex(expected.body)) << current_;
    dubbo::FrameHead head = expected;
    head.id = request.id;
    EXPECT_EQ(static_cast<const dubbo::FrameHead&>(request), head) << current_;
    ++played_;
    const dubbo::Frame answered = frame_of(step.response);
    head = answered;
    head.id = request.id;
    return framed(head, answered.body);
  }
  void play(std::string_view step) { current_ = step; }
  int played() const { return played_; }
  size_t size() const { return steps_.size(); }

 private:
  std::map<std::string, Exchange, std::less<>> steps_;
  std::string current_;
  int played_ = 0;
};

Task<Result<void>> play_typed(Recording& tape, const DubboSample& s) {
  tape.play("hello");
  EXPECT_EQ(co_await or_return(s.hello("bob")), "hello bob");
  tape.play("hello_overload");
  EXPECT_EQ(co_await or_return(s.hello_times("bob", 2)), "hello bob,hello bob");
  tape.play("echo_null");
  EXPECT_EQ(co_await or_return(s.echo(std::nullopt)), std::nullopt);
  tape.play("add");
  EXPECT_EQ(co_await or_return(s.add(1, 300'000)), 300'001);
  tape.play("void");
  co_await or_return(s.ping());
  tape.play("array");
  EXPECT_EQ(co_await or_return(s.sum({{1, 2, 3}})), 6);
  tape.play("enum");
  EXPECT_EQ(co_await or_return(s.next_level(Level::gold)), Level::bronze);
  tape.play("java_time");
  const auto day = [](int month, int date) { return hessian::LocalDateTime{{2024, month, date}, {12, 0, 0, 0}}; };
  EXPECT_EQ(co_await or_return(s.plus_days(day(2, 28), 2)), day(3, 1));
  tape.play("exception_checked");
  const auto checked = co_await s.fail("checked");
  EXPECT_EQ(checked.error().detail<JavaException>()->class_name, "sofa.interop.InteropException");
  tape.play("exception_runtime");
  const auto runtime = co_await s.fail("runtime");
  EXPECT_EQ(runtime.error().detail<JavaException>()->message, "boom runtime");
  tape.play("attachment");
  CallResponse response;
  EXPECT_EQ(co_await or_return(s.attachment.with({.baggage = {{"color", "blue"}}, .response = &response})("color")), "blue");
  EXPECT_EQ(*find_in(response.baggage, "answer"), "got");
  tape.play("heartbeat");
  EXPECT_EQ(co_await or_return(s.echo("hb")), "hb");
  co_return Result<void>();
}

Task<Result<void>> play_dynamic(Recording& tape, GenericClient& client) {
  tape.play("object");
  auto answer = co_await or_return(client.invoke("getUser", {"long"}, {Value(int64_t{7})}));
  EXPECT_EQ(answer->find("name")->text(), "user-7");
  tape.play("list");
  answer = co_await or_return(client.invoke("listUsers", {"int"}, {Value(int32_t{3})}));
  EXPECT_EQ(answer->list()->size(), 3u);
  tape.play("bytes");
  Arena arena;
  const uint8_t bytes[] = {1, 2};
  answer = co_await or_return(client.invoke("echoBytes", {"byte[]"}, {Value::bytes(arena, bytes)}));
  EXPECT_EQ(answer->kind(), hessian::ValueKind::bytes);
  tape.play("echo_service");
  answer = co_await or_return(client.invoke("$echo", {"java.lang.Object"}, {Value::literal("ok")}));
  EXPECT_EQ(answer->text(), "ok");
  tape.play("generic");
  answer = co_await or_return(client.invoke("hello", {"java.lang.String"}, {Value::literal("g")}, {}, GenericKind::maps));
  EXPECT_EQ(answer->text(), "hello g");
  co_return Result<void>();
}

TEST(DubboClient, SendsTheBytesOfJavasClientAndReadsThoseOfJavasServer) {
  Recording tape;
  with_peer([&tape](const dubbo::Frame& request) { return tape.answer(request); },
            [&tape](ToldPeer& peer) -> Task<Result<void>> {
              const ClientOptions options{.app = "rec", .timeout = 20s};
              auto client = co_await or_return(connect<DubboSample>(peer.url(), options));
              co_await or_return(play_typed(tape, *client));
              auto generic = co_await or_return(GenericClient::connect(peer.url(), std::string(DubboSample::kName), options));
              co_await or_return(play_dynamic(tape, *generic));
              tape.play("no_such_service");
              auto other = co_await or_return(connect<DubboSample>(peer.url(), {.version = "9.9", .app = "rec", .timeout = 20s}));
              const auto missing = co_await other->echo("x");
              EXPECT_EQ(missing.error().code(), Code::invalid_argument);
              EXPECT_THAT(missing.error().to_string(), HasSubstr("no such interface, version, group or method"));
              EXPECT_EQ(tape.played(), static_cast<int>(tape.size()));
              co_return Result<void>();
            });
}

// ---------------------------------------------------------------- against our server

TEST(DubboClient, CallsWithValuesObjectsAttachmentsAndOneway) {
  with_client([](const DubboSample& client, RunningServer&, Seen& seen) -> Task<Result<void>> {
    EXPECT_EQ(co_await or_return(client.hello("bob")), "hello bob");
    EXPECT_EQ(co_await or_return(client.echo(std::nullopt)), std::nullopt);
    const Account account =
        co_await or_return(client.open(Account{.name = "bob", .level = Level::gold, .transfers = {{"t", 5}}, .balance = {{"1.50"}}}));
    EXPECT_EQ(account.name, "bob!");
    EXPECT_EQ(account.level, Level::gold);
    EXPECT_EQ(account.transfers.at(0).cents, 5);
    EXPECT_EQ(account.balance->value, "1.50");
    CallResponse response;
    EXPECT_EQ(co_await or_return(client.attachment.with({.baggage = {{"color", "blue"}}, .response = &response})("color")), "blue");
    EXPECT_EQ(*find_in(response.baggage, "answer"), "got");
    co_await or_return(client.note.oneway("a", "b"));
    EXPECT_TRUE(co_await eventually([&] { return seen.notes == 1; }));
    co_return Result<void>();
  });
}

TEST(DubboClient, GetsExceptionsCodesTimeoutsAndSentences) {
  with_client([](const DubboSample& client, RunningServer& server, Seen& seen) -> Task<Result<void>> {
    auto failed = co_await client.fail("java");
    EXPECT_EQ(failed.error().detail<JavaException>()->class_name, "java.lang.IllegalArgumentException");
    failed = co_await client.fail("7");
    EXPECT_EQ(failed.error().code(), Code::not_found) << "a plain error keeps its code between C++ peers";
    const auto late = co_await client.sleep.with({.timeout = 30ms})(60'000);
    EXPECT_EQ(late.error().code(), Code::deadline_exceeded);
    EXPECT_THAT(late.error().to_string(), HasSubstr("no answer within 30 ms"));
    EXPECT_TRUE(co_await eventually([&] { return seen.cancelled == 1; })) << "the deadline went along";
    auto nobody = co_await or_return(connect<DubboSample>(dubbo_url(server.address()), {.version = "9.9", .unique_id = "red"}));
    const auto missing = co_await nobody->hello("x");
    EXPECT_THAT(missing.error().to_string(), HasSubstr("no service red/sofa.interop.DubboInteropService:9.9"));
    auto blue = co_await or_return(connect<DubboSample>(dubbo_url(server.address()), {.version = "2.0", .unique_id = "blue"}));
    EXPECT_EQ(co_await or_return(blue->hello("x")), "hello x");
    auto none = co_await or_return(connect<DubboSample>(dubbo_url(server.address()), {.version = ""}));
    EXPECT_EQ(co_await or_return(none->hello("x")), "hello x");
    co_return Result<void>();
  });
}

TEST(DubboClient, CallsWithoutTypesDirectlyAndByInvoke) {
  with_client([](const DubboSample&, RunningServer& server, Seen&) -> Task<Result<void>> {
    auto client = co_await or_return(GenericClient::connect(dubbo_url(server.address()), std::string(DubboSample::kName)));
    auto answer = co_await or_return(client->invoke("add", {"int", "int"}, {Value(int32_t{1}), Value(int32_t{2})}));
    EXPECT_EQ(answer->integer(), 3);
    answer = co_await or_return(client->invoke("echo", {"java.lang.String"}, {Value()}));
    EXPECT_TRUE(answer->is_null());
    Arena arena;
    hessian::Map* account = hessian::make_map(arena);
    account->push(Value::literal("class"), Value::literal("bank.Account"));
    account->push(Value::literal("name"), Value::literal("bob"));
    account->push(Value::literal("level"), Value::literal("GOLD"));
    answer = co_await or_return(client->invoke("open", {"bank.Account"}, {Value(account)}, {}, GenericKind::maps));
    EXPECT_EQ(answer->find("class")->text(), "bank.Account");
    EXPECT_EQ(answer->find("name")->text(), "bob!");
    const auto thrown = co_await client->invoke("fail", {"java.lang.String"}, {Value::literal("java")}, {}, GenericKind::maps);
    EXPECT_EQ(thrown.error().detail<JavaException>()->class_name, "org.apache.dubbo.rpc.service.GenericException");
    auto bolt = co_await or_return(GenericClient::connect("bolt://" + server.address().to_string(), std::string(DubboSample::kName)));
    const auto other = co_await bolt->invoke("ping", {}, {}, {}, GenericKind::maps);
    EXPECT_EQ(other.error().code(), Code::unimplemented);
    co_return Result<void>();
  });
}

TEST(DubboClient, LosesNoCallWhenAProviderSaysReadonlyAndStops) {
  run_test([]() -> Task<Result<void>> {
    auto seen = std::make_shared<Seen>();
    auto first = co_await or_return(start_sample(seen, {.port = 0}));
    auto second = co_await or_return(start_sample(seen, {.port = 0}));
    auto client = co_await or_return(connect<DubboSample>(dubbo_url(first->address()) + "," + dubbo_url(second->address())));
    for (int i = 0; i < 20; ++i) co_await or_return(client->sleep(1));
    io::TaskGroup stopping;
    bool stopped = false;
    stopping.spawn("stop", [](RunningServer& server, bool& done) -> Task<void> {
      EXPECT_TRUE(co_await server.stop());
      done = true;
    }(*first, stopped));
    for (int i = 0; !stopped || i < 20; ++i) {
      const auto answer = co_await client->hello("one");
      EXPECT_TRUE(answer) << answer.error().to_string();
    }
    co_await or_return(stopping.join());

    auto again = co_await or_return(start_sample(seen, {.port = first->port()}));
    co_await or_return(second->stop());
    // It connects again, when the pause after the attempt that failed is over.
    auto answer = co_await client->hello("again");
    for (const Instant begun = io::Shard::current().now(); !answer && io::Shard::current().now() - begun < 20s;
         answer = co_await client->hello("again")) {
      co_await or_return(io::sleep_for(5ms));
    }
    EXPECT_EQ(co_await or_return(std::move(answer)), "hello again");
    client.reset();
    co_return co_await again->stop();
  }());
}

// ---------------------------------------------------------------- peers that answer badly

TEST(DubboClient, AsksAnotherProviderWhenOneIsBusy) {
  with_peer([](const dubbo::Frame& request) { return status_of(request, dubbo::Status::threadpool_exhausted, "pool is full"); },
            [](ToldPeer& peer) -> Task<Result<void>> {
              auto server = co_await or_return(start_sample(std::make_shared<Seen>(), {.port = 0}));
              auto client = co_await or_return(connect<DubboSample>(peer.url() + "," + dubbo_url(server->address())));
              for (int i = 0; i < 20; ++i) EXPECT_EQ(co_await or_return(client->hello.with({.retries = 1})("x")), "hello x");
              auto only = co_await or_return(connect<DubboSample>(peer.url()));
              const auto busy = co_await only->hello("x");
              EXPECT_EQ(busy.error().code(), Code::resource_exhausted);
              EXPECT_THAT(busy.error().to_string(), HasSubstr("pool is full"));
              client.reset();
              co_return co_await server->stop();
            });
}

TEST(DubboClient, TellsWhatEachStatusMeans) {
  struct Case {
    dubbo::Status status;
    Code code;
    std::string_view sentence = "because";
  };
  static constexpr Case kCases[] = {{dubbo::Status::serialization_error, Code::internal},
                                    {dubbo::Status::client_timeout, Code::deadline_exceeded},
                                    {dubbo::Status::server_timeout, Code::deadline_exceeded},
                                    {dubbo::Status::channel_inactive, Code::unavailable},
                                    {dubbo::Status::bad_request, Code::invalid_argument},
                                    {dubbo::Status::bad_response, Code::internal},
                                    {dubbo::Status::service_not_found, Code::not_found},
                                    {dubbo::Status::service_error, Code::internal, "because\n\tat a.B.c(B.java)"},
                                    {dubbo::Status::service_error, Code::not_found, "Not found exported service, because of b:1"},
                                    {dubbo::Status::server_error, Code::internal},
                                    {dubbo::Status{77}, Code::internal}};
  size_t at = 0;
  with_peer([&at](const dubbo::Frame& request) { return status_of(request, kCases[at].status, kCases[at].sentence); },
            [&at](ToldPeer& peer) -> Task<Result<void>> {
              auto client = co_await or_return(connect<DubboSample>(peer.url()));
              for (; at < std::size(kCases); ++at) {
                const auto got = co_await client->hello("x");
                EXPECT_EQ(got.error().code(), kCases[at].code) << static_cast<int>(kCases[at].status);
                if (kCases[at].code != Code::deadline_exceeded) EXPECT_THAT(got.error().to_string(), HasSubstr("because"));
                EXPECT_THAT(got.error().to_string(), ::testing::Not(HasSubstr("\n"))) << "no trace of a stack";
              }
              EXPECT_EQ(peer.connections(), 1);
              co_return Result<void>();
            });
}

/// What a peer sends in place of a good answer, and what its caller is told. All of them leave the connection as it is.
struct Bad {
  const char* what;
  Code code;
  const char* sentence;
  Bytes (*answer)(const dubbo::Frame& request);
};
constexpr Bad kBad[] = {
    {"another id", Code::deadline_exceeded, "no answer within",
     [](const dubbo::Frame& r) {
       dubbo::FrameHead head = dubbo::response_to(r, dubbo::Status::ok);
       head.id = r.id + 100;
       return framed_hex(head, kAnswerHi);
     }},
    {"an id that only its low half shares", Code::deadline_exceeded, "no answer within",
     [](const dubbo::Frame& r) {
       dubbo::FrameHead head = dubbo::response_to(r, dubbo::Status::ok);
       head.id = r.id | uint64_t{1} << 40;
       return framed_hex(head, kAnswerHi);
     }},
    {"nothing", Code::deadline_exceeded, "no answer within", [](const dubbo::Frame&) { return Bytes(); }},
    {"no body", Code::data_loss, "the answer cannot be read",
     [](const dubbo::Frame& r) { return framed_hex(dubbo::response_to(r, dubbo::Status::ok), ""); }},
    {"a kind that is none", Code::data_loss, "answer kind 9",
     [](const dubbo::Frame& r) { return framed_hex(dubbo::response_to(r, dubbo::Status::ok), "99026869"); }},
    {"a kind that is no number", Code::data_loss, "the answer cannot be read",
     [](const dubbo::Frame& r) { return framed_hex(dubbo::response_to(r, dubbo::Status::ok), "0161"); }},
    {"half a value", Code::data_loss, "the answer cannot be read",
     [](const dubbo::Frame& r) { return framed_hex(dubbo::response_to(r, dubbo::Status::ok), "910568"); }},
    {"a value without its attachments", Code::data_loss, "the answer cannot be read",
     [](const dubbo::Frame& r) { return framed_hex(dubbo::response_to(r, dubbo::Status::ok), "94026869"); }},
    {"a value of another type", Code::data_loss, "result",
     [](const dubbo::Frame& r) { return framed_hex(dubbo::response_to(r, dubbo::Status::ok), "9179025a5a"); }},
    {"an exception that is a text", Code::data_loss, "exception",
     [](const dubbo::Frame& r) { return framed_hex(dubbo::response_to(r, dubbo::Status::ok), "90026869"); }},
    {"fastjson2", Code::data_loss, "serialization 23 (fastjson2)",
     [](const dubbo::Frame& r) {
       dubbo::FrameHead head = dubbo::response_to(r, dubbo::Status::ok);
       head.serialization = 23;
       return framed_hex(head, kAnswerHi);
     }},
    {"a heartbeat's answer", Code::deadline_exceeded, "no answer within",
     [](const dubbo::Frame& r) {
       dubbo::FrameHead head = dubbo::response_to(r, dubbo::Status::ok);
       head.event = true;
       return framed_hex(head, "4e");
     }},
};

TEST(DubboClient, OutlivesAnswersThatAreNone) {
  const Bad* now = nullptr;
  with_peer(
      [&now](const dubbo::Frame& request) {
        return now != nullptr ? now->answer(request) : framed_hex(dubbo::response_to(request, dubbo::Status::ok), kAnswerHi);
      },
      [&now](ToldPeer& peer) -> Task<Result<void>> {
        auto client = co_await or_return(connect<DubboSample>(peer.url()));
        for (const Bad& bad : kBad) {
          now = &bad;
          const auto got = co_await client->hello.with({.timeout = bad.code == Code::deadline_exceeded ? Duration(20ms) : Duration(10s)})("x");
          EXPECT_FALSE(got) << bad.what;
          if (got) continue;
          EXPECT_EQ(got.error().code(), bad.code) << bad.what << ": " << got.error().to_string();
          EXPECT_THAT(got.error().to_string(), HasSubstr(bad.sentence)) << bad.what;
          now = nullptr;
          EXPECT_EQ(co_await or_return(client->hello("x")), "hi") << "after " << bad.what;
        }
        EXPECT_EQ(peer.connections(), 1);
        co_return Result<void>();
      });
}

TEST(DubboClient, EndsWhatWaitsWhenAPeerSendsWhatIsNoDubbo) {
  with_peer([](const dubbo::Frame&) { return Bytes::literal("HTTP/1.1 400 Bad Request\r\n\r\n"); },
            [](ToldPeer& peer) -> Task<Result<void>> {
              auto client = co_await or_return(connect<DubboSample>(peer.url()));
              const auto got = co_await client->hello("x");
              EXPECT_EQ(got.error().code(), Code::unavailable);
              co_return Result<void>();
            });
}

TEST(DubboClient, RefusesAnAnswerOverItsLimit) {
  with_peer([](const dubbo::Frame& request) { return framed(dubbo::response_to(request, dubbo::Status::ok), as_bytes(std::string(5000, 'a'))); },
            [](ToldPeer& peer) -> Task<Result<void>> {
              auto client = co_await or_return(connect<DubboSample>(peer.url(), {.max_frame = 4096}));
              const auto got = co_await client->hello("x");
              EXPECT_EQ(got.error().code(), Code::resource_exhausted);
              EXPECT_THAT(got.error().to_string(), HasSubstr("the answer is too large"));
              co_return Result<void>();
            });
}

TEST(DubboClient, RefusesAClassThatItsFilterDoesNotAdmit) {
  ClientOptions options;
  options.classes.deny("bank.");
  with_client(
      [](const DubboSample& client, RunningServer&, Seen&) -> Task<Result<void>> {
        const auto got = co_await client.open(Account());
        EXPECT_EQ(got.error().code(), Code::permission_denied);
        EXPECT_THAT(got.error().to_string(), HasSubstr("bank.Account"));
        co_return Result<void>();
      },
      options);
}

TEST(DubboClient, ProvidersThatDoNotTakeHessian2AreRefusedByName) {
  EXPECT_TRUE(parse_providers("dubbo://127.0.0.1:20880?serialization=hessian2"));
  const auto refused = parse_providers("dubbo://127.0.0.1:20880/com.acme.Hello?serialization=fastjson2");
  EXPECT_THAT(refused.error().to_string(), HasSubstr("wants the serialization 'fastjson2'"));
}

}  // namespace
}  // namespace sofa::rpc
