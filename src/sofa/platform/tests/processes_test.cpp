#include "sofa/platform/processes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/admin/permission.h"
#include "sofa/http/channel.h"
#include "sofa/io/runtime.h"
#include "sofa/io/stream.h"

namespace sofa::platform {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Word {
  std::string text{};
  static void describe(Description<Word>& d) { d.field("text", &Word::text); }
};

/// What a process lets be asked.
class WordsPart final : public admin::Part {
 public:
  std::string_view name() const override { return "Words"; }
  void add_to(admin::Routes& routes) override {
    routes.get("Who", "/v1/who", "words:read", [](admin::Nothing, const admin::Caller& caller) -> Word {
      return {fmt::format("{} by {}", caller.principal.name, to_string(caller.principal.proof))};
    });
    routes.post("Say", "/v1/words", "words:write", [](Word word) -> Result<Word> {
      if (word.text == "no") return fail(Code::failed_precondition, "that word is not said here");
      return Word{word.text + "!"};
    });
    routes.get("How", "/v1/how", "figures:read", []() -> Word { return {"well"}; });
    routes.get("With", "/v1/with", "application:read", []() -> Word { return {"a configuration"}; });
    routes.get("Turn", "/v1/turn", "words:write", []() -> Word { return {"turned"}; });  // a GET that changes something
    routes.get("Count", "/v1/count", "words:read", [](admin::Nothing, admin::Stream<Word>& out) -> io::Task<Result<void>> {
      for (int i = 1; i <= 3; ++i) co_await io::or_return(co_await out.send({fmt::format("{}", i)}));
      co_return Result<void>();
    });
  }
};

/// A platform and a process, each with its admin server.
class ProcessesTest : public ::testing::Test {
 protected:
  void run(const std::function<io::Task<void>()>& body, ProcessesOptions options = {}, unsigned shards = 1) {
    io::Runtime runtime({.shards = shards});
    runtime.block_on([&]() -> io::Task<void> {
      processes_ = std::make_unique<Processes>(std::move(options), SystemClock::instance());
      own_ = std::make_unique<admin::AdminServer>(admin::AdminOptions{.port = 0, .gate = own_gate_});
      own_->add(std::make_shared<WordsPart>());
      co_await start_platform(0);
      channel_ = std::make_unique<http::Channel>(io::Address::of("127.0.0.1", platform_->port()));
      co_await body();
      co_await channel_->close();
      co_await stop_platform();
      channel_.reset();
      own_.reset();
    }());
  }
  io::Task<void> start_platform(uint16_t port) {
    platform_ = std::make_unique<admin::AdminServer>(admin::AdminOptions{.port = port, .gate = gate_});
    processes_->add_to(*platform_);
    platform_->add_protocol(std::make_shared<admin::AttachProtocol>(*processes_));
    platform_->add_raw("GET", "/shard", "", [](http::Exchange& exchange, http::Body&, const admin::Caller&) -> io::Task<Result<void>> {
      co_return http::respond_text(exchange, 200, fmt::format("{}", io::Shard::current().index()));
    });
    if (auto started = co_await platform_->start(); !started) ADD_FAILURE() << started.error().to_string();
  }
  io::Task<void> stop_platform() {
    if (auto stopped = co_await platform_->stop(); !stopped) ADD_FAILURE() << stopped.error().to_string();
    platform_.reset();
  }
  std::unique_ptr<admin::Attachment> attachment(std::string name, uint32_t pid = 1) {
    admin::AttachmentOptions options{.platform = io::Address::of("127.0.0.1", platform_->port()), .hello = {.name = std::move(name), .pid = pid}};
    return std::make_unique<admin::Attachment>(options, own_->attached_handler());
  }
  io::Task<bool> eventually(std::function<bool()> holds) {
    for (int i = 0; i < 1'000 && !holds(); ++i) (void)co_await io::sleep_for(10ms);
    co_return holds();
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> all;
    for (const ProcessInfo& process : processes_->list()) all.push_back(process.id);
    return all;
  }
  io::Task<std::string> ask(std::string method, std::string target, std::string body = {}) {
    http::RequestHead head{.method = std::move(method), .target = std::move(target)};
    if (!body.empty()) head.headers.add("content-type", "application/json");
    auto answer = co_await channel_->exchange(std::move(head), Bytes::copy_of(body));
    if (!answer) co_return answer.error().to_string();
    co_return fmt::format("{} {}", answer->status, answer->body.text());
  }

  std::unique_ptr<Processes> processes_;
  std::unique_ptr<admin::AdminServer> platform_, own_;
  std::shared_ptr<admin::Gate> own_gate_;  // of the processes; null: none
  std::shared_ptr<admin::Gate> gate_;      // of the platform; null: none
  std::unique_ptr<http::Channel> channel_;
};

TEST_F(ProcessesTest, AProcessIsThereWhileItIsAttached) {
  run([this]() -> io::Task<void> {
    auto bank = attachment("bank", 7), shop = attachment("shop");
    bank->start();
    shop->start();
    EXPECT_TRUE(co_await eventually([&] { return ids().size() == 2; }));
    EXPECT_THAT(ids(), ElementsAre("bank-7", "shop-1"));
    EXPECT_THAT(co_await ask("GET", "/v1/processes"), HasSubstr("\"name\":\"bank\""));
    EXPECT_THAT(co_await ask("GET", "/v1/processes/bank-7"), HasSubstr("\"pid\":7"));
    co_await bank->stop();
    EXPECT_TRUE(co_await eventually([&] { return ids().size() == 1; }));
    EXPECT_THAT(co_await ask("GET", "/v1/processes/bank-7/v1/who"), HasSubstr("404"));
    co_await shop->stop();
  });
}

TEST_F(ProcessesTest, AProcessIsAskedThroughThePlatform) {
  run([this]() -> io::Task<void> {
    auto bank = attachment("bank");
    bank->start();
    EXPECT_TRUE(co_await eventually([&] { return ids().size() == 1; }));
    EXPECT_EQ(co_await ask("GET", "/v1/processes/bank-1/v1/who"), R"(200 {"text":"dev by platform"})");
    EXPECT_EQ(co_await ask("POST", "/v1/processes/bank-1/v1/words", R"({"text":"hi"})"), R"(200 {"text":"hi!"})");
    EXPECT_THAT(co_await ask("POST", "/v1/processes/bank-1/v1/words", R"({"text":"no"})"), HasSubstr("that word is not said here"));
    EXPECT_EQ(co_await ask("GET", "/v1/processes/bank-1/v1/count"),
              "200 data: {\"text\":\"1\"}\n\ndata: {\"text\":\"2\"}\n\ndata: {\"text\":\"3\"}\n\n");
    EXPECT_THAT(co_await ask("GET", "/v1/processes/bank-1/healthz"), "200 ok\n");
    EXPECT_THAT(co_await ask("GET", "/v1/processes/nobody-1/v1/who"), HasSubstr("no process 'nobody-1' is attached"));
    co_await bank->stop();
  });
}

TEST_F(ProcessesTest, ARefusedProcessComesAgainLater) {
  bool open = false;
  int refused = 0;
  ProcessesOptions options{.check = [&](const std::string&, const io::Address&) -> Result<void> {
    refused += open ? 0 : 1;
    if (!open) return fail(Code::permission_denied, "not today");
    return {};
  }};
  run(
      [&, this]() -> io::Task<void> {
        auto bank = attachment("bank");
        bank->start();
        EXPECT_TRUE(co_await eventually([&] { return refused > 0; }));
        EXPECT_FALSE(bank->is_attached());
        open = true;
        EXPECT_TRUE(co_await eventually([&] { return bank->is_attached() && ids().size() == 1; }));
        co_await bank->stop();
      },
      std::move(options));
}

TEST_F(ProcessesTest, AProcessAttachesAgainAfterALossOfThePlatform) {
  std::vector<std::string> told;
  ProcessesOptions options{.on_attached = [&](const ProcessInfo& process) { told.push_back("there: " + process.id); },
                           .on_gone = [&](const ProcessInfo& process) { told.push_back("gone: " + process.id); }};
  run(
      [&, this]() -> io::Task<void> {
        auto bank = attachment("bank");
        bank->start();
        EXPECT_TRUE(co_await eventually([&] { return ids().size() == 1; }));
        const uint16_t port = platform_->port();
        co_await stop_platform();
        EXPECT_TRUE(co_await eventually([&] { return ids().empty() && !bank->is_attached(); }));
        co_await start_platform(port);
        EXPECT_TRUE(co_await eventually([&] { return bank->is_attached() && ids().size() == 1; }));
        EXPECT_EQ(co_await ask("GET", "/v1/processes/bank-1/v1/who"), R"(200 {"text":"dev by platform"})");
        EXPECT_THAT(told, ElementsAre("there: bank-1", "gone: bank-1", "there: bank-1"));
        co_await bank->stop();
      },
      std::move(options));
}

TEST_F(ProcessesTest, AProcessIsAskedFromAnotherShard) {
  std::atomic<unsigned> home{0};
  run(
      [&, this]() -> io::Task<void> {
        auto bank = attachment("bank");
        bank->start();
        EXPECT_TRUE(co_await eventually([&] { return ids().size() == 1; }));
        bool crossed = false;
        for (int i = 0; i < 200 && !crossed; ++i) {  // the system chooses the shard of a connection
          co_await channel_->close();
          channel_ = std::make_unique<http::Channel>(io::Address::of("127.0.0.1", platform_->port()));
          crossed = co_await ask("GET", "/shard") != fmt::format("200 {}\n", home.load());
        }
        EXPECT_TRUE(crossed);
        EXPECT_EQ(co_await ask("GET", "/v1/processes/bank-1/v1/who"), R"(200 {"text":"dev by platform"})");
        EXPECT_EQ(co_await ask("POST", "/v1/processes/bank-1/v1/words", R"({"text":"hi"})"), R"(200 {"text":"hi!"})");
        EXPECT_EQ(co_await ask("GET", "/v1/processes/bank-1/v1/count"),
                  "200 data: {\"text\":\"1\"}\n\ndata: {\"text\":\"2\"}\n\ndata: {\"text\":\"3\"}\n\n");
        co_await bank->stop();
      },
      {.on_attached = [&](const ProcessInfo&) { home = io::Shard::current().index(); }}, 2);
}

/// Knows nobody.
class ClosedGate final : public admin::Gate {
 public:
  io::Task<Result<admin::Principal>> identify(const admin::Credentials& credentials) override { co_return identify_at_once(credentials); }
  Result<admin::Principal> identify_at_once(const admin::Credentials&) override { return fail(Code::unauthenticated, "nobody is known"); }
  Result<void> may(const admin::Principal& who, std::string_view) const override { return fail(Code::permission_denied, "not {}", who.name); }
  std::vector<std::string> permissions_of(const admin::Principal&) const override { return {}; }
  std::string csrf_token(const admin::Principal&) const override { return ""; }
  std::string challenge() const override { return "Bearer"; }
};

TEST_F(ProcessesTest, ThePlatformItselfSeesHowAProcessDoesAndNothingElse) {
  own_gate_ = std::make_shared<ClosedGate>();
  run([this]() -> io::Task<void> {
    auto bank = attachment("bank");
    bank->start();
    EXPECT_TRUE(co_await eventually([&] { return ids().size() == 1; }));
    const auto asked = [this](std::string target) -> io::Task<std::string> {
      auto answer = co_await processes_->ask("bank-1", std::move(target), 1'000);
      co_return answer ? fmt::format("{} {}", answer->head.status, answer->body.text()) : answer.error().to_string();
    };
    EXPECT_EQ(co_await asked("/v1/how"), R"(200 {"text":"well"})");
    EXPECT_THAT(co_await asked("/v1/who"), HasSubstr("403"));
    EXPECT_THAT(co_await asked("/v1/with"), HasSubstr("403"));
    EXPECT_THAT(co_await ask("GET", "/v1/processes/bank-1/v1/how"), HasSubstr("not dev"));  // a user is no platform
    EXPECT_THAT((co_await processes_->ask("shop-1", "/v1/how", 1'000)).error().to_string(), HasSubstr("no process 'shop-1' is attached"));
    co_await bank->stop();
  });
}

/// Everybody is ann, signed in at a browser or with a token, and may what it is given.
class GateOfAnn final : public admin::Gate {
 public:
  GateOfAnn(admin::Proof proof, std::vector<std::string> permissions) : proof_(proof), permissions_(std::move(permissions)) {}
  io::Task<Result<admin::Principal>> identify(const admin::Credentials& credentials) override { co_return identify_at_once(credentials); }
  Result<admin::Principal> identify_at_once(const admin::Credentials&) override { return admin::Principal{.name = "ann", .proof = proof_}; }
  Result<void> may(const admin::Principal&, std::string_view permission) const override {
    if (admin::permits(permissions_, permission)) return {};
    return fail(Code::permission_denied, "ann lacks {}", permission);
  }
  std::vector<std::string> permissions_of(const admin::Principal&) const override { return permissions_; }
  std::string csrf_token(const admin::Principal&) const override { return "of-the-page"; }
  std::string challenge() const override { return "Bearer"; }

 private:
  const admin::Proof proof_;
  const std::vector<std::string> permissions_;
};

TEST_F(ProcessesTest, ForAProcessWithoutAGateThePlatformsDecides) {
  gate_ = std::make_shared<GateOfAnn>(admin::Proof::token, std::vector<std::string>{"processes:*", "events:read", "words:*", "!words:write"});
  run([this]() -> io::Task<void> {
    auto bank = attachment("bank");
    bank->start();
    EXPECT_TRUE(co_await eventually([&] { return ids().size() == 1; }));
    EXPECT_EQ(co_await ask("GET", "/v1/processes/bank-1/v1/who"), R"(200 {"text":"ann by platform"})");
    EXPECT_THAT(co_await ask("GET", "/v1/processes/bank-1/v1/with"), AllOf(HasSubstr("403"), HasSubstr("application:read")));
    EXPECT_THAT(co_await ask("GET", "/v1/processes/bank-1/v1/turn"), AllOf(HasSubstr("403"), HasSubstr("words:write")));
    EXPECT_THAT(co_await ask("POST", "/v1/processes/bank-1/v1/words", R"({"text":"hi"})"), HasSubstr("403"));
    EXPECT_THAT(co_await ask("GET", "/v1/processes/bank-1/v1/session"),
                HasSubstr(R"("permissions":["processes:*","events:read","words:*","!words:write"])"));
    co_await bank->stop();
  });
}

TEST_F(ProcessesTest, APageChangesAProcessWithItsTokenOnly) {
  gate_ = std::make_shared<GateOfAnn>(admin::Proof::session, std::vector<std::string>{"*"});
  run([this]() -> io::Task<void> {
    auto bank = attachment("bank");
    bank->start();
    EXPECT_TRUE(co_await eventually([&] { return ids().size() == 1; }));
    EXPECT_THAT(co_await ask("GET", "/v1/processes/bank-1/v1/who"), HasSubstr("200"));
    for (const std::string target : {"/v1/processes/bank-1/v1/turn", "/v1/processes/bank-1/v1/%74urn"}) {
      EXPECT_THAT(co_await ask("GET", target), AllOf(HasSubstr("403"), HasSubstr("x-csrf-token"))) << target;
      http::RequestHead head{.method = "GET", .target = target};
      head.headers.add("x-csrf-token", "of-the-page");
      EXPECT_EQ((co_await channel_->exchange(std::move(head), {}))->status, 200) << target;
    }
    co_await bank->stop();
  });
}

TEST_F(ProcessesTest, OneOverTheBoundIsRefused) {
  run(
      [this]() -> io::Task<void> {
        auto bank = attachment("bank"), shop = attachment("shop");
        bank->start();
        EXPECT_TRUE(co_await eventually([&] { return ids().size() == 1; }));
        EXPECT_FALSE(processes_->admit({.name = "shop"}, {}));
        co_await bank->stop();
      },
      {.most = 1});
}

TEST_F(ProcessesTest, OneThatIsGoneAtOnceLeavesItsPlace) {
  run(
      [this]() -> io::Task<void> {
        for (int i = 0; i < 20; ++i) {
          auto stream = co_await io::Stream::connect(io::Address::of("127.0.0.1", platform_->port()));
          if (stream) (void)stream->write(Bytes::literal("SOFA-ATTACH/1 {\"name\":\"bank\"}\n"));
          if (stream) stream->flush();
        }
        auto shop = attachment("shop");
        shop->start();
        EXPECT_TRUE(co_await eventually([&] { return ids() == std::vector<std::string>{"shop-1"}; }));
        co_await shop->stop();
      },
      {.most = 1});
}

TEST_F(ProcessesTest, AnEncodedIdIsOneToo) {
  run([this]() -> io::Task<void> {
    auto bank = attachment("bank");
    bank->start();
    EXPECT_TRUE(co_await eventually([&] { return ids().size() == 1; }));
    EXPECT_EQ(co_await ask("GET", "/v1/processes/bank%2D1/v1/who"), R"(200 {"text":"dev by platform"})");
    EXPECT_THAT(co_await ask("GET", "/v1/processes/bank-1/v1/processes/bank-1/v1/who"), HasSubstr("400"));
    co_await bank->stop();
  });
}

TEST_F(ProcessesTest, NamesAreToldApartAndMadeFitForAPath) {
  run([this]() -> io::Task<void> {
    EXPECT_EQ(processes_->admit({.name = "a/b c", .pid = 3}, {}), "a-b-c-3");
    EXPECT_EQ(processes_->admit({.name = "a/b c", .pid = 3}, {}), "a-b-c-3-2");
    EXPECT_FALSE(processes_->admit({.name = ""}, {}));
    co_return;
  });
}

}  // namespace
}  // namespace sofa::platform
