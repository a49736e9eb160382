#pragma once
// The client connections to one server, for who sends whole requests and wants whole answers.
//
//   http::Channel channel(address, {.version = http::Version::http2});
//   http::Response answer = co_await or_return(channel.exchange({.method = "POST", .target = "/a"}, std::move(body)));

#include <memory>

#include "sofa/http/client.h"
#include "sofa/io/tls.h"

namespace sofa::http {

struct ChannelOptions {
  Version version = Version::http1_1;  ///< or http2, by prior knowledge and over TLS by ALPN
  Duration connect_timeout = std::chrono::seconds(1);
  Duration max_backoff = std::chrono::seconds(2);    ///< between attempts to connect, from 50 ms on, with jitter; until then requests fail at once
  uint32_t max_running = 256;                        ///< requests at once, each on a connection of its own over HTTP/1.1; further ones wait
  size_t max_waiting = 65'536;                       ///< ... as many as this
  size_t max_body = size_t{32} << 20;                ///< bytes of one answer
  std::shared_ptr<io::TlsClientContext> tls{};       ///< null: plain
  Duration idle_timeout = std::chrono::seconds(30);  ///< of a connection; shorter than servers have, so that none is closed under a request
  Duration keep_alive_interval{};                    ///< of HTTP/2: no byte for so long is a PING; zero: none
};

/// An answer, whole.
struct Response {
  int status = 0;
  Headers headers{};
  Bytes body{};
};

/// One server. Belongs to the shard that made it. Connects when first used and again after a loss; connections that rest are used again.
class Channel {
 public:
  explicit Channel(io::Address address, ChannelOptions options = {});
  ~Channel();

  /// Waits for a connection, or for the failure of the attempt that runs.
  io::Task<Result<void>> connect();
  bool is_connected() const;
  /// For requests to come: connects in the background, unless there is a connection or it must still wait after a failure.
  void start_connecting();

  /// Sends the request and waits for its answer, until the awaiter's deadline. Scheme, authority and content-length are the channel's affair. One
  /// that an HTTP/2 server says it has not begun with is sent again, at most twice. Errors: unavailable (no connection, or it was lost),
  /// resource_exhausted (over max_body or max_waiting), invalid_argument (what HTTP cannot carry), cancelled (closed), deadline_exceeded.
  io::Task<Result<Response>> exchange(RequestHead head, Bytes body);

  /// Ends what runs with Code::unavailable, and the connections. Before the channel is destroyed.
  io::Task<void> close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with what runs
};

}  // namespace sofa::http
