#include "sofa/http/websocket.h"

#include <openssl/rand.h>

#include "sofa/base/base64.h"
#include "sofa/base/utf8.h"
#include "sofa/http/body.h"
#include "sofa/http/detail/text.h"
#include "sofa/http/detail/websocket_codec.h"
#include "sofa/http/origin.h"
#include "sofa/io/shard.h"

namespace sofa::http {

using detail::Opcode;
using Event = detail::WebSocketReader::Event;

namespace {

/// Given up by its own side, and never said on the wire.
constexpr uint16_t kAbnormal = 1006;

std::string random_key() {
  uint8_t bytes[16];
  ::RAND_bytes(bytes, sizeof bytes);
  return to_base64(ByteSpan(bytes, sizeof bytes));
}

/// All fields of one name as one list.
std::string list_of(const Headers& headers, std::string_view name) {
  std::string list;
  for (const HeaderField field : headers) {
    if (field.name != name) continue;
    if (!list.empty()) list += ", ";
    list += field.value;
  }
  return list;
}

struct Refused {
  int status;
  std::string reason;
};

bool may_connect(std::string_view origin, const RequestHead& head, const WebSocketOptions& options) {
  return options.origins.empty() ? is_own_origin(origin, head) : has_origin(options.origins, origin);
}

std::optional<Refused> check_handshake(const RequestHead& head, const WebSocketOptions& options) {
  const Headers& headers = head.headers;
  if (head.method != "GET" || !headers.has_token("connection", "upgrade") || !headers.has_token("upgrade", "websocket")) {
    return Refused{426, "this is a WebSocket: connect with GET, 'connection: upgrade' and 'upgrade: websocket'"};
  }
  if (headers.get_or("sec-websocket-version") != "13") return Refused{426, "the version of WebSocket is 13"};
  const auto key = from_base64(headers.get_or("sec-websocket-key"));
  if (!key || key->size() != 16) return Refused{400, "sec-websocket-key is not 16 bytes in base64"};
  const auto origin = headers.get("origin");
  if (origin && !may_connect(*origin, head, options)) return Refused{403, fmt::format("pages of '{}' may not connect here", *origin)};
  if (head.version != Version::http1_1 || headers.has_token("connection", "close")) {
    return Refused{400, "the connection of a WebSocket goes on: ask over HTTP/1.1 and without 'connection: close'"};
  }
  return std::nullopt;
}

std::string choose_protocol(const WebSocketOptions& options, std::string_view offered) {
  std::string chosen;
  for (const std::string& ours : options.protocols) {
    detail::for_each_item(offered, [&](std::string_view theirs) {
      if (chosen.empty() && theirs == ours) chosen = ours;
    });
  }
  return chosen;
}

}  // namespace

WebSocket::WebSocket(Side side, const WebSocketOptions& options)
    : side_(side), options_(options), shard_(io::Shard::current()), last_received_(shard_.now()) {}

WebSocket::~WebSocket() {
  if (exchange_ != nullptr) exchange_->set_sink(nullptr);
}

// ---------------------------------------------------------------- the handshake

Result<std::unique_ptr<WebSocket>> WebSocket::accept(ExchangePtr exchange, const WebSocketOptions& options) {
  const RequestHead& head = exchange->request();
  if (const auto refused = check_handshake(head, options)) {
    Headers headers;
    if (refused->status == 426) headers = {{"upgrade", "websocket"}, {"sec-websocket-version", "13"}};
    [[maybe_unused]] const auto sent = respond_text(*exchange, refused->status, refused->reason, std::move(headers));
    return fail(Code::failed_precondition, "the handshake of {} was refused: {}", exchange->peer().to_string(), refused->reason);
  }
  std::unique_ptr<WebSocket> socket(new WebSocket(Side::server, options));
  Headers answer{{"upgrade", "websocket"}, {"sec-websocket-accept", detail::websocket_accept(head.headers.get_or("sec-websocket-key"))}};
  std::optional<detail::DeflateAnswer> deflate;
  if (options.compress) deflate = detail::answer_deflate_offer(list_of(head.headers, "sec-websocket-extensions"), options.context_takeover);
  if (deflate) answer.add("sec-websocket-extensions", deflate->header);
  socket->protocol_ = choose_protocol(options, list_of(head.headers, "sec-websocket-protocol"));
  if (!socket->protocol_.empty()) answer.add("sec-websocket-protocol", socket->protocol_);
  if (auto switched = exchange->send_response(101, answer); !switched) return forward_error(switched);
  socket->exchange_ = std::move(exchange);
  socket->open(deflate ? &deflate->rules : nullptr);
  return socket;
}

/// The sink of a client's handshake. Data that comes with the answer is the socket's already.
class WebSocket::Handshake final : public MessageSink {
 public:
  Handshake(WebSocket& socket, std::string_view key, const WebSocketOptions& options)
      : socket_(socket), accept_(detail::websocket_accept(key)), options_(options) {}

  void on_response(ResponseHead& head, bool final) override {
    if (!final) return;
    result_ = check(head);
    done_.set();
  }
  void on_data(ByteSpan data) override { socket_.exchange_->consumed(data.size()); }
  void on_end(Headers&) override {}
  void on_abort(Error error) override {
    if (!result_) result_ = std::unexpected<Error>(std::move(error));
    done_.set();
  }
  io::Task<Result<void>> result() {
    co_await io::or_return(done_.wait());
    co_return std::move(*result_);
  }

 private:
  Result<void> check(const ResponseHead& head) {
    const std::string peer = socket_.exchange_->peer().to_string();
    if (head.status != 101) return fail(Code::unavailable, "{} answered {} instead of switching to WebSocket", peer, head.status);
    if (!head.headers.has_token("upgrade", "websocket") || head.headers.get_or("sec-websocket-accept") != accept_) {
      return fail(Code::unavailable, "{} switched to something else than this WebSocket", peer);
    }
    const std::string extensions = list_of(head.headers, "sec-websocket-extensions");
    std::optional<detail::DeflateRules> rules;
    if (!extensions.empty()) {
      if (!options_.compress) return fail(Code::unavailable, "{} uses the extensions '{}', and none was offered", peer, extensions);
      auto read = detail::read_deflate_answer(extensions, options_.context_takeover);
      if (!read) return forward_error(read);
      rules = *read;
    }
    socket_.protocol_ = head.headers.get_or("sec-websocket-protocol");
    if (!socket_.protocol_.empty() && !detail::contains(options_.protocols, socket_.protocol_)) {
      return fail(Code::unavailable, "{} chose the subprotocol '{}', which was not offered", peer, socket_.protocol_);
    }
    socket_.open(rules ? &*rules : nullptr);
    return {};
  }

  WebSocket& socket_;
  const std::string accept_;
  const WebSocketOptions& options_;
  std::optional<Result<void>> result_;
  io::Event done_;
};

io::Task<Result<std::unique_ptr<WebSocket>>> WebSocket::connect(ClientConnection& connection, RequestHead request, WebSocketOptions options) {
  const std::string key = random_key();
  request.method = "GET";
  request.headers.set("connection", "upgrade");
  request.headers.set("upgrade", "websocket");
  request.headers.set("sec-websocket-version", "13");
  request.headers.set("sec-websocket-key", key);
  if (options.compress) request.headers.set("sec-websocket-extensions", detail::deflate_offer(options.context_takeover));
  if (!options.protocols.empty()) request.headers.set("sec-websocket-protocol", fmt::format("{}", fmt::join(options.protocols, ", ")));
  std::unique_ptr<WebSocket> socket(new WebSocket(Side::client, options));
  Handshake handshake(*socket, key, options);
  socket->exchange_ = co_await io::or_return(connection.start(std::move(request), handshake, true));
  if (auto switched = co_await handshake.result(); !switched) {
    socket->exchange_->set_sink(nullptr);
    co_return forward_error(switched);
  }
  co_return std::move(socket);
}

void WebSocket::open(const detail::DeflateRules* rules) {
  reader_ = std::make_unique<detail::WebSocketReader>(side_ == Side::server, options_.max_message, rules);
  if (rules != nullptr) deflater_ = std::make_unique<detail::MessageDeflater>(*rules);
  exchange_->set_sink(this);
  arm_timer();
}

// ---------------------------------------------------------------- receiving

void WebSocket::on_data(ByteSpan data) {
  last_received_ = shard_.now();
  pinged_ = false;
  not_given_back_ += data.size();
  in_.append(data);
  take_input();
  give_back();
  hold_unfinished();
}

void WebSocket::take_input() {
  while (!ended_ && unread_ < options_.max_unread) {
    switch (reader_->next(in_)) {
      case Event::need_more:
        if (left_) {
          peer_code_ = kAbnormal;
          fail_with(*left_);
        }
        return;
      case Event::message: {
        Bytes data = reader_->take_payload();
        if (close_sent_) break;  // nobody reads it
        unread_ += data.size() + 1;
        messages_.push_back({reader_->opcode() == Opcode::text ? Kind::text : Kind::binary, std::move(data)});
        changed_.set();
        break;
      }
      case Event::ping:
        if (!close_sent_) send_frame(static_cast<uint8_t>(Opcode::pong), reader_->take_payload().span(), false);
        break;
      case Event::pong:
        break;
      case Event::close:
        return on_peer_close(reader_->close_code(), reader_->take_payload().text());
      case Event::failed: {
        Error error(Code::invalid_argument, fmt::format("{} broke the protocol of WebSocket: {}", peer().to_string(), reader_->problem()));
        send_close(reader_->close_code(), reader_->problem());
        return fail_with(std::move(error));
      }
    }
  }
}

// The answer to a goodbye is the same code; then a server ends the connection, a client waits for that (RFC 6455, 7.1.1).
void WebSocket::on_peer_close(uint16_t code, std::string_view reason) {
  peer_code_ = code;
  peer_reason_ = reason;
  send_close(code, {});
  ended_ = true;
  timer_.cancel();
  changed_.set();
}

// What has come of a message that is not whole counts as a half-received body does.
void WebSocket::hold_unfinished() {
  if (exchange_ == nullptr) return;
  auto held = exchange_->hold(ended_ ? 0 : in_.size() + reader_->held());
  if (held) return;
  [[maybe_unused]] const auto let_go = exchange_->hold(0);
  send_close(1013, "too many unfinished messages: try again later");
  fail_with(std::move(held.error()));
}

// Reading is paused by not giving back.
void WebSocket::give_back() {
  if (unread_ >= options_.max_unread || exchange_ == nullptr) return;
  exchange_->consumed(std::exchange(not_given_back_, 0));
}

void WebSocket::on_end(Headers&) { on_abort(Error(Code::unavailable, fmt::format("{} left without a goodbye", peer().to_string()))); }

// What came before, perhaps with the goodbye, is taken first, as far as it is read.
void WebSocket::on_abort(Error error) {
  if (!ended_) left_ = std::move(error);
  take_input();
  changed_.set();
}

void WebSocket::fail_with(Error error) {
  if (!failure_) failure_ = std::move(error);
  ended_ = true;
  timer_.cancel();
  changed_.set();
}

io::Task<Result<void>> WebSocket::wait_for_change() {
  changed_.clear();
  co_return co_await changed_.wait();
}

io::Task<Result<std::optional<WebSocket::Message>>> WebSocket::read() {
  while (messages_.empty()) {
    if (failure_) co_return std::unexpected<Error>(*failure_);
    if (ended_) co_return std::nullopt;
    co_await io::or_return(wait_for_change());
  }
  Message message = std::move(messages_.front());
  messages_.pop_front();
  unread_ -= message.data.size() + 1;
  take_input();
  give_back();
  hold_unfinished();
  co_return message;
}

// ---------------------------------------------------------------- sending

void WebSocket::send_frame(uint8_t opcode, ByteSpan payload, bool compressed, bool end) {
  Buffer out;
  uint8_t mask[4];
  if (side_ == Side::client) ::RAND_bytes(mask, sizeof mask);
  detail::append_frame(out, static_cast<Opcode>(opcode), payload, compressed, side_ == Side::client ? mask : nullptr);
  if (auto sent = exchange_->send_data(out.take(), end); !sent && !left_) fail_with(std::move(sent.error()));
}

void WebSocket::send_close(uint16_t code, std::string_view reason) {
  const bool is_last_word = peer_code_ != 0 || code == 1002 || code == 1007 || code == 1009 || code == 1013;
  const bool ends_connection = side_ == Side::server && is_last_word;
  if (std::exchange(close_sent_, true)) {
    if (!ends_connection) return;
    [[maybe_unused]] const auto ended = exchange_->send_data({}, true);
    return;
  }
  send_frame(static_cast<uint8_t>(Opcode::close), detail::close_payload(code, reason).span(), false, ends_connection);
}

io::Task<Result<void>> WebSocket::write(Message message) {
  if (gone()) co_return std::unexpected<Error>(*gone());
  if (close_sent_) co_return fail(Code::failed_precondition, "the WebSocket to {} is closed", peer().to_string());
  const Opcode opcode = message.kind == Kind::text ? Opcode::text : Opcode::binary;
  if (opcode == Opcode::text && !is_utf8(message.data.text())) {
    co_return fail(Code::invalid_argument, "a text message of {} bytes is not UTF-8: send it as binary", message.data.size());
  }
  const bool compressed = deflater_ != nullptr && message.data.size() >= options_.min_compressed;
  if (compressed) message.data = deflater_->deflate(message.data.span());
  send_frame(static_cast<uint8_t>(opcode), message.data.span(), compressed);
  while (!gone() && exchange_->write_blocked()) co_await io::or_return(wait_for_change());
  if (gone()) co_return std::unexpected<Error>(*gone());
  co_return Result<void>{};
}

io::Task<Result<void>> WebSocket::wait_for_end() {
  while (!ended_) co_await io::or_return(wait_for_change());
  co_return Result<void>{};
}

io::Task<Result<void>> WebSocket::close(uint16_t code, std::string_view reason) {
  if (!ended_) {
    send_close(code, reason);
    messages_.clear();
    unread_ = 0;
    take_input();
    give_back();
  }
  auto ended = co_await io::with_timeout(options_.close_timeout, wait_for_end());
  if (!ended) exchange_->reset(Reset::cancel);
  if (!ended) co_return ended;
  if (failure_) co_return std::unexpected<Error>(*failure_);
  co_return Result<void>{};
}

void WebSocket::on_drain() {
  if (ended_ || close_sent_) return;
  give_up_at_ = deadline_after(shard_.now(), options_.close_timeout);
  send_close(1001, "the server stops");
  arm_timer();
}

// ---------------------------------------------------------------- pings

void WebSocket::arm_timer() {
  if (give_up_at_ != kNoDeadline && !ended_) return shard_.schedule(timer_, give_up_at_);
  if (options_.ping_interval == Duration::zero() || ended_) return;
  const Duration wait = pinged_ ? options_.ping_interval + options_.ping_timeout : options_.ping_interval;
  shard_.schedule(timer_, deadline_after(last_received_, wait));
}

void WebSocket::give_up(std::string_view reason) {
  exchange_->reset(Reset::cancel);
  peer_code_ = kAbnormal;
  fail_with(Error(Code::unavailable, fmt::format("{} {}", peer().to_string(), reason)));
}

void WebSocket::on_timer() {
  if (shard_.now() >= give_up_at_) return give_up("did not answer the goodbye of a stopping server in time (close_timeout)");
  const Duration silent = shard_.now() - last_received_;
  if (unread_ >= options_.max_unread) {
    last_received_ = shard_.now();  // it is we who do not read
  } else if (pinged_ && silent >= options_.ping_interval + options_.ping_timeout) {
    return give_up("answered no ping in time (ping_timeout)");
  } else if (!pinged_ && silent >= options_.ping_interval) {
    pinged_ = true;
    send_frame(static_cast<uint8_t>(Opcode::ping), {}, false);
  }
  arm_timer();
}

}  // namespace sofa::http
