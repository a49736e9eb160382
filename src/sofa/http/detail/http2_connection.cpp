#include "sofa/http/detail/http2_connection.h"

#include "sofa/base/random.h"

#include "sofa/http/detail/http1_syntax.h"
#include "sofa/http/detail/http2_callbacks.h"
#include "sofa/http/detail/http2_memory.h"
#include "sofa/http/detail/text.h"
#include "sofa/http/fields.h"

namespace sofa::http::detail {

namespace {

const Logger kLog{"http"};

/// What is collected for one write, and what may wait in the socket before no more is collected.
constexpr size_t kWriteBatch = size_t{256} << 10;
constexpr size_t kLargestSpareHead = size_t{1} << 10;

thread_local Spares<std::unique_ptr<Http2Stream>> spare_streams;
constexpr uint32_t kMaxSettings = 32;  // entries of one SETTINGS frame

struct FreeOption {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

std::unique_ptr<nghttp2_option, FreeOption> session_option(const Http2Options& options, Http2Connection::Side side) {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  if (side == Http2Connection::Side::server) nghttp2_option_set_no_http_messaging(option, 1);  // RequestRules holds requests against the rules
  nghttp2_option_set_peer_max_concurrent_streams(option, 100);
  nghttp2_option_set_max_settings(option, kMaxSettings);
  nghttp2_option_set_max_send_header_block_length(option, size_t{1} << 20);
  nghttp2_option_set_max_continuations(option, options.max_continuations);
  // Its own guards stand behind ours, which say their reason.
  nghttp2_option_set_max_outbound_ack(option, size_t{options.flood_burst} * 2 + 1000);
  nghttp2_option_set_stream_reset_rate_limit(option, uint64_t{options.flood_burst} * 2, uint64_t{options.flood_per_second} * 2);
  return std::unique_ptr<nghttp2_option, FreeOption>(option);
}

/// Fields of HTTP/1.1's connection management, which no HTTP/2 message has (RFC 9113, 8.2.2).
bool is_of_the_connection(std::string_view name) {
  switch (name.size()) {
    case 7:
      return name == "upgrade";
    case 10:
      return name == "connection" || name == "keep-alive";
    case 16:
      return name == "proxy-connection";
    case 17:
      return name == "transfer-encoding";
    default:
      return false;
  }
}

std::array<FloodGuard, kFloods> flood_guards(const Http2Options& options) {
  const FloodGuard full(options.flood_burst, options.flood_per_second);
  return {full, full, full, full, full, full, full};
}

}  // namespace

Http2Connection::Http2Connection(io::Stream stream, Side side, const Http2Options& options, Handler* handler, LogRate* close_log, Buffer prefix)
    : shard_(io::Shard::current()),
      stream_(std::move(stream)),
      side_(side),
      options_(options),
      handler_(handler),
      close_log_(close_log),
      peer_(std::make_shared<const Http2Peer>(stream_.peer(), std::string(stream_.peer_certificate_name()))),
      in_(std::move(prefix)),
      held_heads_(side == Side::server ? options.half_bodies.get() : nullptr),
      answers_(
          side == Side::server ? options.unsent : nullptr, [](void* self) { static_cast<Http2Connection*>(self)->give_up_answers(); }, this),
      guards_(flood_guards(options)),
      scanner_(side == Side::server ? std::string_view(NGHTTP2_CLIENT_MAGIC).size() : 0),
      begun_(shard_.now()),
      last_read_(begun_),
      last_frame_(begun_),
      last_stall_check_(begun_) {
  const auto make = side == Side::server ? &nghttp2_session_server_new3 : &nghttp2_session_client_new3;
  if (make(&session_, http2_callbacks(), this, session_option(options, side).get(), http2_memory()) != 0) throw std::bad_alloc();
  if (answers_.counts()) {
    stream_.on_flushed([](void* self) { static_cast<Http2Connection*>(self)->count_unsent(); }, this);
  }
  submit_settings();
  if (options_.max_age > Duration::zero()) {
    const auto more = static_cast<int64_t>(Random(system_seed()).unit() * static_cast<double>(options_.max_age.count()) / 10);
    age_at_ = deadline_after(begun_, options_.max_age + Duration(more));
  }
  schedule_flush();
}

Http2Connection::~Http2Connection() {
  abort_all();
  nghttp2_session_del(session_);
  for (Http2Stream* stream : streams_) delete stream;
}

void Http2Connection::submit_settings() {
  const MessageLimits& limits = options_.limits;
  std::vector<nghttp2_settings_entry> entries{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options_.initial_window},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options_.max_frame_size},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits.max_header_list)},
  };
  if (side_ == Side::server) {
    entries.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.max_concurrent_streams});
  } else {
    entries.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), entries.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, static_cast<int32_t>(options_.connection_window));
}

// ---------------------------------------------------------------- reading

io::Task<void> Http2Connection::run() {
  if (upgrade_) take_upgrade();
  if (!in_.empty()) on_bytes(in_.size());
  arm_timer();
  Result<size_t> got = size_t{0};
  for (;;) {
    got = co_await stream_.read_some(in_);
    if (!got || *got == 0) break;
    on_bytes(*got);
  }
  co_await end_reading(std::move(got));
  abort_all();
  [[maybe_unused]] const auto joined = co_await tasks_.join();
}

void Http2Connection::take_upgrade() {
  const auto settings = as_bytes(upgrade_->settings);
  request_ = std::move(upgrade_->request);
  if (nghttp2_session_upgrade2(session_, settings.data(), settings.size(), request_.method == "HEAD", nullptr) != 0) {
    accuse(NGHTTP2_PROTOCOL_ERROR, "the http2-settings of an upgrade are broken");
    return end_for_fault();
  }
  request_.version = Version::http2;
  highest_id_ = highest_fed_ = 1;
  Http2Stream& stream = open_stream();
  stream.id = 1;
  stream.head_received = stream.received_all = true;
  nghttp2_session_set_stream_user_data(session_, stream.id, &stream);
  hand_over(stream, false);
  schedule_flush();
}

void Http2Connection::on_bytes(size_t count) {
  stats_.bytes_in += count;
  last_read_ = shard_.now();
  if (is_open()) {
    take_input();
    end_for_fault();
    schedule_flush();
    arm_timer();
  }
  in_ = Buffer();  // a connection between two reads keeps none
}

io::Task<void> Http2Connection::end_reading(Result<size_t> last) {
  if (!fault_) flush();
  const bool end_of_stream = last.has_value();
  if (is_open()) {
    if (end_of_stream) {
      finish(CloseKind::peer,
             Error(Code::unavailable, fmt::format("the connection was closed by the peer {}{}", peer_->address.to_string(), why_told_to_go())), true);
    } else if (last.error().code() == Code::cancelled) {
      finish(CloseKind::local, Error(Code::unavailable, "this side stops"), false);
    } else {
      const CloseKind kind = transport::close_kind_of(last.error());
      finish(kind, std::move(last.error()), false);
    }
  }
  // The peer may have closed its writing side only: it gets what it was answered before.
  if (end_of_stream && stream_.pending_write_bytes() > 0) {
    [[maybe_unused]] const auto flushed = co_await io::with_timeout(options_.limits.linger, stream_.close_after_flush());
  }
  stream_.close();
  timer_.cancel();
}

// ---------------------------------------------------------------- writing

void Http2Connection::on_turn_end(void* self) {
  auto& connection = *static_cast<Http2Connection*>(self);
  if (!connection.is_open()) return connection.abort_all();
  connection.flush();
  connection.end_for_fault();
  connection.end_if_done();
  connection.arm_timer();
}

void Http2Connection::flush() {
  if (inside_) return;
  out_.borrow();
  write_frames();
  out_.give_back();
  count_unsent();
  if (waiting() >= kWriteBatch && is_open() && !writing_) {
    writing_ = true;
    tasks_.spawn("http2 write", write_on());
  }
}

void Http2Connection::write_frames() {
  for (bool more = true; more && is_open() && waiting() < kWriteBatch && collect() && !out_.empty();) {
    more = out_.size() >= kWriteBatch || !writable_.empty();  // otherwise nghttp2 has no frame left
    stats_.bytes_out += out_.size();
    if (auto written = out_.write_to(stream_); !written) {
      const CloseKind kind = transport::close_kind_of(written.error());
      return finish(kind, std::move(written.error()), false);
    }
    tell_writable();
  }
}

// Frames that are ready, until there is enough for one write. False when the session has failed.
bool Http2Connection::collect() {
  inside_ = true;
  ssize_t size = 0;
  while (out_.size() < kWriteBatch) {
    const uint8_t* frame = nullptr;
    size = nghttp2_session_mem_send(session_, &frame);
    if (size <= 0) break;
    out_.append({frame, static_cast<size_t>(size)});
  }
  inside_ = false;
  if (size >= 0 || fault_) return true;  // a fault found on the way ends the connection at the end of the turn
  finish(CloseKind::local, Error(Code::internal, fmt::format("cannot make frames: {}", nghttp2_strerror(static_cast<int>(size)))), false);
  return false;
}

// The socket takes no more: goes on when it does.
io::Task<void> Http2Connection::write_on() {
  while (is_open() && waiting() >= kWriteBatch) {
    if (!co_await stream_.drained(kWriteBatch / 2)) break;
    flush();
  }
  writing_ = false;
}

void Http2Connection::tell_writable() {
  while (!writable_.empty()) {
    Http2Stream& stream = *writable_.back();
    writable_.pop_back();
    if (MessageSink* sink = sink_of(stream)) sink->on_writable();
  }
}

// ---------------------------------------------------------------- the end

void Http2Connection::close(std::string_view why) {
  if (!is_open()) return;
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  flush();
  finish(CloseKind::local, Error(Code::unavailable, std::string(why)), false);
}

// Also while the end lingers: what waits then is dropped, too.
void Http2Connection::give_up_answers() {
  if (is_open()) return finish(CloseKind::slow_reader, Error(Code::resource_exhausted, answers_.why()), false);
  stream_.close();
}

// nghttp2 has nothing more to do: a GOAWAY was sent or received, and no exchange runs.
void Http2Connection::end_if_done() {
  if (!is_open() || nghttp2_session_want_read(session_) != 0 || nghttp2_session_want_write(session_) != 0) return;
  if (told_to_go_) return finish(CloseKind::peer, Error(Code::unavailable, "closed in good order after the peer's GOAWAY"), true);
  if (draining_) return finish(CloseKind::local, Error(Code::unavailable, "closed in good order"), true);
  finish(CloseKind::protocol_error, Error(Code::aborted, last_error_.empty() ? "the peer broke the protocol" : last_error_), true);
}

/// For the end of a sentence; empty when the peer has not said GOAWAY, or has given no reason.
std::string Http2Connection::why_told_to_go() const {
  if (!told_to_go_ || told_to_go_->code == NGHTTP2_NO_ERROR) return {};
  return fmt::format(", whose GOAWAY says {}: '{}'", nghttp2_http2_strerror(told_to_go_->code), told_to_go_->text);
}

// A lingering end lets the peer take the last bytes, so that those still coming do not reset what was said.
void Http2Connection::finish(CloseKind kind, Error reason, bool linger) {
  if (!is_open()) return;
  kind_ = kind;
  close_reason_ = std::move(reason);
  log_close();
  if (linger) {
    stream_.shutdown_write();
    stream_.flush();
    linger_until_ = deadline_after(shard_.now(), options_.limits.linger);
    arm_timer();
  } else {
    stream_.close();
  }
  schedule_flush();
}

void Http2Connection::log_close() const {
  const std::string peer = peer_->address.to_string();
  const LogFields fields{{"peer", peer}, {"kind", transport::to_string(kind_)}, {"reason", close_reason_->message()}};
  if (!transport::is_fault(kind_) || kind_ == CloseKind::idle) return kLog.debug("connection closed", fields);
  if (close_log_ == nullptr) return kLog.warn("connection closed", fields);
  kLog.warn(*close_log_, "connection closed", fields);
}

void Http2Connection::abort_all() {
  while (!exchanges_.empty()) {
    Http2Exchange& exchange = *exchanges_.back();
    const Http2Stream* stream = exchange.stream_;
    const bool whole = stream == nullptr || (stream->received_all && stream->send_ended);
    unlink(exchange);
    exchange.stream_ = nullptr;
    exchange.connection_ = nullptr;
    if (!whole) exchange.abort(close_reason_ ? *close_reason_ : Error(Code::unavailable, "the connection was dropped"));
  }
  for (Http2Stream* stream : streams_) stream->exchange = nullptr;
}

// ---------------------------------------------------------------- streams and exchanges

Http2Stream* Http2Connection::stream_of(int32_t id) const { return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_, id)); }

MessageSink* Http2Connection::sink_of(const Http2Stream& stream) const { return stream.exchange == nullptr ? nullptr : stream.exchange->sink_; }

Http2Stream& Http2Connection::open_stream() {
  std::unique_ptr<Http2Stream> stream = spare_streams.take();
  if (stream == nullptr) stream = std::make_unique<Http2Stream>();
  stream->index = streams_.size();
  streams_.push_back(stream.get());
  return *stream.release();
}

void Http2Connection::release_stream(Http2Stream& stream) {
  if (stream.exchange != nullptr) stream.exchange->stream_ = nullptr;
  if (!writable_.empty()) std::erase(writable_, &stream);
  queued_ -= stream.queue.size();
  streams_[stream.index] = streams_.back();
  streams_[stream.index]->index = stream.index;
  streams_.pop_back();
  std::unique_ptr<Http2Stream> owned(&stream);
  if (spare_streams.is_full()) return;
  stream.reset();
  spare_streams.give(std::move(owned));
}

std::unique_ptr<Http2Exchange> Http2Connection::open_exchange(Http2Stream& stream, RequestHead&& request) {
  auto exchange = std::make_unique<Http2Exchange>(*this, stream, std::move(request), peer_);
  stream.exchange = exchange.get();
  exchange->index_ = exchanges_.size();
  exchanges_.push_back(exchange.get());
  return exchange;
}

void Http2Connection::unlink(Http2Exchange& exchange) {
  exchange.held_.let_go();
  held_heads_.drop(exchange.head_size_);
  exchanges_[exchange.index_] = exchanges_.back();
  exchanges_[exchange.index_]->index_ = exchange.index_;
  exchanges_.pop_back();
}

// The user has let it go. A server that has answered whole asks for no more of the request, but only after its answer (on_frame_sent).
void Http2Connection::drop(Http2Exchange& exchange) {
  unlink(exchange);
  if (exchange.unconsumed_ > 0) nghttp2_session_consume_connection(session_, exchange.unconsumed_);
  if (Http2Stream* stream = exchange.stream_) {
    stream->exchange = nullptr;
    if (!stream->send_ended || (side_ == Side::client && !stream->received_all)) {
      abandon(*stream, stream->unanswered);
    } else if (stream->end_sent) {
      abandon(*stream, Reset::no_error);
    }
  }
  if (side_ == Side::server && head_size(exchange.request_) <= kLargestSpareHead) spare_heads().give(std::move(exchange.request_));
  schedule_flush();
}

void Http2Connection::reset(Http2Exchange& exchange, Reset reason) {
  if (exchange.unconsumed_ > 0) nghttp2_session_consume_connection(session_, std::exchange(exchange.unconsumed_, 0));
  abandon(*exchange.stream_, reason);
}

// RST_STREAM; nghttp2 closes the stream when it is sent.
void Http2Connection::abandon(Http2Stream& stream, Reset reason) {
  if (stream.exchange != nullptr) stream.exchange->stream_ = nullptr;
  stream.exchange = nullptr;
  queued_ -= stream.queue.size();
  stream.queue.clear();
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, static_cast<uint32_t>(reason));
  schedule_flush();
}

void Http2Connection::consume(int32_t id, size_t n) {
  nghttp2_session_consume(session_, id, n);
  schedule_flush();
}

// ---------------------------------------------------------------- messages of this side

void Http2Connection::put_field(std::string_view name, std::string_view value, uint8_t flags) {
  fields_to_send_.push_back(
      {const_cast<uint8_t*>(as_bytes(name).data()), const_cast<uint8_t*>(as_bytes(value).data()), name.size(), value.size(), flags});
}

// Blanks around a value are no part of it, and a peer takes them for a broken message (RFC 9113, 8.2.1).
void Http2Connection::put_fields(const Headers& headers) {
  for (const HeaderField field : headers) {
    if (!is_of_the_connection(field.name)) put_field(field.name, trimmed(field.value));
  }
}

Result<void> Http2Connection::send_response(Http2Stream& stream, int status, const Headers& headers, bool end) {
  if (side_ != Side::server || stream.head_sent || status < 100 || status > 999 || (end && status < 200)) {
    return fail(Code::failed_precondition,
                "a head with status {} cannot be sent here: a server sends one final head, and informational ones before it", status);
  }
  if (auto valid = check_fields(headers); !valid) return valid;
  const char digits[3] = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10), static_cast<char>('0' + status % 10)};
  fields_to_send_.clear();
  put_field(":status", {digits, sizeof digits}, NGHTTP2_NV_FLAG_NO_COPY_NAME);
  put_fields(headers);
  int submitted;
  if (status < 200) {
    submitted = nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id, nullptr, fields_to_send_.data(), fields_to_send_.size(), nullptr);
  } else {
    const nghttp2_data_provider body{{.ptr = &stream}, &http2_read_body};
    submitted = nghttp2_submit_response(session_, stream.id, fields_to_send_.data(), fields_to_send_.size(), end ? nullptr : &body);
    stream.head_sent = true;
    stream.send_ended = end;
  }
  schedule_flush();
  if (submitted != 0)
    return fail(Code::internal, "cannot send the head of an answer to {}: {}", peer_->address.to_string(), nghttp2_strerror(submitted));
  return {};
}

Result<void> Http2Connection::room_for(const Http2Stream& stream, size_t bytes) const {
  if (bytes > options_.limits.max_exchange_write_queue) return std::unexpected(larger_than_queue(bytes, options_.limits));
  if (stream.queue.size() + bytes > options_.limits.max_exchange_write_queue) {
    return fail(Code::resource_exhausted, "{} bytes wait for {} and {} more do not fit in {} (max_exchange_write_queue): the peer reads too slowly",
                stream.queue.size(), peer_->address.to_string(), bytes, options_.limits.max_exchange_write_queue);
  }
  if (queued_ + bytes > options_.max_write_queue) {
    return fail(Code::resource_exhausted,
                "{} bytes of all exchanges wait for {} and {} more do not fit in {} (max_write_queue): the peer reads too slowly", queued_,
                peer_->address.to_string(), bytes, options_.max_write_queue);
  }
  return {};
}

Result<void> Http2Connection::send_data(Http2Stream& stream, Bytes data, bool end) {
  if (!stream.head_sent || stream.send_ended) {
    return fail(Code::failed_precondition, "data can be sent after the head and before the end of the message");
  }
  if (auto room = room_for(stream, data.size()); !room) return room;
  if (!count_unsent(data.size())) return fail(Code::resource_exhausted, "{}", answers_.why());
  if (stream.queue.size() == 0) {
    stream.sent_at = shard_.now();
    stream.sent = 0;
  }
  queued_ += data.size();
  stream.queue.push(std::move(data));
  stream.send_ended = end;
  if (stream.queue.size() > options_.limits.write_high_water) stream.blocked = true;
  body_grew(stream);
  return {};
}

Result<void> Http2Connection::send_trailers(Http2Stream& stream, const Headers& trailers) {
  if (!stream.head_sent || stream.send_ended) {
    return fail(Code::failed_precondition, "trailers can be sent after the head and before the end of the message");
  }
  if (auto valid = check_fields(trailers); !valid) return valid;
  stream.trailers = trailers;
  stream.with_trailers = !trailers.empty();
  stream.send_ended = true;
  body_grew(stream);
  return {};
}

void Http2Connection::body_grew(Http2Stream& stream) {
  if (std::exchange(stream.deferred, false)) nghttp2_session_resume_data(session_, stream.id);
  schedule_flush();
}

// request_, before a handler has seen it.
void Http2Connection::refuse(Http2Stream& stream, int status) {
  request_ = RequestHead();
  [[maybe_unused]] const auto refused = send_response(stream, status, {}, true);
}

// ---------------------------------------------------------------- requests of a client

Result<void> Http2Connection::check_can_start() const {
  if (!is_open()) return std::unexpected<Error>(*close_reason_);
  if (draining_ || told_to_go_ || nghttp2_session_check_request_allowed(session_) == 0) {
    return fail(Code::unavailable, "the connection to {} takes no new requests: {}", peer_->address.to_string(),
                told_to_go_ ? "the peer has sent GOAWAY" : "it is being closed");
  }
  const uint32_t max = nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  if (streams_.size() >= max) {
    return fail(Code::resource_exhausted, "{} exchanges run on the connection to {}, the most that the peer allows", streams_.size(),
                peer_->address.to_string());
  }
  return {};
}

Result<ExchangePtr> Http2Connection::start(RequestHead request, MessageSink& sink, bool end) {
  if (auto can = check_can_start(); !can) return forward_error(can);
  if (auto valid = check_to_send(request); !valid) return forward_error(valid);
  request.version = Version::http2;
  if (stream_.is_secure()) request.scheme = "https";
  fields_to_send_.clear();
  put_field(":method", request.method, NGHTTP2_NV_FLAG_NO_COPY_NAME);
  put_field(":scheme", request.scheme, NGHTTP2_NV_FLAG_NO_COPY_NAME);
  if (!request.authority.empty()) put_field(":authority", request.authority, NGHTTP2_NV_FLAG_NO_COPY_NAME);
  put_field(":path", request.target, NGHTTP2_NV_FLAG_NO_COPY_NAME);
  put_fields(request.headers);
  Http2Stream& stream = open_stream();
  const nghttp2_data_provider body{{.ptr = &stream}, &http2_read_body};
  stream.id = nghttp2_submit_request(session_, nullptr, fields_to_send_.data(), fields_to_send_.size(), end ? nullptr : &body, &stream);
  if (stream.id < 0) {
    const int error = stream.id;
    release_stream(stream);
    return fail(Code::unavailable, "cannot send a request to {}: {}", peer_->address.to_string(), nghttp2_strerror(error));
  }
  stream.head_sent = true;
  stream.send_ended = end;
  ExchangePtr exchange = open_exchange(stream, std::move(request));
  exchange->set_sink(&sink);
  ++stats_.calls_out;
  schedule_flush();
  return exchange;
}

}  // namespace sofa::http::detail
