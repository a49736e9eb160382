#include "sofa/http/detail/http2_callbacks.h"

#include "sofa/http/detail/http2_connection.h"

namespace sofa::http::detail {

namespace {
constexpr size_t kMostGoawayText = 256;  // bytes of it that are kept

std::string_view text_of(const uint8_t* data, size_t size) { return as_text({data, size}); }
}  // namespace

/// Functions with nghttp2's signatures; a failure ends mem_recv or mem_send with NGHTTP2_ERR_CALLBACK_FAILURE.
struct Http2Callbacks {
  static Http2Connection& of(void* self) { return *static_cast<Http2Connection*>(self); }
  static Http2Stream* stream_of(nghttp2_session* session, int32_t id) {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }
  // No exception may pass through nghttp2; a handler that throws costs its connection.
  template <class F>
  static int run(void* self, F event) {
    Http2Connection& connection = of(self);
    try {
      event(connection);
    } catch (const std::exception& e) {
      connection.fault_ = {CloseKind::handler_fault, NGHTTP2_INTERNAL_ERROR, fmt::format("a handler threw an exception: {}", e.what())};
    }
    return connection.is_open() && !connection.fault_ ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int, void* self) {
    return run(self, [&](Http2Connection& connection) { connection.on_invalid_frame(*frame); });
  }
  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return run(self, [&](Http2Connection& connection) { connection.begin_head(*frame); });
  }
  static int on_header(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size, const uint8_t* value, size_t value_size,
                       uint8_t, void* self) {
    return run(self, [&](Http2Connection& connection) { connection.add_field(text_of(name, name_size), text_of(value, value_size)); });
  }
  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    return run(self, [&](Http2Connection& connection) { connection.on_frame(*frame); });
  }
  static int on_data_chunk(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* self) {
    return run(self, [&](Http2Connection& connection) { connection.on_data(id, {data, size}); });
  }
  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    of(self).on_frame_sent(*frame);
    return 0;
  }
  static int on_frame_not_send(nghttp2_session*, const nghttp2_frame* frame, int error, void* self) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) of(self).on_request_not_sent(frame->hd.stream_id, error);
    return 0;
  }
  static int on_stream_close(nghttp2_session* session, int32_t id, uint32_t code, void* self) {
    Http2Stream* stream = stream_of(session, id);
    if (stream == nullptr) return 0;
    return run(self, [&](Http2Connection& connection) { connection.on_stream_closed(*stream, code); });
  }
  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* frame_head, size_t size, nghttp2_data_source* source, void* self) {
    constexpr size_t kFrameHead = 9;
    of(self).write_body(*static_cast<Http2Stream*>(source->ptr), {frame_head, kFrameHead}, size);
    return 0;
  }
  static ssize_t read_body(Http2Stream& stream, size_t max, uint32_t& flags, void* self) { return of(self).read_body(stream, max, flags); }
  static int on_error(nghttp2_session*, int, const char* message, size_t size, void* self) {
    of(self).last_error_.assign(message, size);
    return 0;
  }
};

const nghttp2_session_callbacks* http2_callbacks() {
  static const nghttp2_session_callbacks* const table = [] {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, &Http2Callbacks::on_invalid_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, &Http2Callbacks::on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, &Http2Callbacks::on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, &Http2Callbacks::on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &Http2Callbacks::on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, &Http2Callbacks::on_frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, &Http2Callbacks::on_frame_not_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, &Http2Callbacks::on_stream_close);
    nghttp2_session_callbacks_set_send_data_callback(made, &Http2Callbacks::send_data);
    nghttp2_session_callbacks_set_error_callback2(made, &Http2Callbacks::on_error);
    return made;
  }();
  return table;
}

ssize_t http2_read_body(nghttp2_session*, int32_t, uint8_t*, size_t max, uint32_t* flags, nghttp2_data_source* source, void* self) {
  return Http2Callbacks::read_body(*static_cast<Http2Stream*>(source->ptr), max, *flags, self);
}

// ---------------------------------------------------------------- what arrives

void Http2Connection::begin_head(const nghttp2_frame& frame) {
  block_size_ = block_fields_ = 0;
  expects_continue_ = false;
  if (frame.hd.type != NGHTTP2_HEADERS) {
    fields_ = nullptr;
  } else if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    request_ = spare_heads().take();
    request_.method.clear();
    request_.scheme.clear();
    request_.authority.clear();
    request_.target.clear();
    request_.version = Version::http2;
    fields_ = &request_.headers;
  } else if (const Http2Stream* stream = stream_of(frame.hd.stream_id); side_ == Side::client && stream != nullptr && !stream->head_received) {
    response_.status = 0;
    response_.version = Version::http2;
    fields_ = &response_.headers;
  } else {
    fields_ = &trailers_;
  }
  if (fields_ != nullptr) fields_->clear();
  if (side_ == Side::server) rules_.begin(fields_ == &request_.headers ? RequestRules::Block::head : RequestRules::Block::trailers);
}

bool Http2Connection::block_too_large() const { return block_size_ > options_.limits.max_header_list || block_fields_ > options_.limits.max_headers; }

void Http2Connection::add_field(std::string_view name, std::string_view value) {
  block_size_ += name.size() + value.size() + 32;
  ++block_fields_;
  if (block_size_ > 4 * options_.limits.max_header_list) {
    return accuse(NGHTTP2_ENHANCE_YOUR_CALM, fmt::format("a header list of more than {} bytes, 4 times max_header_list (HPACK bomb)", block_size_));
  }
  if (side_ == Side::server && !rules_.admit(name, value)) return;
  if (fields_ == nullptr || block_too_large()) return;
  if (name.starts_with(':')) return add_pseudo_field(name, value);
  if (name == "expect" && value == "100-continue") expects_continue_ = true;
  fields_->add(name, value);
}

// They come first, once each, and are those of a request or a response: RequestRules or nghttp2 has seen to it.
void Http2Connection::add_pseudo_field(std::string_view name, std::string_view value) {
  if (name == ":path") {
    request_.target = value;
  } else if (name == ":method") {
    request_.method = value;
  } else if (name == ":scheme") {
    request_.scheme = value;
  } else if (name == ":authority") {
    request_.authority = value;
  } else if (name == ":status") {
    response_.status = 0;
    for (const char digit : value) response_.status = response_.status * 10 + (digit - '0');
  }
}

void Http2Connection::on_frame(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      return on_head(frame);
    case NGHTTP2_DATA:
      if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        if (frame.data.padlen > 0 && frame.hd.length == frame.data.padlen) count_flood(Flood::empty_data, "empty DATA frames");
      } else if (Http2Stream* stream = stream_of(frame.hd.stream_id)) {
        on_end(*stream);
      }
      return;
    case NGHTTP2_PING:
      return (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0 ? on_ping_answered(frame.ping.opaque_data) : on_ping();
    case NGHTTP2_RST_STREAM:
      if (Http2Stream* stream = stream_of(frame.hd.stream_id)) stream->peer_reset = true;
      return;
    case NGHTTP2_GOAWAY:
      return on_goaway(frame);
    default:
      return;
  }
}

void Http2Connection::on_head(const nghttp2_frame& frame) {
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) return on_request(frame);
  Http2Stream* stream = stream_of(frame.hd.stream_id);
  if (stream == nullptr) return;
  if (block_too_large()) {
    trailers_ = Headers();
    Http2Exchange* exchange = stream->exchange;
    abandon(*stream, Reset::enhance_your_calm);  // not `refused`: the request may have been carried out
    if (exchange != nullptr) {
      exchange->abort(
          Error(Code::resource_exhausted, fmt::format("the peer's header fields have {} bytes in {} fields: too large (max_header_list {}, "
                                                      "max_headers {})",
                                                      block_size_, block_fields_, options_.limits.max_header_list, options_.limits.max_headers)));
    }
    return;
  }
  if (side_ == Side::server) return on_trailers(*stream, end);
  if (fields_ == &response_.headers) on_response(*stream);
  if (end) on_end(*stream);
}

void Http2Connection::on_trailers(Http2Stream& stream, bool end) {
  if (!rules_.is_malformed(end)) return on_end(stream);
  trailers_ = Headers();
  reset_malformed(stream);
}

void Http2Connection::on_request(const nghttp2_frame& frame) {
  ++stats_.requests_in;
  const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (rules_.is_malformed(end)) {
    request_ = RequestHead();  // up to the largest block, counted nowhere
    return reset_malformed(frame.hd.stream_id);
  }
  Http2Stream& stream = open_stream();
  stream.id = frame.hd.stream_id;
  stream.head_received = true;
  stream.received_all = end;
  stream.received_at = stream.body_begun = shard_.now();
  stream.body_length = end ? std::nullopt : rules_.length();
  stream.body_timed = !end;
  nghttp2_session_set_stream_user_data(session_, stream.id, &stream);
  if (block_too_large()) return refuse(stream, 431);
  if (request_.target.size() > options_.limits.max_target) return refuse(stream, 414);
  if (!held_heads_.add(block_size_)) return refuse(stream, 503);
  if (request_.authority.empty()) request_.authority = request_.headers.get_or("host");
  hand_over(stream, expects_continue_ && !end);
}

// request_, whose stream is open.
void Http2Connection::hand_over(Http2Stream& stream, bool expects_continue) {
  const bool ask_for_body = expects_continue && handler_->wants_body(request_);
  std::unique_ptr<Http2Exchange> exchange = open_exchange(stream, std::move(request_));
  exchange->head_size_ = block_size_;
  if (ask_for_body) static_cast<void>(send_response(stream, 100, {}, false));
  handler_->handle(std::move(exchange));
  if (stream.received_all) on_end(stream);
}

void Http2Connection::on_response(Http2Stream& stream) {
  const bool final = response_.status >= 200;
  stream.head_received = final;
  if (MessageSink* sink = sink_of(stream)) sink->on_response(response_, final);
}

void Http2Connection::on_end(Http2Stream& stream) {
  Headers trailers = std::exchange(trailers_, Headers());
  if (stream.malformed || (stream.body_length && stream.received != *stream.body_length)) return reset_malformed(stream);
  stream.received_all = true;
  if (MessageSink* sink = sink_of(stream)) sink->on_end(trailers);
}

void Http2Connection::on_data(int32_t id, ByteSpan data) {
  Http2Stream* stream = stream_of(id);
  MessageSink* sink = stream == nullptr ? nullptr : sink_of(*stream);
  if (stream != nullptr) stream->received_at = shard_.now(), stream->received += data.size();
  if (stream != nullptr && stream->body_length && stream->received > *stream->body_length) {
    reset_malformed(*stream);
    sink = nullptr;
  }
  if (sink == nullptr) return consume(id, data.size());
  stream->exchange->unconsumed_ += data.size();
  sink->on_data(data);
}

void Http2Connection::on_stream_closed(Http2Stream& stream, uint32_t code) {
  Http2Exchange* exchange = stream.exchange;
  const bool whole = stream.received_all && stream.end_sent;
  const bool by_peer = stream.peer_reset;
  release_stream(stream);
  if (exchange == nullptr || whole) return;
  Error error(code == NGHTTP2_REFUSED_STREAM ? Code::unavailable : Code::aborted,
              fmt::format("the exchange with {} was reset {}: {}", peer_->address.to_string(), by_peer ? "by the peer" : "for the peer's fault",
                          nghttp2_http2_strerror(code)));
  exchange->abort(std::move(error).with_detail(std::make_shared<ResetDetail>(code)));
}

// ---------------------------------------------------------------- what leaves

void Http2Connection::on_frame_sent(const nghttp2_frame& frame) {
  ++stats_.frames_out;
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR) {
    last_error_ =
        fmt::format("{}: {}", nghttp2_http2_strerror(frame.goaway.error_code), as_text({frame.goaway.opaque_data, frame.goaway.opaque_data_len}));
  }
  if (frame.hd.type == NGHTTP2_RST_STREAM) return on_reset_sent(frame.hd.stream_id, frame.rst_stream.error_code);
  if (frame.hd.type == NGHTTP2_DATA) window_updates_due_ += 2;  // of the stream and of the connection
  if (frame.hd.type != NGHTTP2_DATA && frame.hd.type != NGHTTP2_HEADERS) return;
  ping_due_ = true;
  if (ping_guard_) ping_guard_->forgive();
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  Http2Stream* stream = stream_of(frame.hd.stream_id);
  if (stream == nullptr) return;
  stream->end_sent = true;
  if (stream->exchange == nullptr && !stream->received_all) abandon(*stream, Reset::no_error);
}

void Http2Connection::on_goaway(const nghttp2_frame& frame) {
  const size_t kept = std::min(frame.goaway.opaque_data_len, kMostGoawayText);
  told_to_go_ = {frame.goaway.error_code, std::string(text_of(frame.goaway.opaque_data, kept))};
}

// A client of grpc-go that closes names 2^31-1 as the last stream it has taken: none of this side's, which is why nghttp2 refuses it, yet a good end.
void Http2Connection::on_invalid_frame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.hd.stream_id == 0) return on_goaway(frame);
  on_fault_of_stream(frame.hd.stream_id);
}

// The peer's fault, for which nghttp2 resets the stream, costs as much as a reset of the peer's own.
void Http2Connection::on_fault_of_stream(int32_t id) {
  if (side_ == Side::client) return;
  remember_reset(id);
  count_flood(Flood::resets, "streams reset for the peer's faults");
}

// A stream error (RFC 9113, 8.1.1).
void Http2Connection::reset_malformed(int32_t id) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR);
  on_fault_of_stream(id);
  schedule_flush();
}

// Its exchange is told when nghttp2 has closed the stream.
void Http2Connection::reset_malformed(Http2Stream& stream) {
  if (!std::exchange(stream.malformed, true)) reset_malformed(stream.id);
}

// What it takes for a fault that it does not tell of before.
void Http2Connection::on_reset_sent(int32_t id, uint32_t code) {
  if (side_ == Side::client) return;
  remember_reset(id);
  if (code == NGHTTP2_STREAM_CLOSED || code == NGHTTP2_FLOW_CONTROL_ERROR) count_flood(Flood::resets, "streams reset for the peer's faults");
}

// A request that nghttp2 has opened no stream for gets no on_stream_close.
void Http2Connection::on_request_not_sent(int32_t id, int error) {
  if (stream_of(id) != nullptr) return;
  const auto found = std::find_if(streams_.begin(), streams_.end(), [id](const Http2Stream* stream) { return stream->id == id; });
  if (found == streams_.end()) return;
  Http2Exchange* exchange = (*found)->exchange;
  release_stream(**found);
  if (exchange == nullptr) return;
  exchange->abort(Error(Code::unavailable, fmt::format("the request was not sent to {}: {}", peer_->address.to_string(), nghttp2_strerror(error)))
                      .with_detail(std::make_shared<ResetDetail>(static_cast<uint32_t>(Reset::refused))));
}

// A request's frames end where its messages do, as far as these fit: Dubbo 3.3.4's server loses its place otherwise (docs/protocols/triple.md,
// section 6).
ssize_t Http2Connection::read_body(Http2Stream& stream, size_t max, uint32_t& flags) {
  const size_t n = side_ == Side::client ? stream.queue.whole_parts(max) : std::min(max, stream.queue.size());
  if (n == 0 && !stream.send_ended) {
    stream.deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  if (n == stream.queue.size() && stream.send_ended) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream.with_trailers) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      fields_to_send_.clear();
      put_fields(stream.trailers);
      nghttp2_submit_trailer(session_, stream.id, fields_to_send_.data(), fields_to_send_.size());
    }
  }
  if (n > 0) flags |= NGHTTP2_DATA_FLAG_NO_COPY;  // write_body takes them
  return static_cast<ssize_t>(n);
}

void Http2Connection::write_body(Http2Stream& stream, ByteSpan frame_head, size_t n) {
  out_.append(frame_head);
  if (n < kSharedFrom) stream.queue.copy_to(out_.extend(n), n);
  for (size_t left = n < kSharedFrom ? 0 : n; left > 0;) {
    Bytes part = stream.queue.take(left);
    left -= part.size();
    if (part.size() < kSharedFrom / 4) {
      out_.append(part.span());
    } else {
      out_.add(std::move(part));
    }
  }
  body_shrank(stream, n);
}

void Http2Connection::body_shrank(Http2Stream& stream, size_t by) {
  queued_ -= by;
  stream.sent += by;
  if (!stream.blocked || stream.queue.size() > options_.limits.write_low_water) return;
  stream.blocked = false;
  writable_.push_back(&stream);
}

}  // namespace sofa::http::detail
