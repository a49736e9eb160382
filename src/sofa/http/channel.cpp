#include "sofa/http/channel.h"

#include <algorithm>

#include "sofa/base/backoff.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/comeback.h"
#include "sofa/transport/status.h"

namespace sofa::http {

namespace {

constexpr Duration kFirstBackoff = std::chrono::milliseconds(50);
constexpr int kMostSends = 3;  // of a request that the server has not begun with

/// The answer to one request, as it comes.
class Collector final : public MessageSink {
 public:
  explicit Collector(size_t max_body) : max_body_(max_body) {}

  void attach(ExchangePtr exchange) { exchange_ = std::move(exchange); }
  Exchange& exchange() { return *exchange_; }
  auto ended() { return ended_.wait(); }
  bool not_processed() const {
    const auto* reset = failure_ ? failure_->detail<ResetDetail>() : nullptr;
    return reset != nullptr && reset->not_processed() && response_.status == 0;
  }
  Result<Response> take() {
    if (failure_) return std::unexpected(std::move(*failure_));
    response_.body = body_.take();
    return std::move(response_);
  }

  void on_response(ResponseHead& head, bool final) override {
    if (!final) return;
    response_.status = head.status;
    response_.headers = std::move(head.headers);
  }
  void on_data(ByteSpan data) override {
    if (failure_) return;
    if (body_.size() + data.size() <= max_body_) {
      body_.append(data);
      return exchange_->consumed(data.size());
    }
    fail_with(Error(Code::resource_exhausted,
                    fmt::format("the answer of {} is longer than {} bytes, the limit of this client", exchange_->peer().to_string(), max_body_)));
  }
  void on_end(Headers&) override { ended_.set(); }
  void on_abort(Error error) override {
    if (!ended_.is_set()) fail_with(std::move(error));  // an answer may be whole before the request is
  }

 private:
  void fail_with(Error error) {
    failure_ = std::move(error);
    ended_.set();
  }

  const size_t max_body_;
  ExchangePtr exchange_;
  Response response_;
  Buffer body_;
  std::optional<Error> failure_;
  io::Event ended_;
};

/// One more, as long as this lives.
class Counted {
 public:
  explicit Counted(size_t& count) : count_(++count) {}
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  size_t& count_;
};

}  // namespace

struct Channel::Impl : std::enable_shared_from_this<Impl> {
  Impl(io::Address server, ChannelOptions channel_options)
      : address(std::move(server)), options(std::move(channel_options)), random(system_seed()), places(options.max_running) {}

  bool is_http2() const { return options.version == Version::http2; }
  Instant now() const { return io::Shard::current().clock().now_monotonic(); }
  void complete(RequestHead& head, const Bytes& body) const;
  Result<bool> try_start(Collector& answer, const RequestHead& head, bool end);
  io::Task<Result<Response>> send(const RequestHead& head, const Bytes& body, bool& again);
  io::Task<Result<io::Semaphore::Permit>> find_place();
  io::Task<Result<void>> wait();
  Result<void> ensure_connecting();
  static io::Task<void> connect(std::shared_ptr<Impl> self);
  io::Task<Result<std::unique_ptr<ClientConnection>>> open() const;
  void retire(size_t i);
  void drop_closed();
  static io::Task<void> end_connection(std::unique_ptr<ClientConnection> connection);

  const io::Address address;
  const ChannelOptions options;
  Random random;
  io::Semaphore places;
  std::vector<std::unique_ptr<ClientConnection>> connections;
  size_t connecting = 0, waiting = 0;  // attempts, and who waits for one
  size_t queued = 0;                   // for one of the places
  bool closed = false;
  std::optional<Error> last_failure;
  Instant next_attempt{};
  int failures = 0;  // one after another, of attempts to connect
  transport::Comeback comeback;
  io::Event changed;  // a connection has come, an attempt has failed, a request has ended
  io::TaskGroup tasks;
};

void Channel::Impl::complete(RequestHead& head, const Bytes& body) const {
  head.scheme = options.tls == nullptr ? "http" : "https";
  head.authority = address.to_string();
  head.version = options.version;
  head.headers.set("content-length", std::to_string(body.size()));
}

void Channel::Impl::retire(size_t i) {
  if (connections[i]->told_to_go()) comeback.peer_closes(now());
  tasks.spawn("http end of a connection", end_connection(std::move(connections[i])));
  connections.erase(connections.begin() + static_cast<ptrdiff_t>(i));
}

void Channel::Impl::drop_closed() {
  for (size_t i = connections.size(); i-- > 0;) {
    if (!connections[i]->is_open()) retire(i);
  }
}

io::Task<void> Channel::Impl::end_connection(std::unique_ptr<ClientConnection> connection) {
  if (connection->running() > 0) [[maybe_unused]]
    const auto drained = co_await connection->drain();
  co_await connection->close();
}

/// False when no connection takes a request now. Those that take none any more are let go.
Result<bool> Channel::Impl::try_start(Collector& answer, const RequestHead& head, bool end) {
  if (closed) return fail(Code::cancelled, "the channel to {} is closed", address.to_string());
  drop_closed();
  for (size_t i = connections.size(); i-- > 0;) {
    // Over HTTP/1.1 it is busy. Over HTTP/2 it is full or was told to go, and a refused start tells which.
    if (!is_http2() && !connections[i]->can_start()) continue;
    auto exchange = connections[i]->start(head, answer, end);
    if (exchange) return answer.attach(std::move(*exchange)), true;
    if (exchange.error().code() == Code::resource_exhausted) continue;
    if (exchange.error().code() != Code::unavailable) return forward_error(exchange);
    retire(i);
  }
  return false;
}

Result<void> Channel::Impl::ensure_connecting() {
  if (closed) return fail(Code::cancelled, "the channel to {} is closed", address.to_string());
  const size_t most = is_http2() ? 1 : options.max_running;
  if (connecting >= std::max<size_t>(waiting, 1) || connections.size() + connecting >= most) return {};
  if (last_failure && now() < next_attempt) {
    if (!connections.empty()) return {};
    return std::unexpected(*last_failure);
  }
  ++connecting;
  last_failure.reset();
  tasks.spawn("http connect", connect(shared_from_this()));
  return {};
}

io::Task<Result<std::unique_ptr<ClientConnection>>> Channel::Impl::open() const {
  // The bound of an exchange is reached before that of its connection.
  const io::ConnectOptions how{.timeout = options.connect_timeout, .stream = {.max_write_queue = 2 * MessageLimits().max_exchange_write_queue}};
  const std::string protocol = is_http2() ? "h2" : "http/1.1";
  auto stream =
      co_await io::or_return(options.tls == nullptr ? io::Stream::connect(address, how) : io::tls_connect(address, *options.tls, how, {protocol}));
  if (options.tls != nullptr && is_http2() && stream.alpn() != protocol) {
    co_return fail(Code::unavailable, "the server took the TLS handshake, but chose '{}' by ALPN where HTTP/2 was offered: it has none there",
                   stream.alpn());
  }
  if (!is_http2()) co_return connect_http1(std::move(stream), {.limits = {.idle_timeout = options.idle_timeout}});
  co_return connect_http2(std::move(stream), {.limits = {.idle_timeout = options.idle_timeout}, .keep_alive_interval = options.keep_alive_interval});
}

io::Task<void> Channel::Impl::connect(std::shared_ptr<Impl> self) {
  auto made = co_await self->open();
  --self->connecting;
  if (made) {
    self->connections.push_back(std::move(*made));
    self->failures = 0;
    self->comeback.has_connected();
  } else {
    const Backoff backoff{.first = kFirstBackoff, .most = self->comeback.most_pause(self->now(), self->options.max_backoff)};
    self->next_attempt = self->now() + backoff.pause(++self->failures, self->random);
    Error failure = Error(Code::unavailable, fmt::format("no connection to {}", self->address.to_string())).with_cause(std::move(made.error()));
    self->last_failure = transport::with_status(std::move(failure), bolt::Status::comm_error, self->comeback.sent(self->now()));
  }
  self->changed.set();
}

io::Task<Result<io::Semaphore::Permit>> Channel::Impl::find_place() {
  if (places.available() == 0 && queued >= options.max_waiting) {
    co_return fail(Code::resource_exhausted, "{} requests wait for {} already, the limit of this client", queued, address.to_string());
  }
  const Counted counted(queued);
  co_return co_await places.acquire();
}

/// For a connection, or for room on it.
io::Task<Result<void>> Channel::Impl::wait() {
  const Counted counted(waiting);
  co_await io::or_return(ensure_connecting());
  changed.clear();
  co_await io::or_return(changed.wait());
  if (last_failure && connections.empty() && connecting == 0) co_return std::unexpected(*last_failure);
  co_return Result<void>();
}

io::Task<Result<Response>> Channel::Impl::send(const RequestHead& head, const Bytes& body, bool& again) {
  struct PlaceFree {
    io::Event& changed;
    ~PlaceFree() { changed.set(); }
  } const free{changed};
  Collector answer(options.max_body);
  while (!co_await io::or_return(try_start(answer, head, body.empty()))) co_await io::or_return(wait());
  if (!body.empty()) co_await io::or_return(answer.exchange().send_data(body, true));
  co_await io::or_return(answer.ended());
  again = answer.not_processed();
  co_return answer.take();
}

Channel::Channel(io::Address address, ChannelOptions options) : impl_(std::make_shared<Impl>(std::move(address), std::move(options))) {}
Channel::~Channel() = default;

bool Channel::is_connected() const {
  return std::ranges::any_of(impl_->connections, [](const auto& connection) { return connection->is_open(); });
}

void Channel::start_connecting() {
  if (is_connected() || impl_->connecting > 0 || impl_->closed) return;  // close() goes through the connections
  impl_->drop_closed();
  [[maybe_unused]] const auto begun = impl_->ensure_connecting();
}

io::Task<Result<void>> Channel::connect() {
  const std::shared_ptr<Impl> impl = impl_;
  if (!impl->closed) impl->drop_closed();
  while (impl->connections.empty()) co_await io::or_return(impl->wait());
  co_return Result<void>();
}

io::Task<Result<Response>> Channel::exchange(RequestHead head, Bytes body) {
  const std::shared_ptr<Impl> impl = impl_;
  impl->complete(head, body);
  const auto place = co_await io::or_return(impl->find_place());
  for (int sends = 1;; ++sends) {
    bool again = false;
    auto answer = co_await impl->send(head, body, again);
    if (answer || !again || sends == kMostSends) co_return answer;
  }
}

io::Task<void> Channel::close() {
  const std::shared_ptr<Impl> impl = impl_;
  if (std::exchange(impl->closed, true)) co_return;
  impl->tasks.cancel("the channel is closed");
  [[maybe_unused]] const auto joined = co_await impl->tasks.join();
  // Only now: an attempt to connect may have succeeded before it heard that it was cancelled.
  for (const auto& connection : impl->connections) co_await connection->close();
  impl->connections.clear();
  impl->changed.set();
}

}  // namespace sofa::http
