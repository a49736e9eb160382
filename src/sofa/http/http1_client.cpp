#include "sofa/http/detail/http1_client.h"

#include "sofa/http/detail/http1_syntax.h"
#include "sofa/http/fields.h"

namespace sofa::http {

Result<std::unique_ptr<ClientConnection>> connect_http1(io::Stream stream, Http1Options options) {
  if (!stream.is_open()) return fail(Code::unavailable, "the stream is closed: connect it first");
  return std::make_unique<detail::Http1Client>(std::move(stream), options);
}

namespace detail {

namespace {

constexpr size_t kReadSize = size_t{64} << 10;

bool usually_has_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

}  // namespace

Http1Client::Http1Client(io::Stream stream, const Http1Options& options)
    : shard_(io::Shard::current()),
      stream_(std::move(stream)),
      peer_(stream_.peer()),
      options_(options),
      parser_(options.limits, options.max_body),
      last_activity_(shard_.now()) {
  idle_.set();
  tasks_.spawn("http1 client", run());
}

// ---------------------------------------------------------------- requests

Result<void> Http1Client::check_start(const RequestHead& request) const {
  if (closing_) return fail(Code::unavailable, "the connection to {} is closed: connect again", peer_.to_string());
  if (exchange_ != nullptr) {
    return fail(Code::resource_exhausted, "an exchange runs on the connection to {} already: HTTP/1.1 has one at a time", peer_.to_string());
  }
  return check_to_send(request);
}

Result<ExchangePtr> Http1Client::start(RequestHead request, MessageSink& sink, bool end) {
  if (auto free = check_start(request); !free) return forward_error(free);
  if (request.authority.empty()) request.authority = peer_.to_string();
  const bool upgrade = end && request.headers.has_token("connection", "upgrade");
  const bool last = request.headers.has_token("connection", "close");
  const auto length = content_length(request.headers);
  HeadFrame frame;
  if (upgrade) {
    frame.framing = Framing::raw;
  } else if (!end || length) {
    frame.framing = length ? Framing::length : Framing::chunked;
  }
  frame.connection = upgrade ? "Upgrade" : last ? "close" : "";
  frame.zero_length = end && usually_has_body(request.method);
  Buffer out;
  append_request_head(out, request, frame);
  parser_.answers_head_request(request.method == "HEAD");
  request.version = Version::http1_1;
  auto exchange = std::make_unique<ClientExchange>(*this, std::move(request), sink, upgrade);
  exchange->body_.begin(upgrade ? Framing::none : frame.framing, length.value_or(0));
  exchange_ = exchange.get();
  idle_.clear();
  unread_ = 0;
  last_activity_ = shard_.now();
  GatherList bytes;
  bytes.add(out.take());
  if (auto sent = exchange->send(std::move(bytes), end); !sent) return forward_error(sent);
  return exchange;
}

Result<void> Http1Client::write(GatherList&& bytes) {
  auto written = stream_.write(std::move(bytes));
  if (!written && !stream_.is_open()) closing_ = true;
  return written;
}

void Http1Client::watch_writes() {
  if (std::exchange(watching_, true)) return;
  tasks_.spawn("http1 writer", wait_for_low_water());
}

io::Task<void> Http1Client::wait_for_low_water() {
  const auto drained = co_await stream_.drained(options_.limits.write_low_water);
  watching_ = false;
  if (!drained || exchange_ == nullptr) co_return;  // a stream that has failed ends the reading task, which tells
  if (std::exchange(exchange_->write_blocked_, false) && exchange_->sink_ != nullptr) exchange_->sink_->on_writable();
}

// ---------------------------------------------------------------- responses

io::Task<void> Http1Client::run() {
  while (!closing_) {
    take_input();
    arm_timer();
    if (closing_) break;
    if (blocked_) {
      const auto woken = co_await wake_.wait();
      if (!woken) fail_with(woken.error());
      last_activity_ = shard_.now();  // the peer had no time to stall yet
      continue;
    }
    const auto got = co_await stream_.read_some(in_, kReadSize);
    if (closing_) break;
    last_activity_ = shard_.now();
    if (got && *got > 0) continue;
    if (got && parser_.ends_with_stream()) {
      closing_ = true;
      on_message_end();
    }
    Error closed(Code::unavailable, fmt::format("{} closed the connection", peer_.to_string()));
    fail_with(got ? std::move(closed) : std::move(closed).with_cause(got.error()));
  }
  timer_.cancel();
  stream_.close();
  idle_.set();
  ended_.set();
}

void Http1Client::take_input() {
  wake_.clear();
  blocked_ = false;
  while (!closing_ && !blocked_ && take_step()) {
  }
}

bool Http1Client::take_step() {
  if (raw_) return take_raw(), false;
  if (exchange_ == nullptr && !in_.empty()) {
    return fail_with(Error(Code::unavailable, fmt::format("{} sent {} bytes that no request asked for", peer_.to_string(), in_.size()))), false;
  }
  switch (parser_.next(in_, window())) {
    case Step::need_more:
      blocked_ = parser_.in_body() && window() == 0;
      return false;
    case Step::head:
      on_head();
      return true;
    case Step::data:
      on_body(parser_.data());
      return true;
    case Step::end:
      on_message_end();
      return true;
    case Step::refused:
      fail_with(Error(Code::unavailable, fmt::format("the response of {} is refused: {}", peer_.to_string(), parser_.refusal().reason)));
      return false;
  }
  return false;
}

void Http1Client::on_head() {
  ResponseHead& head = parser_.head();
  interim_ = head.status < 200;
  if (head.status == 101) {
    if (!exchange_->asks_upgrade_) {
      return fail_with(Error(Code::unavailable, fmt::format("{} switched protocols, and the request asked for no upgrade", peer_.to_string())));
    }
    raw_ = true;
    interim_ = exchange_->request_whole_ = false;
    exchange_->body_.begin(Framing::raw);
  }
  if (exchange_->sink_ != nullptr) exchange_->sink_->on_response(head, !interim_);
}

size_t Http1Client::window() const {
  if (exchange_ == nullptr || exchange_->sink_ == nullptr) return kReadSize;
  return options_.initial_window - std::min(options_.initial_window, unread_);
}

void Http1Client::on_body(ByteSpan data) {
  if (exchange_->sink_ == nullptr) return;
  unread_ += data.size();
  exchange_->sink_->on_data(data);
}

void Http1Client::on_message_end() {
  if (std::exchange(interim_, false) || exchange_ == nullptr) return;
  if (!parser_.facts().keep_alive) closing_ = true;
  exchange_->response_whole_ = true;
  MessageSink* sink = exchange_->sink_;
  if (exchange_->request_whole_) release();
  if (sink != nullptr) sink->on_end(parser_.trailers());
}

void Http1Client::take_raw() {
  while (exchange_ != nullptr && !in_.empty()) {
    const size_t n = std::min(in_.size(), window());
    if (n == 0) {
      blocked_ = true;
      return;
    }
    const Bytes data = in_.take(n);
    on_body(data.span());
  }
}

// ---------------------------------------------------------------- the end

void Http1Client::release() {
  exchange_->connection_ = nullptr;
  exchange_ = nullptr;
  last_activity_ = shard_.now();
  idle_.set();
  if (closing_) stream_.close();
}

void Http1Client::fail_with(Error error) {
  closing_ = true;
  stream_.close();
  ClientExchange* exchange = std::exchange(exchange_, nullptr);
  idle_.set();
  wake_.set();
  if (exchange == nullptr) return;
  exchange->connection_ = nullptr;
  exchange->failure_ = error;
  if (exchange->sink_ == nullptr || exchange->response_whole_) return;
  if (raw_ && error.code() == Code::unavailable && error.cause() == nullptr) {
    Headers none;
    return exchange->sink_->on_end(none);
  }
  exchange->sink_->on_abort(std::move(error));
}

io::Task<Result<void>> Http1Client::drain() {
  closing_ = closing_ || exchange_ == nullptr;
  auto ended = co_await idle_.wait();
  co_await close();
  co_return ended;
}

io::Task<void> Http1Client::close() {
  fail_with(Error(Code::unavailable, fmt::format("this side closed the connection to {}", peer_.to_string())));
  [[maybe_unused]] const auto joined = co_await tasks_.join();
}

Instant Http1Client::deadline() const {
  if (closing_ || raw_ || blocked_) return kNoDeadline;
  if (exchange_ == nullptr) return deadline_after(last_activity_, options_.limits.idle_timeout);
  return parser_.in_body() ? deadline_after(last_activity_, options_.limits.body_stall_timeout) : kNoDeadline;
}

void Http1Client::arm_timer() {
  const Instant when = deadline();
  if (when != kNoDeadline && !timer_.pending()) shard_.schedule(timer_, when);
}

void Http1Client::on_timer() {
  const Instant when = deadline();
  if (when == kNoDeadline) return;
  if (when > shard_.now()) return arm_timer();
  if (exchange_ == nullptr) return fail_with(Error(Code::unavailable, "the connection was idle for too long (idle_timeout)"));
  fail_with(Error(Code::deadline_exceeded, fmt::format("no byte of the body of {} came in time (body_stall_timeout)", peer_.to_string())));
}

// ---------------------------------------------------------------- the exchange

ClientExchange::ClientExchange(Http1Client& connection, RequestHead request, MessageSink& sink, bool asks_upgrade)
    : connection_(&connection), peer_(connection.peer_), asks_upgrade_(asks_upgrade) {
  request_ = std::move(request);
  sink_ = &sink;
}

ClientExchange::~ClientExchange() {
  sink_ = nullptr;
  reset(Reset::cancel);
}

void ClientExchange::consumed(size_t n) {
  if (connection_ == nullptr) return;
  connection_->unread_ -= std::min(connection_->unread_, n);
  connection_->wake_.set();
}

Result<void> ClientExchange::check_open() const {
  if (failure_) return std::unexpected<Error>(*failure_);
  if (connection_ == nullptr || request_whole_) {
    return fail(Code::failed_precondition, "the request {} {} has ended already", request_.method, request_.target);
  }
  return {};
}

Result<void> ClientExchange::send_response(int, const Headers&, bool) {
  return fail(Code::failed_precondition, "a client sends no response ({} {})", request_.method, request_.target);
}

Result<void> ClientExchange::send_data(Bytes data, bool end) {
  if (auto open = check_open(); !open) return open;
  const size_t most = connection_->options_.limits.max_exchange_write_queue;
  if (pending_bytes() + data.size() > most) {
    return fail(Code::resource_exhausted, "{} bytes wait for {} already and {} more may not (max_exchange_write_queue {}): wait for on_writable",
                pending_bytes(), peer_.to_string(), data.size(), most);
  }
  GatherList bytes;
  if (auto framed = body_.data(std::move(data), end, bytes); !framed) return framed;
  return send(std::move(bytes), end);
}

Result<void> ClientExchange::send_trailers(const Headers& trailers) {
  if (auto open = check_open(); !open) return open;
  if (auto valid = check_fields(trailers); !valid) return valid;
  GatherList bytes;
  if (auto framed = body_.end(&trailers, bytes); !framed) return framed;
  return send(std::move(bytes), true);
}

Result<void> ClientExchange::send(GatherList&& bytes, bool end) {
  if (auto written = connection_->write(std::move(bytes)); !written) return written;
  if (!write_blocked_ && pending_bytes() > connection_->options_.limits.write_high_water) {
    write_blocked_ = true;
    connection_->watch_writes();
  }
  if (!end) return {};
  request_whole_ = true;
  if (connection_->raw_) {
    connection_->stream_.shutdown_write();
  } else if (response_whole_) {
    connection_->release();
  }
  return {};
}

void ClientExchange::reset(Reset) {
  if (connection_ == nullptr) return;
  sink_ = nullptr;
  connection_->fail_with(Error(Code::unavailable, "the exchange was given up by this side"));
}

}  // namespace detail

}  // namespace sofa::http
