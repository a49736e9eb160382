#include "sofa/io/listener.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sofa/io/detail/port_holder.h"
#include "sofa/io/dns.h"
#include "sofa/io/inherited_socket.h"
#include "sofa/io/report.h"

namespace sofa::io {

namespace detail {

class ListenerCore final : public Pollable {
 public:
  /// `inherited`: a Unix path belongs to others.
  ListenerCore(int descriptor, Address local, ListenOptions options, bool inherited)
      : Pollable(&ListenerCore::handle_events),
        shard_(Shard::current()),
        local_(std::move(local)),
        options_(std::move(options)),
        inherited_(inherited) {
    fd = descriptor;
  }
  ~ListenerCore() { close(); }

  Result<void> open() { return shard_.watch(*this); }
  void close() {
    if (fd < 0) return;
    shard_.forget(*this);
    ::close(std::exchange(fd, -1));
    if (local_.is_unix() && !inherited_) ::unlink(local_.host().c_str());
    while (!waits_.empty()) waits_.front().wake();
  }
  bool is_open() const { return fd >= 0; }
  const Address& local() const { return local_; }
  const ListenOptions& options() const { return options_; }

  class Readable : public Wait {
   public:
    explicit Readable(ListenerCore& core) : core_(core) {}
    bool await_ready() const { return false; }
    template <ScopedPromise P>
    bool await_suspend(std::coroutine_handle<P> self) {
      if (!admit(self) || core_.readable_ || !core_.is_open()) return false;
      begin(self);
      core_.waits_.push_back(*this);
      return true;
    }
    Result<void> await_resume() const { return outcome(); }
    Wait& wait() { return *this; }

   private:
    ListenerCore& core_;
  };
  Readable readable() { return Readable(*this); }

  /// One accept; nothing when there is no connection to take now.
  std::optional<AcceptedSocket> try_accept();
  /// Set by try_accept when the process or the system has no descriptors left.
  bool exhausted() const { return exhausted_; }

 private:
  static void handle_events(Pollable& self, uint32_t) {
    auto& core = static_cast<ListenerCore&>(self);
    core.readable_ = true;
    while (!core.waits_.empty()) core.waits_.front().wake();
  }
  void note_failure(int error);

  Shard& shard_;
  Address local_;
  const ListenOptions options_;
  const bool inherited_;
  WaitQueue waits_;
  bool readable_ = false;
  bool exhausted_ = false;
};

std::optional<AcceptedSocket> ListenerCore::try_accept() {
  sockaddr_storage raw{};
  socklen_t length = sizeof raw;
  const int accepted = ::accept4(fd, reinterpret_cast<sockaddr*>(&raw), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted < 0) {
    note_failure(errno);
    return std::nullopt;
  }
  exhausted_ = false;
  return AcceptedSocket(accepted, Address::from_sockaddr(raw, length));
}

void ListenerCore::note_failure(int error) {
  switch (error) {
    case EAGAIN:
      readable_ = false;
      exhausted_ = false;
      return;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      if (!exhausted_) {
        report(fmt::format("{} accepts no connections for now: {}; raise the limit of open files (ulimit -n)", local_.to_string(),
                           errno_error(error, "accept").message()));
      }
      exhausted_ = true;
      return;
    default:
      return;  // that one connection failed before it was taken
  }
}

}  // namespace detail

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
  int release() { return std::exchange(fd, -1); }
};

std::unexpected<Error> taken_error(const Address& address, const ListenOptions& options) {
  const std::string what = address.is_unix() ? fmt::format("the socket {}", address.to_string()) : fmt::format("port {}", address.port());
  const std::string change = options.option_name.empty() ? "choose another address" : fmt::format("choose another with {}", options.option_name);
  return fail(Code::already_exists, "{} is taken: {} is held by {}; {}", what, address.to_string(), detail::describe_holder(address), change);
}

/// A path whose process is gone refuses connections; it is removed so that it can be bound again.
bool remove_dead_path(const Address& address, const sockaddr_storage& raw, unsigned length) {
  const Descriptor probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (::connect(probe.fd, reinterpret_cast<const sockaddr*>(&raw), length) == 0 || errno != ECONNREFUSED) return false;
  return ::unlink(address.host().c_str()) == 0;
}

Result<Address> bound_address(int fd) {
  sockaddr_storage raw{};
  socklen_t length = sizeof raw;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &length) != 0) return std::unexpected(errno_error(errno, "getsockname"));
  return Address::from_sockaddr(raw, length);
}

void set_listen_options(int fd, const Address& address, const ListenOptions& options) {
  const int on = 1;
  const int only_v6 = options.dual_stack ? 0 : 1;
  if (address.is_unix()) return;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options.reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.kind() == Address::Kind::ipv6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
}

}  // namespace

Listener::Listener(std::shared_ptr<detail::ListenerCore> core) : core_(std::move(core)) {}
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&& other) noexcept {
  std::swap(core_, other.core_);
  return *this;
}
Listener::~Listener() {
  if (core_) core_->close();
}

Result<Listener> Listener::bind(const Address& address, ListenOptions options) {
  sockaddr_storage raw{};
  const auto length = address.to_sockaddr(raw);
  if (!length) return std::unexpected<Error>(length.error());
  if (const auto inherited = inherited_socket(address)) return open(*inherited, true, std::move(options));
  Descriptor socket{::socket(raw.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0) return std::unexpected(errno_error(errno, fmt::format("cannot make a socket for {}", address.to_string())));
  set_listen_options(socket.fd, address, options);
  const auto* name = reinterpret_cast<const sockaddr*>(&raw);
  int bound = ::bind(socket.fd, name, *length);
  if (bound != 0 && errno == EADDRINUSE && address.is_unix() && remove_dead_path(address, raw, *length)) bound = ::bind(socket.fd, name, *length);
  if (bound == 0) bound = ::listen(socket.fd, options.backlog);
  if (bound != 0) {
    if (errno == EADDRINUSE) return taken_error(address, options);
    return std::unexpected(errno_error(errno, fmt::format("cannot listen on {}", address.to_string())));
  }
  return open(socket.release(), false, std::move(options));
}

Result<Listener> Listener::open(int fd, bool inherited, ListenOptions options) {
  Descriptor socket{fd};
  auto local = bound_address(socket.fd);
  if (!local) return forward_error(local);
  auto core = std::make_shared<detail::ListenerCore>(socket.release(), std::move(*local), std::move(options), inherited);
  if (auto opened = core->open(); !opened) return forward_error(opened);
  return Listener(std::move(core));
}

namespace {

/// One port for all of the addresses, the first of which chooses when `port` is 0.
Result<std::vector<Listener>> bind_once(const std::vector<Address>& addresses, const ListenOptions& options) {
  std::vector<Listener> bound;
  std::optional<Error> missing;
  for (const Address& address : addresses) {
    auto listener = Listener::bind(bound.empty() ? address : Address::of(address.host(), bound.front().local().port()), options);
    if (listener) {
      bound.push_back(std::move(*listener));
    } else if (listener.error().code() == Code::unavailable) {
      missing = std::move(listener.error());
    } else {
      return forward_error(listener);
    }
  }
  if (bound.empty() && missing) return std::unexpected(std::move(*missing));
  return bound;
}

}  // namespace

Result<std::vector<Listener>> Listener::bind_all(const std::vector<Address>& addresses, const ListenOptions& options) {
  constexpr int kMostAttempts = 16;  // to find a port that is free at all of them
  std::vector<Address> different;
  for (const Address& address : addresses) {
    if (std::ranges::find(different, address) == different.end()) different.push_back(address);
  }
  if (different.empty()) return fail(Code::invalid_argument, "there is no address to listen on; name one");
  for (int attempt = 1;; ++attempt) {
    auto bound = bind_once(different, options);
    const bool again = !bound && different.front().port() == 0 && bound.error().code() == Code::already_exists && attempt < kMostAttempts;
    if (!again) return bound;
  }
}

Task<Result<std::vector<Listener>>> Listener::bind_name(Address address, ListenOptions options) {
  if (address.is_unix()) {
    std::vector<Listener> one;
    one.push_back(co_await or_return(bind(address, std::move(options))));
    co_return one;
  }
  co_return bind_all(co_await or_return(resolve(std::move(address))), options);
}

Task<Result<AcceptedSocket>> Listener::accept_socket() {
  const std::shared_ptr<detail::ListenerCore> core = core_;
  while (true) {
    co_await or_return(core->readable());
    if (!core->is_open()) co_return fail(Code::unavailable, "the listener on {} is closed", core->local().to_string());
    if (auto socket = core->try_accept()) co_return std::move(*socket);
    if (core->exhausted()) co_await or_return(sleep_for(core->options().accept_backoff));
  }
}

Task<Result<Stream>> Listener::accept() {
  const StreamOptions options = core_->options().stream;
  co_return Stream::adopt(co_await or_return(accept_socket()), options);
}

void Listener::close() { core_->close(); }
const Address& Listener::local() const { return core_->local(); }

}  // namespace sofa::io
