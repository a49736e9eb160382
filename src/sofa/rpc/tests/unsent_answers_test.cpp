// Peers that ask for large answers and do not read: what all of them hold is bounded, and those that read get theirs.

#include <fstream>

#include "sample.h"
#include "sofa/base/testing/captured_log.h"

namespace sofa::rpc {
namespace {

using namespace testing;

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kAnswer = 16 * kMiB;
constexpr size_t kMost = 48 * kMiB;
constexpr size_t kDeaf = 32;
/// Beside what waits: the answers that are being made, which exist up to three times on each shard, and what the allocator keeps.
constexpr size_t kMargin = 10 * kAnswer;

std::atomic<size_t> answered = 0;

struct Large final : http::Handler {
  void handle(http::ExchangePtr exchange) override {
    if (!exchange->send_response(200, {{"content-length", std::to_string(kAnswer)}})) return;
    [[maybe_unused]] const auto sent = exchange->send_data(Bytes::copy_of(std::string(kAnswer, 'x')), true);
    ++answered;
  }
};

std::string http2_request() {
  using namespace std::string_literals;
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"s                              // the preface
         "\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff"s                  // SETTINGS: a stream's window has no bound
         "\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0"s                            // WINDOW_UPDATE of the connection
         "\0\0\x12\x01\x05\0\0\0\x01\x82\x86\x84\x41\x0dlocalhost:123"s;  // HEADERS: GET / of "localhost:123"
}

std::string bolt_request() {
  for (const Exchange& exchange : recorded_exchanges()) {
    if (exchange.name == "hello_first") return std::string(as_text(bytes_of_hex(exchange.request).span()));
  }
  ADD_FAILURE() << "no recorded call of hello";
  return {};
}

/// A request whose answer has kAnswer bytes.
struct Asked {
  const char* protocol;
  std::string (*request)();
};
void PrintTo(const Asked& asked, std::ostream* out) { *out << asked.protocol; }

/// Sends the request and takes the answer.
Task<Result<void>> ask_and_read(io::Address address, std::string request) {
  io::Stream stream = co_await or_return(io::Stream::connect(address));
  co_await or_return(stream.write(Bytes::copy_of(request)));
  Buffer in;
  for (size_t seen = 0; seen < kAnswer;) {
    const size_t got = co_await or_return(stream.read_some(in));
    if (got == 0) co_return fail(Code::unavailable, "the server closed the connection after {} bytes", seen);
    seen += got;
    in.clear();
  }
  co_return Result<void>();
}

/// The most memory that the process had since the last call, in bytes.
size_t take_peak_memory() {
  std::ifstream status("/proc/self/status");
  size_t kib = 0;
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") status >> kib;
  }
  std::ofstream("/proc/self/clear_refs") << "5";
  return kib << 10;
}

class UnsentAnswersOver : public ::testing::TestWithParam<Asked> {};
INSTANTIATE_TEST_SUITE_P(Protocols, UnsentAnswersOver,
                         ::testing::Values(Asked{"bolt", bolt_request},
                                           Asked{"http1", [] { return std::string("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"); }},
                                           Asked{"h2", http2_request}),
                         [](const auto& info) { return info.param.protocol; });

constexpr std::string_view kSentence = "(max_unsent_bytes 50331648)";

Task<Result<void>> serve_deaf_and_honest(Asked asked, const CapturedLog& log) {
  const auto unsent = std::make_shared<transport::UnsentAnswers>(kMost);
  ServerOptions options{.port = 0};
  options.http2.unsent = unsent;
  auto service = make_sample();
  service->hello = [](std::string) {
    ++answered;
    return std::string(kAnswer, 'x');
  };
  auto server = co_await or_return(Server(options).add(service, {.thread_safe = true}).http(std::make_shared<Large>()).start());
  const std::string request = asked.request();

  take_peak_memory();
  const size_t before = take_peak_memory();
  std::vector<io::Stream> deaf;
  const auto ask_honestly = [&]() -> Task<void> {
    const auto read = co_await ask_and_read(server->address(), request);
    EXPECT_TRUE(read) << read.error().to_string();
  };
  for (size_t i = 0; i < kDeaf; ++i) {
    const size_t before_it = answered;
    deaf.push_back(co_await or_return(io::Stream::connect(server->address())));
    co_await or_return(deaf.back().write(Bytes::copy_of(request)));
    EXPECT_TRUE(co_await eventually([&] { return answered > before_it; }));
    co_await or_return(io::sleep_for(5ms));  // it has been deaf for some time: peers that ask in the same moment are alike
    EXPECT_LE(unsent->held(), kMost);
    if (i % 4 == 0) co_await ask_honestly();
  }
  // A deaf peer does not even see its end: that stands behind what it has not read. The system takes 8 MiB of each answer, at most.
  EXPECT_TRUE(co_await eventually([&] { return log.count(kSentence) >= kDeaf - kMost / (kAnswer - 8 * kMiB); })) << log.count(kSentence);
  for (int i = 0; i < 4; ++i) co_await ask_honestly();
  EXPECT_LE(unsent->held(), kMost);
  const bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);  // which keep memory of their own
  if (!sanitized) EXPECT_LT(take_peak_memory() - before, kMost + kMargin);
  deaf.clear();
  EXPECT_TRUE(co_await eventually([&] { return unsent->held() == 0; })) << "peers that are gone hold nothing";
  co_return co_await server->stop();
}

TEST_P(UnsentAnswersOver, DeafPeersAreClosedAndThoseThatReadAreServed) {
  CapturedLog log;
  run_test(serve_deaf_and_honest(GetParam(), log), 2);
  EXPECT_EQ(log.count(kSentence), log.count("kind=\"slow reader\"")) << "one line for each";
}

}  // namespace
}  // namespace sofa::rpc
