#include "sofa/http/detail/http1_server.h"

#include "sofa/http/fields.h"

namespace sofa::http::detail {

ServerExchange::ServerExchange(ServerConnection& connection, Reply& reply, RequestHead head, const MessageFacts& facts)
    : connection_(&connection),
      reply_(&reply),
      peer_(connection.peer_),
      certificate_name_(connection.stream_.peer_certificate_name()),
      may_upgrade_(facts.upgrade && facts.keep_alive),
      held_(connection.options_.half_bodies.get()),
      head_size_(head_size(head)) {
  request_ = std::move(head);
}

ServerExchange::~ServerExchange() {
  if (connection_ == nullptr) return;
  let_go_of_budget();
  sink_ = nullptr;
  ServerConnection& connection = *connection_;
  if (state_ == State::before_head) {
    [[maybe_unused]] const auto sent = send_response(500, {}, true);
  }
  if (connection.receiver_ == this) connection.receiver_ = nullptr;
  if (reply_ == nullptr) {
    connection.wake_.set();
    return;
  }
  reply_->exchange = nullptr;
  reply_->cut = true;
  connection.settle();
}

void ServerExchange::consumed(size_t n) {
  if (connection_ == nullptr || connection_->receiver_ != this) return;
  connection_->unread_ -= std::min(connection_->unread_, n);
  connection_->wake_.set();
}

void ServerExchange::let_body_rest() {
  if (connection_ != nullptr && connection_->receiver_ == this) connection_->body_timed_ = false;
}

Result<void> ServerExchange::hold(size_t bytes) { return connection_ == nullptr ? Result<void>() : held_.hold(bytes); }

Result<void> ServerExchange::check_state(State wanted) const {
  if (failure_) return std::unexpected<Error>(*failure_);
  if (state_ == wanted) return {};
  switch (state_) {
    case State::before_head:
      return fail(Code::failed_precondition, "data of the response to {} was sent before its head: call send_response first", request_.target);
    case State::body:
      return fail(Code::failed_precondition, "the head of the response to {} was sent already", request_.target);
    case State::done:
      break;
  }
  return fail(Code::failed_precondition, "the response to {} has ended already", request_.target);
}

Result<void> ServerExchange::room_for(size_t bytes) const {
  if (reply_ == nullptr) return {};  // the head says why not
  return connection_->check_room(*reply_, bytes);
}

Result<void> ServerExchange::send_response(int status, const Headers& headers, bool end) {
  if (auto open = check_state(State::before_head); !open) return open;
  if (auto valid = check_fields(headers); !valid) return valid;
  if (status == 101) return switch_protocols(headers);
  if (status < 200) return send_interim(status, headers);
  const Framing framing = begin_body(status, headers, end);
  if (wants_continue_ || headers.has_token("connection", "close") || (framing == Framing::until_close && request_.method != "HEAD")) {
    reply_->last = true;
    connection_->no_more_ = true;
  }
  HeadFrame frame{.framing = framing,
                  .connection = {},
                  .date = connection_->date(),
                  .zero_length = end && status != 204 && status != 304,
                  .no_length = status == 204};
  if (reply_->last) frame.connection = "close";
  if (!reply_->last && request_.version == Version::http1_0) frame.connection = "keep-alive";
  if (request_.method == "HEAD") frame.zero_length = false;
  Buffer out;
  append_response_head(out, status, Version::http1_1, headers, frame);
  GatherList bytes;
  bytes.add(out.take());
  state_ = State::body;
  if (end) {
    if (auto ended = body_.end(nullptr, bytes); !ended) return ended;
  }
  return send(std::move(bytes), end);
}

Framing ServerExchange::begin_body(int status, const Headers& headers, bool end) {
  const auto length = content_length(headers);
  Framing framing = Framing::chunked;
  if (status == 204 || status == 304) {
    framing = Framing::none;
  } else if (length) {
    framing = Framing::length;
  } else if (end && request_.method != "HEAD") {
    framing = Framing::none;
  } else if (request_.version == Version::http1_0 || request_.method == "HEAD") {
    framing = Framing::until_close;
  }
  body_.begin(framing, length.value_or(0));
  if (request_.method == "HEAD") body_.discard_data();
  return framing;
}

void ServerExchange::send_continue() {
  wants_continue_ = true;
  [[maybe_unused]] const auto sent = send_interim(100, {});
}

Result<void> ServerExchange::send_interim(int status, const Headers& headers) {
  if (request_.version == Version::http1_0) return {};
  if (status == 100 && !std::exchange(wants_continue_, false)) return {};
  Buffer out;
  append_response_head(out, status, Version::http1_1, headers, {});
  GatherList bytes;
  bytes.add(out.take());
  return send(std::move(bytes), false);
}

Result<void> ServerExchange::switch_protocols(const Headers& headers) {
  if (!may_upgrade_) return fail(Code::failed_precondition, "101 was sent to a request that asks for no upgrade ({})", request_.target);
  Buffer out;
  append_response_head(out, 101, Version::http1_1, headers, {.framing = Framing::raw, .connection = "Upgrade"});
  GatherList bytes;
  bytes.add(out.take());
  body_.begin(Framing::raw);
  state_ = State::body;
  reply_->last = true;
  connection_->raw_ = true;
  connection_->receiver_ = this;
  connection_->message_open_ = false;
  request_whole_ = false;
  connection_->wake_.set();
  return send(std::move(bytes), false);
}

Result<void> ServerExchange::send_data(Bytes data, bool end) {
  if (auto open = check_state(State::body); !open) return open;
  if (auto room = connection_->check_room(*reply_, data.size()); !room) return room;
  GatherList bytes;
  if (auto framed = body_.data(std::move(data), end, bytes); !framed) return framed;
  return send(std::move(bytes), end);
}

Result<void> ServerExchange::send_trailers(const Headers& trailers) {
  if (auto open = check_state(State::body); !open) return open;
  if (auto valid = check_fields(trailers); !valid) return valid;
  GatherList bytes;
  if (auto framed = body_.end(&trailers, bytes); !framed) return framed;
  return send(std::move(bytes), true);
}

Result<void> ServerExchange::send(GatherList&& bytes, bool end) {
  auto sent = connection_->emit(*reply_, std::move(bytes));
  if (!sent) return sent;
  if (!write_blocked_ && pending_bytes() > connection_->options_.limits.write_high_water) {
    write_blocked_ = true;
    if (connection_->is_front(*reply_)) connection_->watch_writes();
  }
  if (end) finish();
  return {};
}

void ServerExchange::finish() {
  state_ = State::done;
  write_blocked_ = false;
  Reply& reply = *std::exchange(reply_, nullptr);
  reply.exchange = nullptr;
  reply.whole = true;
  ServerConnection& connection = *connection_;
  const uint64_t to_come = connection.parser_.facts().body_left;
  if (connection.receiver_ == this && to_come != UINT64_MAX && to_come > connection.options_.max_discard) reply.last = true;
  if (request_whole_) detach();
  connection.settle();
}

void ServerExchange::reset(Reset) {
  if (connection_ == nullptr) return;
  ServerConnection& connection = *connection_;
  if (reply_ != nullptr) reply_->cut = true;
  sink_ = nullptr;
  detach();
  failure_ = Error(Code::unavailable, "the exchange was reset by this side");
  connection.settle();
}

size_t ServerExchange::pending_bytes() const {
  if (connection_ == nullptr || reply_ == nullptr) return 0;
  return connection_->waiting_bytes(*reply_);
}

void ServerExchange::abort(Error error) {
  failure_ = std::move(error);
  detach();
  if (sink_ != nullptr) sink_->on_abort(*failure_);
}

void ServerExchange::let_go_of_budget() {
  held_.let_go();
  connection_->held_heads_.drop(std::exchange(head_size_, 0));
}

void ServerExchange::detach() {
  if (connection_ != nullptr) let_go_of_budget();
  if (connection_ != nullptr && connection_->receiver_ == this) connection_->receiver_ = nullptr;
  if (reply_ != nullptr) reply_->exchange = nullptr;
  reply_ = nullptr;
  connection_ = nullptr;
}

}  // namespace sofa::http::detail
