#include "sofa/admin/logs_part.h"

#include "harness.h"
#include "sofa/io/scope.h"
#include "sofa/io/stream.h"

namespace sofa::admin {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void with_logs(const std::function<io::Task<void>(LogTail&, http::Channel&)>& body) {
  const auto tail = std::make_shared<LogTail>();
  serve(
      {}, [&](AdminServer& server) { server.add(std::make_shared<LogsPart>(tail)); },
      [&](AdminServer&, http::Channel& channel) -> io::Task<void> { return body(*tail, channel); });
}

TEST(LogsPart, GivesTheLinesThatAreAskedFor) {
  with_logs([](LogTail& tail, http::Channel& channel) -> io::Task<void> {
    tail.write({LogLevel::info, "rpc", "one a=1"});
    tail.write({LogLevel::warn, "rpc", "two"});
    tail.write({LogLevel::warn, "http", "three"});
    const std::string all = (co_await ask(channel, "GET", "/v1/logs")).body;
    EXPECT_THAT(all, AllOf(HasSubstr(R"("text":"one a=1")"), HasSubstr("three"), HasSubstr("\"last\":3")));
    EXPECT_THAT((co_await ask(channel, "GET", "/v1/logs?level=warn&space=rpc")).body,
                AllOf(HasSubstr("two"), Not(HasSubstr("one")), Not(HasSubstr("three"))));
    EXPECT_THAT((co_await ask(channel, "GET", "/v1/logs?contains=a=1")).body, AllOf(HasSubstr("one"), Not(HasSubstr("two"))));
    EXPECT_THAT((co_await ask(channel, "GET", "/v1/logs?most=1")).body, AllOf(HasSubstr("three"), Not(HasSubstr("two"))));
    EXPECT_THAT((co_await ask(channel, "GET", "/v1/logs?after=2")).body, AllOf(HasSubstr("three"), Not(HasSubstr("two"))));
    EXPECT_EQ((co_await ask(channel, "GET", "/v1/logs?level=loud")).status, 400);
  });
}

TEST(LogsPart, ChangesTheLevelOfASpaceThatIsThere) {
  const Logger log("logs-part-test");
  with_logs([&](LogTail&, http::Channel& channel) -> io::Task<void> {
    EXPECT_FALSE(log.enabled(LogLevel::debug));
    EXPECT_EQ((co_await ask(channel, "PUT", "/v1/logs/levels/logs-part-test", {}, R"({"level":"debug"})")).status, 200);
    EXPECT_TRUE(log.enabled(LogLevel::debug));
    EXPECT_THAT((co_await ask(channel, "GET", "/v1/logs/levels")).body, HasSubstr(R"({"space":"logs-part-test","level":"debug"})"));
    const Got none = co_await ask(channel, "PUT", "/v1/logs/levels/nowhere", {}, R"({"level":"debug"})");
    EXPECT_EQ(none.status, 404);
    EXPECT_THAT(none.body, AllOf(HasSubstr("'nowhere'"), HasSubstr("logs-part-test")));
  });
}

/// Reads a stream of events until it holds what is waited for.
io::Task<std::string> read_until(uint16_t port, std::string target, std::string_view wanted, const std::function<void()>& once_open) {
  auto stream = co_await io::Stream::connect(io::Address::of("127.0.0.1", port));
  if (!stream) co_return stream.error().to_string();
  (void)stream->write(Bytes::copy_of(fmt::format("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", target)));
  Buffer in;
  while (as_text(in.span()).find(wanted) == std::string_view::npos) {
    const auto got = co_await io::with_timeout(std::chrono::seconds(10), [](io::Stream& from, Buffer& into) -> io::Task<Result<size_t>> {
      co_return co_await from.read_some(into);
    }(*stream, in));
    if (!got || *got == 0) break;
    once_open();
  }
  co_return std::string(as_text(in.span()));
}

TEST(LogsPart, FollowsTheLog) {
  const auto tail = std::make_shared<LogTail>();
  tail->write({LogLevel::info, "rpc", "before"});
  serve(
      {}, [&](AdminServer& server) { server.add(std::make_shared<LogsPart>(tail)); },
      [&](AdminServer& server, http::Channel&) -> io::Task<void> {
        bool written = false;
        const auto once_open = [&] {
          if (!std::exchange(written, true)) tail->write({LogLevel::info, "rpc", "later"});
        };
        const std::string seen = co_await read_until(server.port(), "/v1/logs/stream", "later", once_open);
        EXPECT_THAT(seen, AllOf(HasSubstr("text/event-stream"), HasSubstr("before"), HasSubstr("later")));
      });
}

}  // namespace
}  // namespace sofa::admin
