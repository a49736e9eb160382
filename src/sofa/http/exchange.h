#pragma once
// Exchange: one request and its response, on a connection of HTTP/1.1 or HTTP/2, seen from either side. All faces (gRPC, Triple, REST, WebSocket's
// handshake) are written against this and do not know the version.
//
// It is event-driven at its root, so that a small call costs no coroutine: the user gives a MessageSink and is called on the connection's shard.
// body.h has the coroutine view (`co_await body.read(...)`).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/http/headers.h"
#include "sofa/io/address.h"

namespace sofa::io {
struct ScopeContext;
}

namespace sofa::http {

struct PingPolicy;

enum class Version : uint8_t { http1_0, http1_1, http2 };

/// What a request says before its body.
struct RequestHead {
  std::string method = "GET";
  std::string scheme = "http";  ///< "https" over TLS
  std::string authority{};      ///< ":authority" or Host
  std::string target = "/";     ///< path and query as they came, not decoded
  Headers headers{};
  Version version = Version::http1_1;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  /// After the '?', empty when there is none.
  std::string_view query() const {
    const size_t at = target.find('?');
    return at == std::string::npos ? std::string_view{} : std::string_view(target).substr(at + 1);
  }
};

/// What a response says before its body.
struct ResponseHead {
  int status = 200;
  Headers headers{};
  Version version = Version::http1_1;
};

/// Why an exchange is given up: RST_STREAM of HTTP/2; on HTTP/1.1 the connection closes. Numbers of RFC 9113, 7.
enum class Reset : uint32_t {
  no_error = 0,
  internal_error = 2,
  refused = 7,  ///< not processed: the peer may send it again
  cancel = 8,
  enhance_your_calm = 11,
};

/// Attached to the Error of on_abort when the peer has reset the exchange or sent GOAWAY.
struct ResetDetail : ErrorDetail {
  explicit ResetDetail(uint32_t code) : code(code) {}
  const uint32_t code;  ///< of RFC 9113, 7
  /// The peer says that it has not begun to process the request (refused, or above the last stream of its GOAWAY).
  bool not_processed() const { return code == static_cast<uint32_t>(Reset::refused); }
};

/// Receives the peer's message. Called on the shard of the connection, never after its Exchange is destroyed. Must not throw. May destroy the
/// Exchange in any call, as its last act.
class MessageSink {
 public:
  /// Client: the response's head. Informational ones (100, 103) come before and are not `final`.
  virtual void on_response(ResponseHead& head, bool final) { (void)head, (void) final; }
  /// A piece of the body, never empty. The bytes live for this call. Their window opens again when the user says so: Exchange::consumed.
  virtual void on_data(ByteSpan data) = 0;
  /// The message is whole; `trailers` is often empty.
  virtual void on_end(Headers& trailers) = 0;
  /// No further event: the peer reset the exchange, the connection was lost, a deadline of the connection passed. Calls of the Exchange fail now.
  /// It may come after on_end too, while this side's message is not whole. A server's on_abort with Code::deadline_exceeded (the request's body did
  /// not come in time) over HTTP/2 may still answer whole, if nothing was sent yet; else the peer gets a reset. Over HTTP/1.1 it is told 408.
  virtual void on_abort(Error error) = 0;
  /// pending_bytes() has fallen under the low-water mark after it was above the high one (options.h).
  virtual void on_writable() {}
  /// Server, after on_end and once at most, with Http1Options::half_close_cancels: the peer has closed its side of the connection before its answer
  /// is whole. What is sent still goes to it; a task that works for it alone should end.
  virtual void on_hang_up() {}
  /// Server, once the exchange was upgraded (101): the port drains, and waits for the end of this exchange. Comes once at most.
  virtual void on_drain() {}

 protected:
  ~MessageSink() = default;
};

/// Values of a route's parameters, by name.
class PathParameters {
 public:
  void add(std::string_view name, std::string value) { values_.emplace_back(name, std::move(value)); }
  /// Empty when the route has no such parameter.
  std::string_view get(std::string_view name) const {
    for (const auto& [own, value] : values_) {
      if (own == name) return value;
    }
    return {};
  }
  size_t size() const { return values_.size(); }

 private:
  std::vector<std::pair<std::string_view, std::string>> values_;  // names belong to the route
};

/// What the handlers that a request has passed know of it.
struct RequestContext {
  std::string_view route{};     ///< the pattern that a Router matched ("/users/{id}"), which owns the text
  PathParameters parameters{};  ///< of the route, decoded
  std::string principal{};      ///< who asks, as an Authenticator, or who passed the request on, has found; no header sets it
  /// What the tasks of the handlers work for (io::Scope::context); null: nothing. It lives as long as the exchange.
  const io::ScopeContext* work = nullptr;
};

/// One request and response. Owned by its user; belongs to the shard of its connection. Destroyed before both messages have ended, it resets the
/// exchange with `cancel` (a server that has answered whole, with the request still coming: `no_error`). The connection may end first.
///
/// Order of sending: head, data ..., and end with the last data, with the head, or with trailers. Every send fails with Code::unavailable when the
/// exchange was aborted, and with Code::failed_precondition out of order. Nothing blocks: what the peer's window and the socket do not take is
/// queued; past `max_exchange_write_queue` send_data fails with Code::resource_exhausted.
class Exchange {
 public:
  virtual ~Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Server: the request received. Client: the one sent.
  virtual const RequestHead& request() const { return request_; }
  /// Who is at the other end, and the name that its certificate proved (empty without mTLS).
  virtual const io::Address& peer() const = 0;
  virtual std::string_view peer_certificate_name() const { return {}; }

  /// Server: what routers and middlewares have found out about the request.
  virtual RequestContext& context() { return context_; }

  /// The receiver of this exchange's events; must be given inside Handler::handle or Client::start and may be replaced later. Without one, what comes
  /// is dropped.
  virtual void set_sink(MessageSink* sink) { sink_ = sink; }
  /// Opens the receive window again for `n` bytes of on_data; what is never given back bounds what the peer can send.
  virtual void consumed(size_t n) = 0;

  /// Server: the body is a stream of messages that come when they come: it has no min_body_rate any more, nor, over HTTP/2 (which has PINGs), a
  /// body_stall_timeout. Without this call every body that is not whole has both, whether or not it has said its length.
  virtual void let_body_rest() {}

  /// Server: of a body that is not whole the user has kept `bytes` until now; zero when it is whole, or let go. Fails with Code::resource_exhausted
  /// when the bodies of all requests have too many (max_half_frame_bytes of the server) and this one has grown: the user lets go, and refuses the
  /// request.
  virtual Result<void> hold([[maybe_unused]] size_t bytes) { return {}; }

  /// Server: the response's head; 1xx statuses may come before it and have no `end`.
  /// Of HTTP/1.1 is 101, to a request with "connection: upgrade": from then on send_data and on_data carry the bytes of the other protocol, unframed,
  /// and the connection closes when our side has ended. The on_end of the request itself may come before; a second one is the peer's end.
  virtual Result<void> send_response(int status, const Headers& headers, bool end = false) = 0;
  virtual Result<void> send_data(Bytes data, bool end = false) = 0;
  /// Server: whether send_data takes so many bytes now; its error otherwise. Asked before the head, so that an answer that cannot leave is an error
  /// and no half of one.
  virtual Result<void> room_for([[maybe_unused]] size_t bytes) const { return {}; }
  /// Ends the message. Over HTTP/1.1 trailers are sent when the body is chunked, and dropped otherwise.
  virtual Result<void> send_trailers(const Headers& trailers) = 0;
  /// Server: holds the peer, for the rest of its connection, to a policy of PINGs; the first that is given stays. Only HTTP/2 has PINGs.
  virtual void hold_to(const PingPolicy&) {}
  /// Gives the exchange up; no event comes after it. After it only destruction.
  virtual void reset(Reset reason) = 0;

  /// Bytes of send_data that are not yet on their way to the socket.
  virtual size_t pending_bytes() const = 0;
  /// pending_bytes() was above the high-water mark and has not fallen to the low one since: wait for on_writable.
  virtual bool write_blocked() const = 0;

 protected:
  Exchange() = default;
  explicit Exchange(RequestHead&& request) : request_(std::move(request)) {}
  RequestHead request_;
  MessageSink* sink_ = nullptr;

 private:
  RequestContext context_;
};

using ExchangePtr = std::unique_ptr<Exchange>;

/// Server: answers whole, with a content-length; `headers` are sent too. To HEAD the body does not leave. A body for which there is no room
/// (Exchange::room_for) is answered with 500 and its sentence, which is the error, too.
Result<void> respond(Exchange& exchange, int status, std::string_view content_type, Bytes body, Headers headers = {});
/// Server: answers with a sentence as plain text.
Result<void> respond_text(Exchange& exchange, int status, std::string_view sentence, Headers headers = {});

/// Answers requests. Shared by all shards. Must not block and must not throw.
class Handler {
 public:
  virtual ~Handler() = default;
  /// The request's head is whole; its body comes to the sink given now. Keeps the exchange until it is answered; dropped without a head sent, the
  /// peer gets 500 (HTTP/1.1) or a reset.
  virtual void handle(ExchangePtr exchange) = 0;
  /// Told before the body of a request with "expect: 100-continue" is asked for; false: handle() answers without the body.
  virtual bool wants_body(const RequestHead&) const { return true; }
};

}  // namespace sofa::http
