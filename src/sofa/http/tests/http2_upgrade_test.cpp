// A connection that begins as HTTP/1.1 and goes on as HTTP/2.

#include "http2_frames.h"
#include "sofa/http/detail/http2_server.h"

namespace sofa::http {
namespace {

using namespace testing;

/// Serves every connection as upgraded from a request for "/first".
class UpgradedProtocol final : public transport::Protocol {
 public:
  UpgradedProtocol(Handler& handler, std::string settings) : handler_(handler), settings_(std::move(settings)) {}
  std::string_view name() const override { return "upgraded"; }
  transport::Detected detect(ByteSpan) const override { return transport::Detected::yes; }
  io::Task<void> serve(io::Stream stream, Buffer prefix, transport::Connection& connection) override {
    detail::Http2Upgrade upgrade{{.authority = "t", .target = "/first"}, settings_};
    return detail::serve_http2(std::move(stream), std::move(prefix), connection, handler_, options_, nullptr, std::move(upgrade));
  }

 private:
  Handler& handler_;
  const std::string settings_;
  const Http2Options options_;
};

TEST(Http2Upgrade, TheRequestIsAnsweredAsStream1AndTheNextComesOverHttp2) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    UpgradedProtocol protocol(echo, initial_window(4));
    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(opening(initial_window(65535)) + get_request(3))));
    const std::string answer =
        co_await read_until(peer, [](std::string_view seen) { return seen.contains("GET /first ") && seen.contains("GET / "); });
    EXPECT_TRUE(answer.contains("GET /first ") && answer.contains("GET / ")) << to_hex(as_bytes(answer));
    EXPECT_EQ(echo.requests, 2u);
    peer.close();
    co_await served.stop();
  });
}

TEST(Http2Upgrade, BrokenSettingsEndIt) {
  on_shard([]() -> io::Task<void> {
    Echo echo;
    UpgradedProtocol protocol(echo, "abc");
    Served served(protocol);
    co_await served.open();
    io::Stream peer = co_await served.connect();
    EXPECT_TRUE(peer.write(Bytes::copy_of(kPreface)));
    const std::string answer = co_await read_to_end(peer);
    EXPECT_EQ(last_payload_of(answer, kGoaway).value_or("12345678").substr(4, 4), be32(1)) << "PROTOCOL_ERROR";
    EXPECT_EQ(echo.requests, 0u);
    peer.close();
    co_await served.stop();
  });
}

}  // namespace
}  // namespace sofa::http
