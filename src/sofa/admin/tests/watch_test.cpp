#include <atomic>

#include "harness.h"

namespace sofa::admin::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

struct Number {
  int value = 0;
  static void describe(Description<Number>& d) { d.field("value", &Number::value); }
};

class NumbersPart final : public Part {
 public:
  std::string_view name() const override { return "Numbers"; }
  void add_to(Routes& routes) override {
    routes.get("GetNumber", "/v1/number", "numbers:read", [this]() -> Number { return {value_}; });
    routes.get("GetSecret", "/v1/secret", "secrets:open", []() -> Number { return {42}; });
    routes.get("Raise", "/v1/raised", "numbers:write", [this]() -> Number { return {++value_}; });
    routes.get("GetNothing", "/v1/nothing", "numbers:read", [this](Nothing, const Caller& caller) -> Result<Number> {
      by_ = caller.principal.name;
      return fail(Code::not_found, "there is nothing");
    });
  }
  std::atomic<int> value_{1};
  std::string by_;
};

/// The events of one stream, one at a time.
class Watching {
 public:
  static io::Task<Result<std::unique_ptr<Watching>>> open(uint16_t port, std::string target, std::string token, std::string scheme = "Bearer") {
    auto connected = co_await io::Stream::connect(io::Address::of("127.0.0.1", port));
    if (!connected) co_return forward_error(connected);
    std::unique_ptr<Watching> made(new Watching(std::move(*connected)));
    co_await io::or_return(made->stream_.write(
        Bytes::copy_of(fmt::format("GET {} HTTP/1.1\r\nhost: localhost\r\nauthorization: {} {}\r\n\r\n", target, scheme, token))));
    co_return made;
  }
  /// What comes until the text has come, the head of the answer too; the error as text when the stream ends before.
  io::Task<std::string> until(std::string text) {
    for (;;) {
      const std::string seen(as_text(in_.span()));
      if (seen.find(text) != std::string::npos) {
        in_.consume(seen.size());
        co_return seen;
      }
      const auto got = co_await io::with_timeout(10s, read());
      if (!got || *got == 0) co_return fmt::format("{} [{}]", seen, got ? "the stream has ended" : got.error().to_string());
    }
  }

 private:
  explicit Watching(io::Stream stream) : stream_(std::move(stream)) {}
  io::Task<Result<size_t>> read() { co_return co_await stream_.read_some(in_); }
  io::Stream stream_;
  Buffer in_;
};

void with_numbers(const std::function<io::Task<void>(AdminServer&, http::Channel&, NumbersPart&)>& body,
                  std::shared_ptr<Gate> gate = std::make_shared<FakeGate>()) {
  const auto numbers = std::make_shared<NumbersPart>();
  serve(
      {.gate = std::move(gate), .max_streams = 1}, [&](AdminServer& server) { server.add(numbers); },
      [&](AdminServer& server, http::Channel& channel) { return body(server, channel, *numbers); });
}

TEST(Watch, TellsAnAnswerAtFirstAndWhenItHasChanged) {
  with_numbers([](AdminServer& server, http::Channel&, NumbersPart& numbers) -> io::Task<void> {
    auto watching = co_await Watching::open(server.port(), "/v1/events?watch=/v1/number&watch=/v1/nothing&period_ms=250", "viewer");
    EXPECT_THAT(co_await (*watching)->until(R"({"path":"/v1/number","status":200,"body":{"value":1}})"), HasSubstr("text/event-stream"));
    numbers.value_ = 2;
    const std::string next = co_await (*watching)->until(R"({"value":2})");
    EXPECT_THAT(next, Not(HasSubstr(R"({"value":1})")));
    numbers.value_ = 3;
    EXPECT_THAT(co_await (*watching)->until(R"({"value":3})"), Not(HasSubstr("/v1/nothing")));  // which has not changed
    EXPECT_EQ(numbers.by_, "viewer");
  });
}

TEST(Watch, EachPathNeedsItsOwnPermission) {
  with_numbers([](AdminServer& server, http::Channel&, NumbersPart&) -> io::Task<void> {
    auto watching = co_await Watching::open(server.port(), "/v1/events?watch=/v1/secret&watch=/v1/nothing", "viewer");
    std::string told = co_await (*watching)->until("/v1/nothing");
    if (told.find("/v1/secret") == std::string::npos) told += co_await (*watching)->until("/v1/secret");
    EXPECT_THAT(told, HasSubstr(R"("status":403)"));
    EXPECT_THAT(told, HasSubstr("viewer lacks the permission secrets:open"));
    EXPECT_THAT(told, HasSubstr(R"({"path":"/v1/nothing","status":404)"));
    EXPECT_THAT(told, Not(HasSubstr(R"("value":42)")));
  });
}

TEST(Watch, ChangesNothingAlsoForOneWhoMay) {
  with_numbers([](AdminServer& server, http::Channel& channel, NumbersPart& numbers) -> io::Task<void> {
    EXPECT_EQ((co_await ask(channel, "GET", "/v1/raised", with_token("admin"))).status, 200);
    auto watching = co_await Watching::open(server.port(), "/v1/events?watch=/v1/raised", "admin");
    EXPECT_THAT(co_await (*watching)->until("/v1/raised"), HasSubstr(R"("status":403)"));
    EXPECT_EQ(numbers.value_, 2);
  });
}

TEST(Watch, WhatCannotBeWatchedIsOneSentence) {
  with_numbers([](AdminServer&, http::Channel& channel, NumbersPart&) -> io::Task<void> {
    std::string many = "/v1/events?period_ms=1000";
    for (int i = 0; i < 65; ++i) many += fmt::format("&watch=/v1/number?{}", i);
    for (const auto& [target, sentence] :
         std::initializer_list<std::pair<std::string, const char*>>{{"/v1/events", "watch is missing"},
                                                                    {"/v1/events?watch=/metrics", "begin with /v1/"},
                                                                    {"/v1/events?watch=/v1/events?watch=/v1/number", "cannot watch /v1/events"},
                                                                    {"/v1/events?watch=/v1/%2565vents?watch=/v1/number", "cannot watch /v1/events"},
                                                                    {"/v1/events?watch=/v1/processes/x/v1/events", "cannot watch /v1/events"},
                                                                    {"/v1/events?watch=/v1/%25zz", "two hexadecimal digits"},
                                                                    {"/v1/events?watch=/v1/number&period_ms=249", "a number from 250 to 60000"},
                                                                    {"/v1/events?watch=/v1/number&period_ms=1s", "period_ms is '1s'"},
                                                                    {"/v1/events?look=/v1/number", "'look' is no parameter"},
                                                                    {many, "65 paths are to be watched, and 64 may be"}}) {
      const Got got = co_await ask(channel, "GET", target, with_token("viewer"));
      EXPECT_EQ(got.status, 400) << target;
      EXPECT_THAT(got.body, HasSubstr(sentence));
    }
  });
}

TEST(Watch, StreamsAreBounded) {
  with_numbers([](AdminServer& server, http::Channel& channel, NumbersPart&) -> io::Task<void> {
    auto watching = co_await Watching::open(server.port(), "/v1/events?watch=/v1/number", "viewer");
    EXPECT_THAT(co_await (*watching)->until("value"), HasSubstr("200"));
    EXPECT_EQ((co_await ask(channel, "GET", "/v1/events?watch=/v1/number", with_token("viewer"))).status, 503);
    watching->reset();  // the browser is gone, and its place with it
    int status = 503;
    for (int i = 0; i < 1'000 && status == 503; ++i) {
      auto again = co_await Watching::open(server.port(), "/v1/events?watch=/v1/number", "viewer");
      status = (co_await (*again)->until("\r\n")).find("200") == std::string::npos ? 503 : 200;
    }
    EXPECT_EQ(status, 200);
  });
}

/// The token "viewer" can be taken back.
class GateOfAWhile final : public Gate {
 public:
  io::Task<Result<Principal>> identify(const Credentials& credentials) override { co_return identify_at_once(credentials); }
  Result<Principal> identify_at_once(const Credentials& credentials) override {
    if (open_) return all_.identify_at_once(credentials);
    return fail(Code::unauthenticated, "the token was removed");
  }
  Result<void> may(const Principal& principal, std::string_view permission) const override { return all_.may(principal, permission); }
  std::vector<std::string> permissions_of(const Principal& principal) const override { return all_.permissions_of(principal); }
  std::string csrf_token(const Principal& principal) const override { return all_.csrf_token(principal); }
  std::string challenge() const override { return all_.challenge(); }
  std::atomic<bool> open_ = true;

 private:
  FakeGate all_;
};

TEST(Watch, AStreamEndsWithTheSessionOfItsCaller) {
  const auto gate = std::make_shared<GateOfAWhile>();
  with_numbers(
      [&](AdminServer& server, http::Channel&, NumbersPart&) -> io::Task<void> {
        auto watching = co_await Watching::open(server.port(), "/v1/events?watch=/v1/number&period_ms=250", "viewer");
        EXPECT_THAT(co_await (*watching)->until("value"), HasSubstr("200"));
        gate->open_ = false;
        EXPECT_THAT(co_await (*watching)->until("never said"), HasSubstr("the stream has ended"));
      },
      gate);
}

TEST(Watch, AStreamThatAPasswordHasOpenedGoesOn) {
  with_numbers([](AdminServer& server, http::Channel&, NumbersPart& numbers) -> io::Task<void> {
    auto watching = co_await Watching::open(server.port(), "/v1/events?watch=/v1/number&period_ms=250", "YWRhOnNlY3JldA==", "Basic");
    for (const int value : {2, 3}) {
      numbers.value_ = value;
      const std::string told = fmt::format(R"({{"value":{}}})", value);
      EXPECT_THAT(co_await (*watching)->until(told), HasSubstr(told));  // the gate, which takes no password at once, is not asked
    }
  });
}

}  // namespace
}  // namespace sofa::admin::testing
