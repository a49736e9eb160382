#pragma once
// WebSocket (RFC 6455) with permessage-deflate (RFC 7692), either side, over an Exchange that was upgraded.
//
//   router.add("GET", "/chat", [](http::ExchangePtr exchange) {
//     auto socket = http::WebSocket::accept(std::move(exchange));        // a refused handshake is answered
//     if (socket) tasks.spawn("chat", serve(std::move(*socket)));
//   });
//   io::Task<void> serve(std::unique_ptr<http::WebSocket> socket) {
//     while (auto message = co_await socket->read()) {                   // Result<std::optional<Message>>
//       if (!*message) break;                                            // closed in order
//       co_await socket->write(std::move(**message));
//     }
//   }
//
// Pings of the peer are answered, messages are whole (fragments joined), text is UTF-8. What breaks a rule ends the connection with the close code
// of RFC 6455, 7.4.1: 1002, 1007, 1009. When the port of a server drains, its peers are told 1001: read() ends when they have answered, and write()
// fails.

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sofa/http/client.h"
#include "sofa/io/sync.h"
#include "sofa/io/timer.h"

namespace sofa::http {

namespace detail {
class WebSocketReader;
class MessageDeflater;
struct DeflateRules;
}  // namespace detail

struct WebSocketOptions {
  size_t max_message = size_t{16} << 20;              ///< bytes received, decompressed: over it 1009
  size_t max_unread = size_t{1} << 20;                ///< bytes of messages that nobody has read: then the peer is read no further
  bool compress = true;                               ///< offer or take permessage-deflate
  bool context_takeover = false;                      ///< keep compression windows between messages: better, for about 300 KiB a connection
  size_t min_compressed = 256;                        ///< shorter messages are sent as they are
  Duration ping_interval = std::chrono::seconds(30);  ///< no byte received for so long: ping; zero: never
  Duration ping_timeout = std::chrono::seconds(20);   ///< after a ping, without a byte: the connection is given up
  Duration close_timeout = std::chrono::seconds(5);   ///< how long close(), or a draining server, waits for the peer's answer
  std::vector<std::string> protocols{};               ///< subprotocols, the best first; offered by a client, chosen from by a server
  std::vector<std::string> origins{};                 ///< server: origins whose pages may connect; empty: those of the request's own host; "*": any
};

/// One open connection. Belongs to the shard of its exchange; one reader and one writer at a time. Destroyed before it is closed, it is given up.
class WebSocket final : private MessageSink {
 public:
  enum class Kind : uint8_t { text, binary };
  struct Message {
    Kind kind = Kind::text;
    Bytes data{};
  };

  /// Server: answers the handshake, with 101 or with what is wrong: 400, 403 (origin), 426 (version). Call it inside Handler::handle.
  static Result<std::unique_ptr<WebSocket>> accept(ExchangePtr exchange, const WebSocketOptions& options = {});
  /// Client: the handshake on an idle connection of HTTP/1.1. `request` says target, authority and further headers. Fails with Code::unavailable when
  /// the server does not switch, and says its status.
  static io::Task<Result<std::unique_ptr<WebSocket>>> connect(ClientConnection& connection, RequestHead request, WebSocketOptions options = {});

  ~WebSocket();
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  /// The next message; nothing when the connection was closed in order, by either side. Messages that came before a failure are given first.
  io::Task<Result<std::optional<Message>>> read();
  /// Sends a message, and waits while the peer does not take it.
  io::Task<Result<void>> write(Message message);
  io::Task<Result<void>> write_text(std::string_view text) { return write({Kind::text, Bytes::copy_of(text)}); }
  /// Says goodbye and waits for the peer's, at most close_timeout. What still comes is dropped.
  io::Task<Result<void>> close(uint16_t code = 1000, std::string_view reason = {});

  /// The subprotocol that was agreed on; empty without one.
  const std::string& protocol() const { return protocol_; }
  bool compresses() const { return deflater_ != nullptr; }
  /// The peer's close code and reason: 1005 when it gave none, 1006 when it left without a word, 0 while it is open.
  uint16_t peer_close_code() const { return peer_code_; }
  const std::string& peer_close_reason() const { return peer_reason_; }
  const RequestHead& request() const { return exchange_->request(); }
  const io::Address& peer() const { return exchange_->peer(); }

 private:
  enum class Side : uint8_t { server, client };
  class Handshake;

  WebSocket(Side side, const WebSocketOptions& options);
  /// The connection has switched; `rules`: null without compression.
  void open(const detail::DeflateRules* rules);

  void on_data(ByteSpan data) override;
  void on_end(Headers& trailers) override;
  void on_abort(Error error) override;
  void on_writable() override { changed_.set(); }
  void on_drain() override;

  void take_input();
  void on_peer_close(uint16_t code, std::string_view reason);
  void give_back();
  void hold_unfinished();
  void send_frame(uint8_t opcode, ByteSpan payload, bool compressed, bool end = false);
  void send_close(uint16_t code, std::string_view reason);
  void fail_with(Error error);
  /// Why nothing can be sent any more.
  const std::optional<Error>& gone() const { return failure_ ? failure_ : left_; }
  io::Task<Result<void>> wait_for_change();
  io::Task<Result<void>> wait_for_end();
  void give_up(std::string_view reason);
  void arm_timer();
  void on_timer();

  const Side side_;
  const WebSocketOptions options_;
  io::Shard& shard_;
  ExchangePtr exchange_;
  std::string protocol_;
  std::unique_ptr<detail::WebSocketReader> reader_;
  std::unique_ptr<detail::MessageDeflater> deflater_;
  Buffer in_;
  size_t not_given_back_ = 0;  // bytes of on_data, while messages wait
  std::deque<Message> messages_;
  size_t unread_ = 0;
  bool close_sent_ = false;
  bool ended_ = false;  // nothing comes any more
  uint16_t peer_code_ = 0;
  std::string peer_reason_;
  std::optional<Error> left_;     // why no more bytes come; the failure, when those that came are taken and hold no goodbye
  std::optional<Error> failure_;  // told when all messages are read
  Instant last_received_;
  bool pinged_ = false;
  Instant give_up_at_ = kNoDeadline;  // a draining server waits no longer for the peer's goodbye
  io::Event changed_;
  io::TimerNode timer_{[](void* self) { static_cast<WebSocket*>(self)->on_timer(); }, this};
};

}  // namespace sofa::http
