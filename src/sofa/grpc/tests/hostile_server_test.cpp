// Answers that no honest server gives, and what the client makes of each (docs/protocols/grpc.md, sections 1, 5 and 6).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/grpc/client.h"
#include "sofa/http/server.h"
#include "sofa/io/runtime.h"
#include "sofa/transport/port.h"

namespace sofa::grpc {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// What the server says. Without trailers the message ends with its data, or with the head.
struct Answer {
  std::string what;
  Code code;             ///< that the caller gets
  std::string sentence;  ///< part of what it is told
  int status = 200;
  http::Headers head{{"content-type", "application/grpc"}};
  std::string data{};
  std::optional<http::Headers> trailers{};
  std::optional<http::Reset> reset{};
};

/// Gives the answer whose number is the path.
class Liar final : public http::Handler {
 public:
  explicit Liar(const std::vector<Answer>& answers) : answers_(answers) {}
  void handle(http::ExchangePtr exchange) override {
    const Answer& answer = answers_[static_cast<size_t>(std::stoi(exchange->request().target.substr(1)))];
    const bool bare = answer.data.empty() && !answer.trailers && !answer.reset;
    EXPECT_TRUE(exchange->send_response(answer.status, answer.head, bare));
    if (!answer.data.empty()) {
      EXPECT_TRUE(exchange->send_data(Bytes::copy_of(answer.data), !answer.trailers && !answer.reset));
    }
    if (answer.trailers) EXPECT_TRUE(exchange->send_trailers(*answer.trailers));
    if (answer.reset) exchange->reset(*answer.reset);
    // What ends early is not reset as well: the request has been read.
    kept_.push_back(std::move(exchange));
  }
  void forget() { kept_.clear(); }

 private:
  const std::vector<Answer>& answers_;
  std::vector<http::ExchangePtr> kept_;
};

const http::Headers kGzip{{"content-type", "application/grpc"}, {"grpc-encoding", "gzip"}};
const http::Headers kOk{{"grpc-status", "0"}};

std::string framed(std::string_view message, char flags = 0) {
  std::string whole{flags, 0, 0, 0, static_cast<char>(message.size())};
  return whole + std::string(message);
}

std::vector<Answer> lies() {
  const std::string hello = framed("hello");
  return {
      {.what = "a message and no trailers", .code = Code::unknown, .sentence = "without a grpc-status", .data = hello},
      {.what = "a head alone", .code = Code::unknown, .sentence = "without a grpc-status"},
      {.what = "trailers without a status",
       .code = Code::unknown,
       .sentence = "without a grpc-status",
       .data = hello,
       .trailers = http::Headers{{"x-other", "1"}}},
      {.what = "a status that is no number",
       .code = Code::unknown,
       .sentence = "many",
       .data = hello,
       .trailers = http::Headers{{"grpc-status", "many"}}},
      {.what = "a status that does not exist",
       .code = Code::unknown,
       .sentence = "99",
       .data = hello,
       .trailers = http::Headers{{"grpc-status", "99"}}},
      {.what = "OK without a message", .code = Code::internal, .sentence = "without a message", .trailers = kOk},
      {.what = "two messages", .code = Code::internal, .sentence = "more than one message", .data = hello + hello, .trailers = kOk},
      {.what = "half a message", .code = Code::internal, .sentence = "inside a message", .data = hello.substr(0, 7), .trailers = kOk},
      {.what = "half a prefix", .code = Code::internal, .sentence = "inside a message", .data = hello + hello.substr(0, 3), .trailers = kOk},
      {.what = "unknown flags", .code = Code::internal, .sentence = "flags 0x02", .data = framed("hello", 2), .trailers = kOk},
      {.what = "a message over the limit",
       .code = Code::resource_exhausted,
       .sentence = "max_message",
       .data = std::string("\0\x7f\xff\xff\xff", 5) + "x",
       .trailers = kOk},
      {.what = "compressed without an encoding",
       .code = Code::internal,
       .sentence = "names no compression",
       .data = framed("hello", 1),
       .trailers = kOk},
      {.what = "gzip that is none", .code = Code::internal, .sentence = "no gzip", .head = kGzip, .data = framed("hello", 1), .trailers = kOk},
      {.what = "an unknown encoding",
       .code = Code::internal,
       .sentence = "'snappy'",
       .head = {{"content-type", "application/grpc"}, {"grpc-encoding", "snappy"}},
       .data = framed("hello", 1),
       .trailers = kOk},
      {.what = "a page of a proxy",
       .code = Code::unavailable,
       .sentence = "HTTP 503",
       .status = 503,
       .head = {{"content-type", "text/html"}},
       .data = "<html>no healthy upstream</html>"},
      {.what = "a page that is not there",
       .code = Code::unimplemented,
       .sentence = "HTTP 404",
       .status = 404,
       .head = {{"content-type", "text/html"}}},
      {.what = "a page with 200",
       .code = Code::unknown,
       .sentence = "text/html",
       .head = {{"content-type", "text/html"}},
       .data = "<html>hello</html>"},
      {.what = "a reset by the peer",
       .code = Code::resource_exhausted,
       .sentence = "cut off",
       .data = hello,
       .reset = http::Reset::enhance_your_calm},
      {.what = "a cancel by the peer", .code = Code::cancelled, .sentence = "cut off", .data = hello, .reset = http::Reset::cancel},
      {.what = "an internal error of the peer", .code = Code::internal, .sentence = "cut off", .data = hello, .reset = http::Reset::internal_error},
  };
}

/// Whether a call, and the same as a stream, end as they must.
io::Task<Result<void>> expect_ends(Channel& channel, std::string path, const Answer& answer) {
  const auto got = co_await channel.unary(path, Bytes(), {.timeout = 5s});
  EXPECT_FALSE(got) << answer.what;
  if (!got) EXPECT_EQ(got.error().code(), answer.code) << answer.what << ": " << got.error().to_string();
  if (!got) EXPECT_THAT(got.error().to_string(), HasSubstr(answer.sentence)) << answer.what;

  auto stream = co_await io::or_return(channel.stream(path, {.timeout = 5s}));
  Result<std::optional<Bytes>> next;
  do next = co_await stream->read();
  while (next && *next);
  const bool fits_a_stream = answer.what == "OK without a message" || answer.what == "two messages";
  EXPECT_EQ(next.has_value(), fits_a_stream) << answer.what << ", as a stream";
  if (!next) EXPECT_EQ(next.error().code(), answer.code) << answer.what << ", as a stream: " << next.error().to_string();
  co_return Result<void>();
}

TEST(HostileServer, EveryLieEndsTheCallWithItsStatusAndTheConnectionLives) {
  const std::vector<Answer> answers = lies();
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const auto run = [&]() -> io::Task<Result<void>> {
    Liar liar(answers);
    http::Http2Protocol http2(liar);
    const auto port = co_await io::or_return(transport::Port::open(io::Address::of("127.0.0.1", 0), {&http2}));
    Channel channel(port->local());
    for (size_t i = 0; i < answers.size(); ++i) {
      auto done = co_await expect_ends(channel, fmt::format("/{}", i), answers[i]);
      EXPECT_TRUE(done) << answers[i].what << ": " << done.error().to_string();
      EXPECT_TRUE(channel.is_connected()) << answers[i].what;
    }
    co_await channel.close();
    liar.forget();
    co_return co_await port->stop();
  };
  const auto done = runtime.block_on(io::with_timeout(60s, run()));
  EXPECT_TRUE(done) << done.error().to_string();
}

}  // namespace
}  // namespace sofa::grpc
