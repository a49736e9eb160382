#include "sofa/io/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "sofa/io/detail/stream_core.h"
#include "sofa/io/detail/tls_layer.h"
#include "sofa/io/dns.h"

namespace sofa::io {

namespace {

/// Waits until a non-blocking connect has ended, one way or the other.
class ConnectEnd : public Wait {
 public:
  explicit ConnectEnd(detail::StreamCore& core) : core_(core) {}
  bool await_ready() const { return !core_.connecting(); }
  template <detail::ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) {
    if (!begin(self)) return false;
    core_.event_waits().push_back(*this);
    return true;
  }
  Result<void> await_resume() const { return outcome(); }
  Wait& wait() { return *this; }

 private:
  detail::StreamCore& core_;
};

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int release() { return std::exchange(fd, -1); }
};

std::unexpected<Error> connect_error(const Address& address, int error) {
  return std::unexpected(errno_error(error, fmt::format("cannot connect to {}", address.to_string())));
}

Task<Result<std::unique_ptr<detail::StreamCore>>> connect_one(Address address, const ConnectOptions& options) {
  sockaddr_storage raw{};
  const unsigned length = co_await or_return(address.to_sockaddr(raw));
  Descriptor socket{::socket(raw.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0) co_return connect_error(address, errno);
  if (options.bind) {
    sockaddr_storage local{};
    const unsigned local_length = co_await or_return(options.bind->to_sockaddr(local));
    if (::bind(socket.fd, reinterpret_cast<const sockaddr*>(&local), local_length) != 0) {
      co_return std::unexpected(errno_error(errno, fmt::format("cannot bind to {} to reach {}", options.bind->to_string(), address.to_string())));
    }
  }
  const int connected = ::connect(socket.fd, reinterpret_cast<const sockaddr*>(&raw), length);
  if (connected != 0 && errno != EINPROGRESS) co_return connect_error(address, errno);
  auto core = std::make_unique<detail::StreamCore>(socket.release(), address, options.stream);
  co_await or_return(core->open(connected != 0));
  ConnectEnd end(*core);
  co_await or_return(end);
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(core->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) co_return connect_error(address, error);
  co_return std::move(core);
}

Task<Result<std::unique_ptr<detail::StreamCore>>> connect_any(Address address, const ConnectOptions& options) {
  const std::vector<Address> all = co_await or_return(resolve(address));
  std::optional<Error> last;
  for (const Address& one : all) {
    auto core = co_await connect_one(one, options);
    if (core) co_return std::move(*core);
    last = std::move(core.error());
    if (last->code() == Code::cancelled || last->code() == Code::deadline_exceeded) break;
  }
  if (!last) co_return fail(Code::unavailable, "the host '{}' has no address", address.host());
  co_return std::unexpected(std::move(*last));
}

}  // namespace

AcceptedSocket::~AcceptedSocket() {
  if (fd_ >= 0) ::close(fd_);
}

Stream::Stream(std::unique_ptr<detail::StreamCore> core) : core_(std::move(core)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

Task<Result<Stream>> Stream::connect(Address address, ConnectOptions options) {
  auto core = co_await with_timeout(options.timeout, connect_any(address, options));
  if (core) co_return Stream(std::move(*core));
  if (core.error().code() == Code::deadline_exceeded) {
    co_return std::unexpected(std::move(core.error()).wrap(fmt::format("cannot connect to {} in time", address.to_string())));
  }
  co_return forward_error(core);
}

Result<Stream> Stream::adopt(AcceptedSocket socket, StreamOptions options) {
  const Address peer = socket.peer();
  auto core = std::make_unique<detail::StreamCore>(socket.release(), peer, options);
  if (auto opened = core->open(false); !opened) return forward_error(opened);
  return Stream(std::move(core));
}

Result<TryRead> Stream::try_read(std::span<uint8_t> space) { return core_->try_read(space); }
Stream::ReadSome Stream::read_some(Buffer& in, size_t max) { return ReadSome(*core_, in, max); }
Result<void> Stream::write(Bytes bytes) { return core_->enqueue(std::move(bytes)); }
Result<void> Stream::write(GatherList&& list) { return core_->enqueue(std::move(list)); }
size_t Stream::write_now(ByteSpan bytes) { return core_->write_now(bytes); }
void Stream::flush() { core_->flush(); }
Stream::Drained Stream::drained(size_t low_water) { return Drained(*core_, low_water); }
void Stream::on_flushed(void (*call)(void*), void* context) { core_->on_flushed(call, context); }
size_t Stream::pending_write_bytes() const { return core_->pending(); }

Task<Result<void>> Stream::close_after_flush() {
  core_->flush();
  auto done = co_await drained(0);
  if (done) core_->end_writing();  // the end goes out behind the data, even if unread input makes close() reset
  close();
  co_return done;
}

void Stream::close() { core_->close(); }
void Stream::shutdown_write() { core_->shutdown_write(); }
bool Stream::is_open() const { return core_ != nullptr && !core_->failure(); }
bool Stream::peer_closed() const { return core_->peer_closed(); }
const Address& Stream::peer() const { return core_->peer(); }
const Address& Stream::local() const { return core_->local(); }
bool Stream::is_secure() const { return core_->tls() != nullptr; }
bool Stream::is_resumed() const { return is_secure() && core_->tls()->is_resumed(); }
std::string_view Stream::alpn() const { return is_secure() ? core_->tls()->alpn() : std::string_view(); }
std::string_view Stream::peer_certificate_name() const { return is_secure() ? core_->tls()->peer_name() : std::string_view(); }

bool Stream::ReadSome::attempt() { return core_.read_for(*this); }
void Stream::ReadSome::enlist() { core_.readers().push_back(*this); }
Result<size_t> Stream::ReadSome::await_resume() {
  if (answer_) return std::move(*answer_);
  return std::unexpected<Error>(outcome().error());
}

bool Stream::Drained::attempt() {
  if (core_.failure()) failure_ = *core_.failure();
  return failure_ || core_.pending() <= low_water_;
}
void Stream::Drained::enlist() { core_.drained_waits().push_back(*this); }
Result<void> Stream::Drained::await_resume() {
  if (failure_) return std::unexpected<Error>(std::move(*failure_));
  return outcome();
}

}  // namespace sofa::io
