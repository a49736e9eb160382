#include "sofa/http/detail/http2_stream.h"

#include "sofa/http/detail/http2_connection.h"

namespace sofa::http::detail {

size_t SendQueue::whole_parts(size_t most) const {
  if (size_ <= most) return size_;
  size_t whole = 0;
  for (size_t at = head_, taken = offset_; whole + parts_[at].size() - taken <= most; ++at, taken = 0) whole += parts_[at].size() - taken;
  return whole > 0 ? whole : most;
}

Bytes SendQueue::take(size_t n) {
  Bytes& first = parts_[head_];
  n = std::min(n, first.size() - offset_);
  Bytes taken = first.slice(offset_, n);
  drop(n);
  return taken;
}

void SendQueue::copy_to(uint8_t* into, size_t n) {
  while (n > 0) {
    const Bytes& first = parts_[head_];
    const size_t now = std::min(n, first.size() - offset_);
    std::memcpy(into, first.data() + offset_, now);
    drop(now);
    into += now;
    n -= now;
  }
}

void SendQueue::drop(size_t n) {
  size_ -= n;
  offset_ += n;
  if (offset_ < parts_[head_].size()) return;
  parts_[head_++] = Bytes();
  offset_ = 0;
  if (head_ == parts_.size()) {
    parts_.clear();
    head_ = 0;
  }
}

void SendQueue::clear() {
  parts_.clear();
  head_ = offset_ = size_ = 0;
}

void Http2Stream::reset() {
  queue.clear();
  trailers.clear();
  id = 0;
  exchange = nullptr;
  head_sent = send_ended = end_sent = with_trailers = head_received = received_all = deferred = blocked = peer_reset = malformed = body_timed = false;
  body_length.reset();
  unanswered = Reset::cancel;
  sent = received = 0;
}

Http2Exchange::Http2Exchange(Http2Connection& connection, Http2Stream& stream, RequestHead&& request, std::shared_ptr<const Http2Peer> peer)
    : Exchange(std::move(request)),
      connection_(&connection),
      stream_(&stream),
      held_(connection.options_.half_bodies.get()),
      id_(stream.id),
      peer_(std::move(peer)) {}

Http2Exchange::~Http2Exchange() {
  if (connection_ != nullptr) connection_->drop(*this);
}

Result<void> Http2Exchange::check_open() const {
  if (connection_ == nullptr) return fail(Code::unavailable, "the connection to {} has ended", peer_->address.to_string());
  if (stream_ == nullptr) return fail(Code::unavailable, "the exchange with {} has ended", peer_->address.to_string());
  return {};
}

void Http2Exchange::abort(Error error) {
  if (MessageSink* sink = std::exchange(sink_, nullptr)) sink->on_abort(std::move(error));
}

void Http2Exchange::consumed(size_t n) {
  n = std::min(n, unconsumed_);
  if (n == 0 || connection_ == nullptr) return;
  unconsumed_ -= n;
  if (stream_ != nullptr) stream_->received_at = connection_->shard_.now();  // the window may have been shut
  connection_->consume(id_, n);
}

void Http2Exchange::let_body_rest() {
  if (stream_ != nullptr) stream_->body_timed = false;
}

Result<void> Http2Exchange::hold(size_t bytes) { return connection_ == nullptr ? Result<void>() : held_.hold(bytes); }

Result<void> Http2Exchange::room_for(size_t bytes) const {
  if (auto open = check_open(); !open) return open;
  return connection_->room_for(*stream_, bytes);
}

Result<void> Http2Exchange::send_response(int status, const Headers& headers, bool end) {
  if (auto open = check_open(); !open) return open;
  return connection_->send_response(*stream_, status, headers, end);
}

Result<void> Http2Exchange::send_data(Bytes data, bool end) {
  if (auto open = check_open(); !open) return open;
  return connection_->send_data(*stream_, std::move(data), end);
}

Result<void> Http2Exchange::send_trailers(const Headers& trailers) {
  if (auto open = check_open(); !open) return open;
  return connection_->send_trailers(*stream_, trailers);
}

void Http2Exchange::hold_to(const PingPolicy& policy) {
  if (connection_ != nullptr) connection_->hold_to(policy);
}

void Http2Exchange::reset(Reset reason) {
  sink_ = nullptr;
  if (connection_ == nullptr || stream_ == nullptr) return;
  connection_->reset(*this, reason);
}

}  // namespace sofa::http::detail
