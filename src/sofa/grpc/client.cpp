#include "sofa/grpc/client.h"

#include "sofa/base/backoff.h"
#include "sofa/base/log.h"
#include "sofa/grpc/detail/client_call.h"
#include "sofa/grpc/detail/fields.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/transport/comeback.h"
#include "sofa/transport/status.h"

namespace sofa::grpc {

namespace {

constexpr Duration kFirstBackoff = std::chrono::milliseconds(50);
constexpr int kMostSends = 3;  // of a call that the server has not begun with
constexpr Duration kLongestPingInterval = std::chrono::hours(2);

const Logger kLog{"grpc"};

Instant now() { return io::Shard::current().clock().now_monotonic(); }

Deadline deadline_of(const CallOptions& call, Duration fallback, const io::Scope& scope) {
  return std::min(deadline_after(now(), call.timeout > Duration::zero() ? call.timeout : fallback), scope.deadline());
}

}  // namespace

struct Channel::Impl : std::enable_shared_from_this<Impl> {
  Impl(io::Address server, ChannelOptions channel_options) : address(std::move(server)), options(std::move(channel_options)), random(system_seed()) {
    if (options.authority.empty()) options.authority = address.to_string();
  }

  http::RequestHead head_of(std::string_view path, const CallOptions& call, Deadline deadline) const;
  /// Sends the head of a call, when a connection takes it within the call's deadline.
  io::Task<Result<void>> start(detail::ClientCall& call, http::RequestHead head);
  Result<bool> try_start(detail::ClientCall& call, http::RequestHead& head);
  /// try_start(), but behind those who wait already.
  Result<bool> start_now(detail::ClientCall& call, http::RequestHead& head) { return line.locked() ? false : try_start(call, head); }
  io::Task<Result<void>> wait();
  bool is_connected() const { return connection != nullptr && connection->is_open(); }
  Result<void> ensure_connecting();
  static io::Task<void> connect(std::shared_ptr<Impl> self);
  void retire();
  void ping_less_often();
  static io::Task<void> end_connection(std::unique_ptr<http::ClientConnection> connection);

  const io::Address address;
  ChannelOptions options;
  Random random;
  std::unique_ptr<http::ClientConnection> connection;
  bool connecting = false, closed = false;
  bool watching = false;  // the files of options.tls
  std::optional<Error> last_failure;
  Instant next_attempt{};
  int failures = 0;  // one after another, of attempts to connect
  transport::Comeback comeback;
  io::Event changed;  // a connection has come, an attempt has failed, a call has ended
  io::Mutex line;     // of the calls that wait: the first waits for a change, the others for its end
  size_t waiting = 0;
  io::TaskGroup tasks;
};

http::RequestHead Channel::Impl::head_of(std::string_view path, const CallOptions& call, Deadline deadline) const {
  http::RequestHead head{.method = "POST",
                         .scheme = options.tls == nullptr ? "http" : "https",
                         .authority = options.authority,
                         .target = std::string(path),
                         .version = http::Version::http2};
  http::Headers& fields = head.headers;
  fields.add("te", "trailers");
  fields.add("content-type", "application/grpc");
  fields.add("user-agent", options.user_agent);
  fields.add("grpc-accept-encoding", accepted_encodings());
  if (call.encoding != Encoding::identity) fields.add("grpc-encoding", to_string(call.encoding));
  if (deadline != kNoDeadline) fields.add("grpc-timeout", format_timeout(deadline - now()));
  for (const http::HeaderField field : call.metadata) detail::add_field(fields, field.name, field.value);
  return head;
}

void Channel::Impl::retire() {
  if (connection->told_to_go()) comeback.peer_closes(now());
  if (connection->pinged_too_often()) ping_less_often();
  tasks.spawn("grpc end of a connection", end_connection(std::move(connection)));
}

void Channel::Impl::ping_less_often() {
  Duration& interval = options.http2.keep_alive_interval;
  interval = std::max(interval, std::min(interval * 2, kLongestPingInterval));
  kLog.warn("the server says too_many_pings: it is asked less often",
            {{"peer", address.to_string()}, {"interval_ms", interval / std::chrono::milliseconds(1)}});
}

io::Task<void> Channel::Impl::end_connection(std::unique_ptr<http::ClientConnection> connection) {
  if (connection->is_open()) [[maybe_unused]]
    const auto drained = co_await connection->drain();
  co_await connection->close();
}

/// False when no connection takes a call now.
Result<bool> Channel::Impl::try_start(detail::ClientCall& call, http::RequestHead& head) {
  if (closed) return fail(Code::cancelled, "the channel to {} is closed", address.to_string());
  if (!connection) return false;
  // A start that is refused tells a full connection from one that ends; only then a copy is needed.
  const bool ready = connection->can_start();
  auto exchange = connection->start(ready ? std::move(head) : head, call, false);
  if (exchange) {
    call.attach(std::move(*exchange));
    return true;
  }
  if (exchange.error().code() == Code::resource_exhausted) return false;
  if (exchange.error().code() == Code::invalid_argument) return forward_error(exchange);  // the call's fault, not the connection's
  retire();
  if (ready) return forward_error(exchange);
  return false;
}

Result<void> Channel::Impl::ensure_connecting() {
  if (closed) return fail(Code::cancelled, "the channel to {} is closed", address.to_string());
  if (connection && !is_connected()) retire();  // it has ended while nobody called
  if (connection || connecting) return {};
  if (last_failure && now() < next_attempt) return std::unexpected(*last_failure);
  connecting = true;
  last_failure.reset();
  if (options.tls != nullptr && !std::exchange(watching, true)) tasks.spawn("tls reload", options.tls->watch());
  tasks.spawn("grpc connect", connect(shared_from_this()));
  return {};
}

io::Task<void> Channel::Impl::connect(std::shared_ptr<Impl> self) {
  const io::TlsClientContext* tls = self->options.tls.get();
  const io::ConnectOptions how{.timeout = self->options.connect_timeout};
  auto stream = co_await (tls == nullptr ? io::Stream::connect(self->address, how) : io::tls_connect(self->address, *tls, how, {"h2"}));
  self->connecting = false;
  Result<std::unique_ptr<http::ClientConnection>> made =
      stream ? http::connect_http2(std::move(*stream), self->options.http2) : Result<std::unique_ptr<http::ClientConnection>>(forward_error(stream));
  if (made) {
    self->connection = std::move(*made);
    self->failures = 0;
    self->comeback.has_connected();
  } else {
    const Backoff backoff{.first = kFirstBackoff, .most = self->comeback.most_pause(now(), self->options.max_backoff)};
    self->next_attempt = now() + backoff.pause(++self->failures, self->random);
    Error failure = Error(Code::unavailable, fmt::format("no connection to {}", self->address.to_string())).with_cause(std::move(made.error()));
    self->last_failure = transport::with_status(std::move(failure), bolt::Status::comm_error, self->comeback.sent(now()));
  }
  self->changed.set();
}

io::Task<Result<void>> Channel::Impl::start(detail::ClientCall& call, http::RequestHead head) {
  struct Waiter {
    explicit Waiter(size_t& counted) : count(++counted) {}
    ~Waiter() { --count; }
    size_t& count;
  };
  if (waiting >= options.max_waiting) {
    co_return fail(Code::resource_exhausted, "{} calls wait for {} already (max_waiting): call less at a time, or over more connections", waiting,
                   address.to_string());
  }
  const Waiter counted(waiting);
  const auto turn = co_await io::or_return(line.lock());
  while (!co_await io::or_return(try_start(call, head))) co_await io::or_return(wait());
  co_return Result<void>();
}

/// For a connection, or for a place on it.
io::Task<Result<void>> Channel::Impl::wait() {
  co_await io::or_return(ensure_connecting());
  const bool connects = !connection;
  changed.clear();
  co_await io::or_return(changed.wait());
  if (connects && last_failure) co_return std::unexpected(*last_failure);
  co_return Result<void>();
}

/// A call with streams; it keeps what it uses of the channel.
struct Channel::Stream final : ClientStream {
  Stream(std::shared_ptr<Impl> channel, std::string call_path, CallOptions call_options, Deadline deadline)
      : impl(std::move(channel)),
        path(std::move(call_path)),
        options(std::move(call_options)),
        call(path, options, impl->options.max_receive_message, deadline) {}
  ~Stream() override { impl->changed.set(); }

  io::Task<Result<void>> write(Bytes message) override {
    co_await io::or_return(call.send(message, false));
    co_return co_await call.writable();
  }
  void set_encoding(Encoding encoding) override { call.set_encoding(encoding); }
  Result<void> finish_writes() override { return call.finish_writes(); }
  io::Task<Result<std::optional<Bytes>>> read() override { return call.read(); }
  bool message_was_compressed() const override { return call.message_was_compressed(); }
  io::Task<Result<const http::Headers*>> headers() override { return call.headers(); }
  const http::Headers& trailers() const override { return call.trailers(); }

  const std::shared_ptr<Impl> impl;
  const std::string path;
  const CallOptions options;
  detail::ClientCall call;
};

Channel::Channel(io::Address address, ChannelOptions options) : impl_(std::make_shared<Impl>(std::move(address), std::move(options))) {}
Channel::~Channel() = default;

namespace {

/// Tells those who wait for a place on the connection that a call has ended.
struct PlaceFree {
  io::Event& changed;
  ~PlaceFree() { changed.set(); }
};

}  // namespace

io::Task<Result<Bytes>> Channel::unary(std::string path, Bytes message, CallOptions options) {
  const std::shared_ptr<Impl> impl = impl_;
  const Deadline deadline = deadline_of(options, impl->options.default_timeout, co_await io::current_scope());
  for (int sends = 1;; ++sends) {
    const PlaceFree free{impl->changed};
    detail::ClientCall call(path, options, impl->options.max_receive_message, deadline);
    http::RequestHead head = impl->head_of(path, options, deadline);
    if (!co_await io::or_return(impl->start_now(call, head))) {
      co_await io::or_return(io::with_deadline(deadline, impl->start(call, std::move(head))));
    }
    co_await io::or_return(call.send(message, true));
    auto answer = co_await call.read_only();
    if (answer || !call.not_processed() || sends == kMostSends) co_return answer;
  }
}

io::Task<Result<std::unique_ptr<ClientStream>>> Channel::stream(std::string path, CallOptions options) {
  const Deadline deadline = deadline_of(options, Duration::max(), co_await io::current_scope());
  auto stream = std::make_unique<Stream>(impl_, std::move(path), std::move(options), deadline);
  co_await io::or_return(io::with_deadline(deadline, impl_->start(stream->call, impl_->head_of(stream->path, stream->options, deadline))));
  co_return stream;
}

bool Channel::is_connected() const { return impl_->is_connected(); }

void Channel::start_connecting() { [[maybe_unused]] const auto begun = impl_->ensure_connecting(); }

io::Task<Result<void>> Channel::connect() {
  const std::shared_ptr<Impl> impl = impl_;
  while (!impl->is_connected()) co_await io::or_return(impl->wait());
  co_return Result<void>();
}

io::Task<void> Channel::close() {
  const std::shared_ptr<Impl> impl = impl_;
  if (std::exchange(impl->closed, true)) co_return;
  impl->tasks.cancel("the channel is closed");
  [[maybe_unused]] const auto joined = co_await impl->tasks.join();
  // Only now: an attempt to connect may have succeeded before it heard that it was cancelled.
  if (impl->connection) co_await impl->connection->close();
  impl->connection.reset();
  impl->changed.set();
}

}  // namespace sofa::grpc
