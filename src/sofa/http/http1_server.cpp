#include "sofa/http/detail/http1_server.h"

#include <algorithm>
#include <ctime>

#include "sofa/base/base64.h"
#include "sofa/base/rate.h"
#include "sofa/http/detail/http1_syntax.h"
#include "sofa/http/detail/output.h"

namespace sofa::http::detail {

using transport::CloseKind;

namespace {

const Logger kLog{"http"};

constexpr size_t kReadSize = size_t{64} << 10;
// How long a connection on which nothing runs still takes a request once the port drains: one may be on its way. Its answer says "connection: close".
constexpr Duration kDrainGrace = std::chrono::milliseconds(250);

CloseKind kind_of(int status) {
  switch (status) {
    case 408:
      return CloseKind::half_frame;
    case 413:
    case 414:
    case 431:
      return CloseKind::too_large;
    default:
      return CloseKind::protocol_error;
  }
}

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
std::string http_date(std::time_t second) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm at{};
  ::gmtime_r(&second, &at);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[at.tm_wday], at.tm_mday, kMonths[at.tm_mon], at.tm_year + 1900, at.tm_hour,
                     at.tm_min, at.tm_sec);
}

/// The settings of a request that asks to go on as HTTP/2 (RFC 7540, 3.2.1): base64url of whole entries of 6 bytes, in one field.
std::optional<std::string> h2c_settings(const RequestHead& head, const MessageFacts& facts) {
  const Headers& headers = head.headers;
  if (!facts.upgrade || facts.has_body || !headers.has_token("upgrade", "h2c") || !headers.has_token("connection", "http2-settings")) return {};
  std::optional<std::string> text;
  for (const HeaderField field : headers) {
    if (field.name != "http2-settings") continue;
    if (text) return std::nullopt;
    text = field.value;
  }
  if (!text) return std::nullopt;
  const auto settings = from_base64url(*text);
  if (!settings || settings->size() % 6 != 0) return std::nullopt;
  return std::string(settings->begin(), settings->end());
}

}  // namespace

ServerConnection::ServerConnection(io::Stream stream, Buffer prefix, ServerContext context, transport::Connection& connection)
    : shard_(io::Shard::current()),
      stream_(std::move(stream)),
      in_(std::move(prefix)),
      context_(context),
      options_(context.options),
      connection_(connection),
      peer_(stream_.peer()),
      parser_(options_.limits, options_.max_body),
      held_heads_(options_.half_bodies.get()),
      answers_(
          options_.unsent, [](void* self) { static_cast<ServerConnection*>(self)->give_up_answers(); }, this),
      last_activity_(shard_.now()),
      head_begun_(last_activity_),
      body_begun_(last_activity_) {
  if (answers_.counts()) stream_.on_flushed([](void* self) { static_cast<ServerConnection*>(self)->count_unsent(); }, this);
}

io::Task<void> ServerConnection::serve() {
  connection_.live_stats = &stats_;
  connection_.on_drain([](void* self) { static_cast<ServerConnection*>(self)->drain(); }, this);
  reading_.emplace(&co_await io::current_scope(), "http1 connection");
  stats_.bytes_in += in_.size();
  co_await read_loop().in(*reading_);
  co_await watch_for_end().in(*reading_);
  co_await finish();
  connection_.on_drain(nullptr, nullptr);
  connection_.live_stats = nullptr;
  connection_.final_stats = stats_;
}

// ---------------------------------------------------------------- reading

io::Task<void> ServerConnection::read_loop() {
  for (;;) {
    take_input();
    arm_timer();
    if (reading_is_over()) co_return;
    if (blocked_) {
      co_await wait_for_turn();
      continue;
    }
    if (end_seen_) co_return on_end_of_stream();
    const auto got = co_await stream_.read_some(in_, kReadSize);
    if (close_ != Close::no) co_return;
    if (!got) co_return on_stream_failed(got.error());
    if (*got == 0) co_return on_end_of_stream();
    stats_.bytes_in += *got;
    last_activity_ = shard_.now();
  }
}

io::Task<void> ServerConnection::wait_for_turn() {
  const Instant since = shard_.now();
  const bool between_messages = (!message_open_ || head_held_) && !raw_;
  io::TaskGroup watching(co_await io::current_scope());
  if (between_messages) watching.spawn("http1 peer", watch_for_end());
  const auto woken = co_await wake_.wait();
  watching.cancel("its turn has come");
  [[maybe_unused]] const auto joined = co_await watching.join();
  if (!woken && close_ == Close::no) on_stream_failed(woken.error());
  last_activity_ = shard_.now();  // the peer had no time to stall yet
  body_begun_ += last_activity_ - since;
}

void ServerConnection::take_input() {
  wake_.clear();
  blocked_ = false;
  while (!reading_is_over() && !blocked_ && take_step()) {
  }
  const bool in_head = !message_open_ && !raw_ && !parser_.idle();
  if (in_head && !in_head_) head_begun_ = shard_.now();
  in_head_ = in_head;
}

// One step of the parser; false when it needs bytes.
bool ServerConnection::take_step() {
  if (raw_) return take_raw(), false;
  if (head_held_) return take_held_head();
  if (upgrade_asked_ && !message_open_) {
    blocked_ = true;
    return false;
  }
  switch (parser_.next(in_, window())) {
    case Step::need_more:
      blocked_ = parser_.in_body() && window() == 0;
      return false;
    case Step::head:
      message_open_ = head_held_ = true;
      return true;
    case Step::data:
      on_body(parser_.data());
      return true;
    case Step::end:
      on_message_end();
      return true;
    case Step::refused:
      refuse(parser_.refusal());
      return false;
  }
  return false;
}

bool ServerConnection::take_held_head() {
  if (!may_begin()) {
    blocked_ = true;
    return false;
  }
  head_held_ = false;
  begin_exchange();
  return true;
}

bool ServerConnection::may_begin() {
  if (stream_.pending_write_bytes() > options_.limits.write_high_water) {
    watch_writes();
    return false;
  }
  if (replies_.empty()) return true;
  const MessageFacts& facts = parser_.facts();
  return !exclusive_ && replies_.size() < options_.max_pipelined && is_safe_method(parser_.head().method) && !facts.has_body && !facts.upgrade;
}

bool ServerConnection::hand_over() {
  if (!context_.takes_h2c || !replies_.empty()) return false;
  RequestHead& head = parser_.head();
  auto settings = h2c_settings(head, parser_.facts());
  if (!settings) return false;
  Buffer out;
  append_response_head(out, 101, Version::http1_1, {{"upgrade", "h2c"}}, {.framing = Framing::raw, .connection = "Upgrade"});
  GatherList bytes;
  bytes.add(out.take());
  if (!write(std::move(bytes))) return true;
  for (const std::string_view name : {"connection", "upgrade", "http2-settings"}) head.headers.remove(name);
  close(Close::handed_over, CloseKind::peer);
  stream_.on_flushed(nullptr, nullptr);
  answers_.set(0, 0);  // what still waits is the next protocol's to count
  upgrade_.emplace(std::move(stream_), std::move(in_), std::move(head), std::move(*settings));
  return true;
}

void ServerConnection::begin_exchange() {
  if (hand_over()) return;
  const MessageFacts facts = parser_.facts();
  RequestHead& head = parser_.head();
  ++stats_.requests_in;
  if (!held_heads_.add(head_size(head))) {
    message_open_ = false;  // nobody is to be told of its end
    return refuse({503, fmt::format("the requests of all connections have as many bytes as may be held (max_half_frame_bytes {}); try later",
                                    options_.half_bodies->most())});
  }
  upgrade_asked_ = facts.upgrade && facts.keep_alive;
  exclusive_ = !is_safe_method(head.method) || facts.has_body || facts.upgrade;
  no_more_ = !facts.keep_alive || ++requests_ >= options_.max_requests || draining_;
  unread_ = discarded_ = 0;
  body_begun_ = shard_.now();
  body_received_ = 0;
  body_timed_ = true;
  Reply& reply = replies_.emplace_back();
  reply.last = no_more_;
  const bool asks_for_body = facts.expects_continue && context_.handler.wants_body(head);
  auto exchange = std::make_unique<ServerExchange>(*this, reply, std::move(head), facts);
  exchange->wants_continue_ = facts.expects_continue;
  reply.exchange = receiver_ = exchange.get();
  if (asks_for_body) exchange->send_continue();
  context_.handler.handle(std::move(exchange));
}

size_t ServerConnection::window() const {
  if (receiver_ == nullptr || receiver_->sink_ == nullptr) return kReadSize;
  return options_.initial_window - std::min(options_.initial_window, unread_);
}

void ServerConnection::on_body(ByteSpan data) {
  body_received_ += data.size();
  if (receiver_ != nullptr && receiver_->sink_ != nullptr) {
    unread_ += data.size();
    return receiver_->sink_->on_data(data);
  }
  discarded_ += data.size();
  if (discarded_ <= options_.max_discard) return;
  no_more_ = true;
  message_open_ = false;
  if (replies_.empty()) {
    close(Close::lingering, CloseKind::too_large);
  } else {
    replies_.back().last = true;
  }
}

void ServerConnection::on_message_end() {
  message_open_ = false;
  ServerExchange* receiver = std::exchange(receiver_, nullptr);
  if (receiver == nullptr) return;
  receiver->request_whole_ = true;
  MessageSink* sink = receiver->sink_;
  if (receiver->reply_ == nullptr) receiver->detach();
  if (sink != nullptr) sink->on_end(parser_.trailers());
}

void ServerConnection::take_raw() {
  if (draining_) tell_drain();
  while (receiver_ != nullptr && !in_.empty() && close_ == Close::no) {
    const size_t n = std::min(in_.size(), window());
    if (n == 0) {
      blocked_ = true;
      return;
    }
    const Bytes data = in_.take(n);
    on_body(data.span());
  }
}

void ServerConnection::fill_refusal(Reply& reply, const Refusal& refusal) {
  const std::string text = fmt::format("{}\n", refusal.reason);
  Buffer out;
  const Headers headers{{"content-type", "text/plain; charset=utf-8"}, {"content-length", std::to_string(text.size())}};
  append_response_head(out, refusal.status, Version::http1_1, headers, {.framing = Framing::length, .connection = "close", .date = date()});
  out.append(text);
  replies_waiting_ += out.size();
  reply.waiting.add(out.take());
  reply.whole = reply.last = true;
}

void ServerConnection::refuse(const Refusal& refusal) {
  const CloseKind kind = kind_of(refusal.status);
  kLog.warn(context_.refusal_log, "request refused", {{"peer", peer_.to_string()}, {"status", refusal.status}, {"reason", refusal.reason}});
  no_more_ = true;
  connection_.close_kind = kind;
  ServerExchange* receiver = std::exchange(receiver_, nullptr);
  const bool answered = message_open_ && (receiver == nullptr || receiver->reply_ == nullptr);
  message_open_ = head_held_ = in_head_ = false;
  if (receiver == nullptr && !answered) {
    fill_refusal(replies_.emplace_back(), refusal);
  } else if (receiver != nullptr) {
    Reply* reply = receiver->reply_;
    const bool head_sent = receiver->state_ != ServerExchange::State::before_head;
    receiver->abort(Error(Code::unavailable, refusal.reason));
    if (reply != nullptr && head_sent) reply->cut = true;
    if (reply != nullptr && !head_sent) fill_refusal(*reply, refusal);
  }
  if (replies_.empty()) return close(Close::lingering, kind);
  replies_.back().last = true;
  settle();
}

void ServerConnection::on_end_of_stream() {
  no_more_ = end_seen_ = true;
  if (raw_) {
    ServerExchange* receiver = std::exchange(receiver_, nullptr);
    Headers none;
    if (receiver != nullptr && receiver->sink_ != nullptr) receiver->sink_->on_end(none);
    return;
  }
  if (message_open_ && receiver_ != nullptr && !head_held_) {
    ServerExchange* receiver = std::exchange(receiver_, nullptr);
    if (receiver->reply_ != nullptr) receiver->reply_->cut = true;
    receiver->abort(Error(Code::unavailable, fmt::format("{} closed the connection in the middle of its request", peer_.to_string())));
  }
  message_open_ = false;
  if (replies_.empty()) return close(Close::flushed, CloseKind::peer);
  replies_.back().last = true;
  settle();
  tell_hang_up();
}

// While no request is taken, the end of the stream, or its failure, tells that nobody waits for what still runs.
io::Task<void> ServerConnection::watch_for_end() {
  while (close_ == Close::no && !replies_.empty() && !end_seen_ && in_.size() < kReadSize) {
    const auto got = co_await stream_.read_some(in_, kReadSize);
    if (close_ != Close::no) co_return;
    if (!got && got.error().code() == Code::cancelled) co_return;  // whoever awaits it sees the same, or goes on
    if (!got) co_return on_stream_failed(got.error());
    stats_.bytes_in += *got;
    end_seen_ = *got == 0;
    if (end_seen_) tell_hang_up();
  }
}

// A sink may end its exchange, and with it replies before and behind it.
void ServerConnection::tell_hang_up() {
  if (!options_.half_close_cancels) return;
  std::vector<ServerExchange*> running;
  for (const Reply& reply : replies_) {
    if (reply.exchange != nullptr) running.push_back(reply.exchange);
  }
  for (ServerExchange* exchange : running) {
    const bool still_runs = std::ranges::find(replies_, exchange, &Reply::exchange) != replies_.end();
    if (still_runs && exchange->sink_ != nullptr && !std::exchange(exchange->hang_up_told_, true)) exchange->sink_->on_hang_up();
  }
}

// ---------------------------------------------------------------- writing

Result<void> ServerConnection::check_room(const Reply& reply, size_t size) const {
  if (size > options_.limits.max_exchange_write_queue) return std::unexpected(larger_than_queue(size, options_.limits));
  const size_t waiting = waiting_bytes(reply);
  if (waiting + size <= options_.limits.max_exchange_write_queue) return {};
  return fail(Code::resource_exhausted,
              "{} bytes wait for the peer {} already and {} more may not (max_exchange_write_queue {}): wait for on_writable", waiting,
              peer_.to_string(), size, options_.limits.max_exchange_write_queue);
}

Result<void> ServerConnection::emit(Reply& reply, GatherList&& bytes) {
  if (!count_unsent(bytes.size())) return fail(Code::resource_exhausted, "{}", answers_.why());
  if (is_front(reply)) return write(std::move(bytes));
  replies_waiting_ += bytes.size();
  for (const Bytes& part : bytes.parts()) reply.waiting.add(part);
  return {};
}

bool ServerConnection::count_unsent(size_t more) {
  const size_t pending = stream_.pending_write_bytes();
  return answers_.set(pending + replies_waiting_ + more, stats_.bytes_out - pending);
}

// Also while the end lingers: what waits then is dropped, too.
void ServerConnection::give_up_answers() {
  if (close_ == Close::handed_over) return;
  const Error error(Code::resource_exhausted, answers_.why());
  kLog.warn(context_.refusal_log, "connection closed",
            {{"peer", peer_.to_string()}, {"kind", transport::to_string(CloseKind::slow_reader)}, {"reason", error.message()}});
  on_stream_failed(error);
  connection_.close_kind = CloseKind::slow_reader;
  stream_.close();
}

Result<void> ServerConnection::write(GatherList&& bytes) {
  stats_.bytes_out += bytes.size();
  auto written = stream_.write(std::move(bytes));
  if (!written) on_stream_failed(written.error());
  return written;
}

void ServerConnection::settle() {
  while (!replies_.empty() && close_ == Close::no) {
    Reply& front = replies_.front();
    replies_waiting_ -= front.waiting.size();
    if (!front.waiting.empty() && !write(std::exchange(front.waiting, {}))) return;
    if (front.cut) return close(Close::flushed, connection_.close_kind == CloseKind::peer ? CloseKind::local : connection_.close_kind);
    if (!front.whole) {
      if (front.exchange != nullptr && front.exchange->write_blocked_) watch_writes();
      break;
    }
    const bool last = front.last;
    replies_.pop_front();
    if (last) {
      const bool all_read = in_.empty() && !(message_open_ && parser_.facts().has_body);
      const bool clean = all_read && connection_.close_kind == CloseKind::peer;
      // What another protocol's peer still sends, nobody has told us the end of.
      return close(clean && !raw_ ? Close::flushed : Close::lingering, clean ? CloseKind::local : connection_.close_kind);
    }
  }
  if (replies_.empty()) {
    exclusive_ = upgrade_asked_ = false;
    last_activity_ = shard_.now();
    arm_timer();
  }
  wake_.set();
}

void ServerConnection::watch_writes() {
  if (std::exchange(watching_, true)) return;
  tasks_.spawn("http1 writer", wait_for_low_water());
}

io::Task<void> ServerConnection::wait_for_low_water() {
  const auto drained = co_await stream_.drained(options_.limits.write_low_water);
  watching_ = false;
  if (close_ != Close::no) co_return;
  if (!drained) co_return on_stream_failed(drained.error());
  wake_.set();
  if (replies_.empty() || replies_.front().exchange == nullptr) co_return;
  ServerExchange& front = *replies_.front().exchange;
  if (std::exchange(front.write_blocked_, false) && front.sink_ != nullptr) front.sink_->on_writable();
}

std::string_view ServerConnection::date() {
  const int64_t second = std::chrono::floor<std::chrono::seconds>(shard_.clock().now_wall()).time_since_epoch().count();
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(second);
  }
  return date_;
}

// ---------------------------------------------------------------- the end

void ServerConnection::close(Close how, CloseKind kind) {
  if (close_ != Close::no) return;
  close_ = how;
  connection_.close_kind = kind;
  timer_.cancel();
  if (reading_) reading_->cancel(Error(Code::cancelled, "the connection closes"));
  wake_.set();
}

void ServerConnection::drain() {
  draining_ = true;
  drain_begun_ = shard_.now();
  if (raw_) return tell_drain();
  if (rests()) return arm_timer();
  if (!replies_.empty()) replies_.back().last = true;
  no_more_ = true;
}

void ServerConnection::tell_drain() {
  if (std::exchange(drain_told_, true)) return;
  if (receiver_ != nullptr && receiver_->sink_ != nullptr) receiver_->sink_->on_drain();
}

void ServerConnection::on_stream_failed(const Error& error) {
  if (close_ != Close::no) return;
  failure_ = error;
  const bool slow = error.code() == Code::deadline_exceeded || error.code() == Code::resource_exhausted;
  close(Close::at_once, error.code() == Code::cancelled ? CloseKind::local : slow ? CloseKind::slow_reader : CloseKind::peer);
}

void ServerConnection::abort_exchanges() {
  Error error(Code::unavailable, fmt::format("the connection of {} was closed", peer_.to_string()));
  if (failure_) error = std::move(error).with_cause(*failure_);
  if (ServerExchange* receiver = std::exchange(receiver_, nullptr); receiver != nullptr) receiver->abort(error);
  for (Reply& reply : replies_) {
    if (reply.exchange != nullptr) reply.exchange->abort(error);
  }
}

io::Task<void> ServerConnection::finish() {
  if (close_ == Close::handed_over) {
    tasks_.cancel();
    [[maybe_unused]] const auto joined = co_await tasks_.join();
    co_return;
  }
  while (close_ == Close::no && !replies_.empty()) {
    wake_.clear();
    if (auto woken = co_await wake_.wait(); !woken) on_stream_failed(woken.error());
  }
  timer_.cancel();
  abort_exchanges();
  if (close_ == Close::lingering) {
    [[maybe_unused]] const auto seen = co_await discard_until_end();
  } else if (close_ != Close::at_once) {
    [[maybe_unused]] const auto flushed = co_await stream_.close_after_flush();
  }
  stream_.close();
  tasks_.cancel();
  [[maybe_unused]] const auto joined = co_await tasks_.join();
}

// Closed with bytes unread, a socket resets, and the peer may lose the last answer: so it is given some time to see it and to close.
io::Task<Result<void>> ServerConnection::discard_until_end() {
  in_.clear();
  co_await io::or_return(stream_.drained(0));
  stream_.shutdown_write();
  auto discard = [](io::Stream& stream, Buffer& in) -> io::Task<Result<void>> {
    while (co_await io::or_return(stream.read_some(in, kReadSize)) > 0) in.clear();
    co_return Result<void>{};
  };
  co_return co_await io::with_timeout(options_.limits.linger, discard(stream_, in_));
}

Instant ServerConnection::deadline() const {
  if (close_ != Close::no || raw_) return kNoDeadline;
  if (draining_ && rests()) return deadline_after(drain_begun_, kDrainGrace);
  if (in_head_) return deadline_after(head_begun_, options_.limits.head_timeout);
  if (message_open_) return head_held_ || blocked_ ? kNoDeadline : body_deadline();
  return replies_.empty() ? deadline_after(last_activity_, options_.limits.idle_timeout) : kNoDeadline;
}

Instant ServerConnection::body_deadline() const {
  const MessageLimits& limits = options_.limits;
  const Instant stalled = deadline_after(last_activity_, limits.body_stall_timeout);
  if (limits.min_body_rate == 0 || !body_timed_) return stalled;
  return std::min(stalled, deadline_after(body_begun_, limits.body_stall_timeout + time_at_rate(body_received_, limits.min_body_rate)));
}

// A pending timer that is early enough stays: it looks again when it fires.
void ServerConnection::arm_timer() {
  const Instant when = deadline();
  if (when == kNoDeadline || (timer_.pending() && armed_for_ <= when)) return;
  armed_for_ = when;
  shard_.schedule(timer_, when);
}

void ServerConnection::on_timer() {
  if (deadline() > shard_.now()) return arm_timer();
  if (draining_ && rests()) return close(Close::flushed, CloseKind::local);
  if (in_head_) return refuse({408, "the head did not come whole in time (head_timeout)"});
  if (message_open_) {
    const bool stalled = deadline_after(last_activity_, options_.limits.body_stall_timeout) <= shard_.now();
    return refuse({408, stalled ? "no byte of the body came in time (body_stall_timeout)" : "the body comes too slowly (min_body_rate)"});
  }
  close(Close::flushed, CloseKind::idle);
}

}  // namespace sofa::http::detail
