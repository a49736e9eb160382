#include <set>

#include "harness.h"
#include "sofa/base/protobuf_fields.h"
#include "sofa/base/random.h"
#include "sofa/grpc/client.h"

namespace sofa::admin {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct Word {
  std::string text = "nothing";
  int32_t times = 1;
  static void describe(Description<Word>& d) {
    d.java_type("demo.Word");
    d.field("text", &Word::text);
    d.field("times", &Word::times).range(0, 3);
  }
};

class WordsPart final : public Part {
 public:
  std::string_view name() const override { return "Words"; }
  void add_to(Routes& routes) override {
    routes.get("Say", "/v1/say", "words:read", [](Word word) { return word; });
    routes.post("Learn", "/v1/learn", "words:write", [](Word word, const Caller& caller) -> Result<Word> {
      if (word.text == "no") return fail(Code::not_found, "there is no word 'no'");
      return Word{.text = caller.principal.name + " learns " + word.text};
    });
    routes.get("Repeat", "/v1/repeat", "words:read", [](Word word, Stream<Word>& out) -> io::Task<Result<void>> {
      for (int32_t i = 0; i < word.times; ++i) co_await io::or_return(co_await out.send(word));
      co_return Result<void>();
    });
    routes.get("Hello", "/v1/hello", "", [](Nothing, const Caller& caller) { return Word{.text = "hello " + caller.principal.name}; });
  }
};

Bytes word(std::string_view text, uint64_t times) {
  Buffer out;
  ProtobufWriter to(out);
  to.text(1, text);
  to.present_number(2, times);
  return out.take();
}

/// The text of a message, or the sentence of the error.
std::string text_in(const Result<Bytes>& answer) {
  if (!answer) return answer.error().to_string();
  ProtobufFields fields(answer->span());
  const auto field = fields.next();
  return field ? std::string(reinterpret_cast<const char*>(field->bytes.data()), field->bytes.size()) : "";
}

grpc::CallOptions token(std::string_view name) { return {.metadata = with_token(name)}; }

void with_words(const std::function<io::Task<void>(AdminServer&, grpc::Channel&)>& body, AdminOptions options = {}) {
  options.gate = std::make_shared<FakeGate>();
  serve(
      std::move(options), [](AdminServer& server) { server.add(std::make_shared<WordsPart>()); },
      [&](AdminServer& server, http::Channel&) -> io::Task<void> {
        grpc::Channel channel(io::Address::of("127.0.0.1", server.port()));
        co_await body(server, channel);
        co_await channel.close();
      });
}

TEST(AdminGrpc, AnswersAnOperation) {
  with_words([](AdminServer&, grpc::Channel& channel) -> io::Task<void> {
    EXPECT_EQ(text_in(co_await channel.unary("/sofa.admin.v1.Words/Say", word("yes", 1), token("viewer"))), "yes");
    EXPECT_EQ(text_in(co_await channel.unary("/sofa.admin.v1.Words/Say", Bytes(), token("viewer"))), "nothing");
    EXPECT_EQ(text_in(co_await channel.unary("/sofa.admin.v1.Words/Learn", word("yes", 1), token("admin"))), "admin learns yes");
    const auto none = co_await channel.unary("/sofa.admin.v1.Words/Learn", word("no", 1), token("admin"));
    EXPECT_EQ(none.error().code(), Code::not_found);
    EXPECT_THAT(none.error().to_string(), HasSubstr("there is no word 'no'"));
    const auto wrong = co_await channel.unary("/sofa.admin.v1.Words/Say", word("yes", 4), token("viewer"));
    EXPECT_EQ(wrong.error().code(), Code::invalid_argument);
    EXPECT_THAT(wrong.error().to_string(), HasSubstr("times"));
  });
}

TEST(AdminGrpc, StreamsEvents) {
  with_words([](AdminServer&, grpc::Channel& channel) -> io::Task<void> {
    auto stream = co_await channel.stream("/sofa.admin.v1.Words/Repeat", token("viewer"));
    if (!stream) {
      ADD_FAILURE() << stream.error().to_string();
      co_return;
    }
    EXPECT_TRUE(co_await (*stream)->write(word("ah", 3)));
    EXPECT_TRUE((*stream)->finish_writes());
    size_t events = 0;
    for (;;) {
      const auto event = co_await (*stream)->read();
      EXPECT_TRUE(event);
      if (!event || !*event) break;
      ++events;
    }
    EXPECT_EQ(events, 3u);
  });
}

TEST(AdminGrpc, RefusesAStreamOverItsBound) {
  with_words(
      [](AdminServer&, grpc::Channel& channel) -> io::Task<void> {
        const auto refused = co_await channel.unary("/sofa.admin.v1.Words/Repeat", word("ah", 1), token("viewer"));
        EXPECT_THAT(text_in(refused), HasSubstr("as many as may be"));
      },
      {.max_streams = 0});
}

// The list is the server's own: an operation that is added cannot be forgotten here.
TEST(AdminGrpc, LetsNobodyInWithoutWhatAnOperationNeeds) {
  with_words([](AdminServer& server, grpc::Channel& channel) -> io::Task<void> {
    size_t guarded = 0;
    for (const Operation& operation : server.operations()) {
      const std::string path = fmt::format("/sofa.admin.v1.{}/{}", operation.part, operation.name);
      SCOPED_TRACE(path);
      const auto code = [](const Result<Bytes>& answer) { return answer ? std::optional<Code>() : answer.error().code(); };
      const auto without = co_await channel.unary(path, Bytes());
      if (operation.permission.empty()) {
        EXPECT_TRUE(without) << text_in(without);
        continue;
      }
      ++guarded;
      EXPECT_EQ(code(without), Code::unauthenticated);
      EXPECT_EQ(code(co_await channel.unary(path, Bytes(), token("wrong"))), Code::unauthenticated);
      const auto weak = co_await channel.unary(path, Bytes(), token("viewer"));
      if (operation.permission.ends_with(":read")) {
        EXPECT_TRUE(weak) << text_in(weak);
      } else {
        EXPECT_EQ(code(weak), Code::permission_denied);
        EXPECT_THAT(text_in(weak), HasSubstr(operation.permission));
      }
      const auto strong = co_await channel.unary(path, Bytes(), token("admin"));
      EXPECT_TRUE(strong) << text_in(strong);
    }
    EXPECT_EQ(guarded, 4u);
    for (const std::string path :
         {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
      EXPECT_THAT(text_in(co_await channel.unary(path, Bytes())), HasSubstr("proves nobody"));
    }
  });
}

TEST(AdminGrpc, LetsASessionChangeSomethingWithItsTokenOnly) {
  with_words([](AdminServer&, grpc::Channel& channel) -> io::Task<void> {
    const std::string path = "/sofa.admin.v1.Words/Learn";
    const auto without = co_await channel.unary(path, word("yes", 1), {.metadata = {{"cookie", "sid=1"}}});
    EXPECT_THAT(text_in(without), HasSubstr("x-csrf-token"));
    const auto with = co_await channel.unary(path, word("yes", 1), {.metadata = {{"cookie", "sid=1"}, {"x-csrf-token", "the-token"}}});
    EXPECT_EQ(text_in(with), "ada learns yes");
  });
}

TEST(AdminGrpc, HealthFollowsReadiness) {
  Result<void> ready = fail(Code::unavailable, "the cache is cold");
  const auto status = [](const Result<Bytes>& answer) {
    if (!answer) return uint64_t{0};
    ProtobufFields fields(answer->span());
    const auto field = fields.next_of_any_kind();
    return field ? field->value : uint64_t{0};
  };
  with_words(
      [&](AdminServer&, grpc::Channel& channel) -> io::Task<void> {
        auto watch = co_await channel.stream("/grpc.health.v1.Health/Watch");
        if (!watch) co_return ADD_FAILURE() << watch.error().to_string(), void();
        EXPECT_TRUE(co_await (*watch)->write(Bytes()));
        EXPECT_TRUE((*watch)->finish_writes());
        const auto cold = co_await (*watch)->read();
        EXPECT_TRUE(cold && *cold && status(**cold) == 2);
        EXPECT_EQ(status(co_await channel.unary("/grpc.health.v1.Health/Check", Bytes())), 2u);
        ready = {};
        const auto warm = co_await (*watch)->read();
        EXPECT_TRUE(warm && *warm && status(**warm) == 1);
        EXPECT_EQ(status(co_await channel.unary("/grpc.health.v1.Health/Check", Bytes())), 1u);
      },
      {.probes = {.live = {}, .ready = [&] { return ready; }}});
}

TEST(AdminGrpc, ShowsItsProto) {
  with_words([](AdminServer& server, grpc::Channel&) -> io::Task<void> {
    http::Channel channel(io::Address::of("127.0.0.1", server.port()));
    const Got got = co_await ask(channel, "GET", "/admin.proto", with_token("viewer"));
    EXPECT_THAT(got.body, HasSubstr("rpc Say(Word) returns (Word)"));
    EXPECT_EQ(got.headers.get("x-content-type-options"), "nosniff");
    co_await channel.close();
  });
}

}  // namespace
}  // namespace sofa::admin
