#include "sofa/io/tls.h"

#include <sys/stat.h>

#include "sofa/io/detail/stream_core.h"
#include "sofa/io/detail/tls_layer.h"
#include "sofa/io/report.h"
#include "sofa/io/runtime.h"

namespace sofa::io {

namespace detail {

namespace {

constexpr size_t kStampWords = 4;
constexpr Duration kLinger = std::chrono::seconds(1);  // after a refused handshake: how long the peer may take to read why
constexpr size_t kLingerBytes = 64 << 10;

std::vector<std::string> files_of(const TlsCertificate& certificate) { return {certificate.certificate, certificate.key}; }

std::vector<std::string> sources_of(const TlsServerConfig& config) {
  std::vector<std::string> sources{config.client_ca};
  for (const TlsCertificate& one : config.certificates) std::ranges::copy(files_of(one), std::back_inserter(sources));
  return sources;
}

std::vector<std::string> sources_of(const TlsClientConfig& config) {
  std::vector<std::string> sources = files_of(config.certificate);
  sources.push_back(config.ca);
  return sources;
}

std::vector<std::string> paths_among(std::vector<std::string> sources) {
  std::erase_if(sources, [](const std::string& source) { return !is_path(source); });
  return sources;
}

/// Until the socket has something, or has failed.
class Input : public Wait {
 public:
  explicit Input(StreamCore& core) : core_(core) {}
  bool await_ready() const { return false; }
  template <ScopedPromise P>
  bool await_suspend(std::coroutine_handle<P> self) {
    if (!admit(self) || core_.readable() || core_.failure()) return false;
    begin(self);
    core_.event_waits().push_back(*this);
    return true;
  }
  Result<void> await_resume() const { return outcome(); }
  Wait& wait() { return *this; }

 private:
  StreamCore& core_;
};

Task<Result<void>> shake_hands(StreamCore& core) {
  for (;;) {
    auto done = core.tls()->shake_hands();
    core.flush();
    if (!done) co_return forward_error(done);
    if (*done) co_return Result<void>();
    if (core.tls()->has_more()) {
      co_await yield();
      continue;
    }
    Input input(core);
    co_await or_return(input);
    if (core.failure()) co_return std::unexpected<Error>(*core.failure());
  }
}

/// Throws away what has come, at most `most` bytes: how many; nothing at the end of the stream.
std::optional<size_t> discard_input(StreamCore& core, size_t most) {
  std::array<uint8_t, 4096> waste;
  size_t sum = 0;
  while (sum < most) {
    const auto got = core.receive(waste);
    if (!got || got->state == TryRead::State::end) return std::nullopt;
    if (got->state == TryRead::State::would_block) break;
    sum += got->bytes;
  }
  return sum;
}

// Closing with unread input would reset the connection, and the peer might never read the alert that says why.
Task<Result<void>> linger(StreamCore& core) {
  core.end_writing();
  for (size_t left = kLingerBytes; left > 0 && !core.failure();) {
    const auto discarded = discard_input(core, left);
    if (!discarded) break;
    left -= std::min(left, *discarded);
    Input input(core);
    co_await or_return(input);
  }
  co_return Result<void>();
}

Error slow_handshake(const StreamCore& core, Duration timeout) {
  return {Code::deadline_exceeded, fmt::format("the TLS handshake with {} did not end within {} ms; it stands at '{}'", core.peer().to_string(),
                                               std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count(), core.tls()->state())};
}

}  // namespace

/// Reaches the core of a stream for the two handshakes.
struct StreamAccess {
  static StreamCore& core(Stream& stream) { return *stream.core_; }

  static Task<Result<Stream>> secure(Stream stream, TlsLayer::Handshake handshake, Duration timeout) {
    StreamCore& plain = core(stream);
    plain.flush();
    co_await or_return(stream.drained());
    plain.secure(std::make_unique<TlsLayer>(plain, std::move(handshake)));
    auto shaken = co_await with_timeout(timeout, shake_hands(plain));
    if (shaken) co_return std::move(stream);
    const bool in_time = shaken.error().code() != Code::deadline_exceeded;
    if (in_time && !plain.failure()) [[maybe_unused]]
      const auto lingered = co_await with_timeout(kLinger, linger(plain));
    if (in_time) co_return forward_error(shaken);
    co_return std::unexpected(slow_handshake(plain, timeout));
  }
};

TlsContext::TlsContext(std::vector<std::string> sources, Duration interval) : files_(paths_among(std::move(sources))), interval_(interval) {}
TlsContext::~TlsContext() = default;

std::shared_ptr<const TlsSettings> TlsContext::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

// The stamps are taken before the files are read: what changes meanwhile is seen by the next look.
Result<void> TlsContext::reload() {
  std::vector<uint64_t> now = stamps();
  auto loaded = load();
  const std::lock_guard lock(mutex_);
  seen_ = std::move(now);
  if (!loaded) return forward_error(loaded);
  settings_ = std::move(*loaded);
  return {};
}

std::vector<uint64_t> TlsContext::stamps() const {
  std::vector<uint64_t> words;
  words.reserve(files_.size() * kStampWords);
  for (const std::string& file : files_) {
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) status = {};
    for (const auto word : {static_cast<uint64_t>(status.st_mtim.tv_sec), static_cast<uint64_t>(status.st_mtim.tv_nsec),
                            static_cast<uint64_t>(status.st_size), static_cast<uint64_t>(status.st_ino)}) {
      words.push_back(word);
    }
  }
  return words;
}

Result<bool> TlsContext::reload_if_changed() {
  {
    const std::vector<uint64_t> now = stamps();
    const std::lock_guard lock(mutex_);
    if (now == seen_) return false;
  }
  if (auto loaded = reload(); !loaded) return forward_error(loaded);
  return true;
}

bool TlsContext::take_turn(Instant now) {
  const std::lock_guard lock(mutex_);
  if (now < deadline_after(looked_, interval_)) return false;
  looked_ = now;
  return true;
}

Task<Result<void>> TlsContext::watch() {
  if (files_.empty() || interval_ <= Duration::zero()) co_return Result<void>();
  for (;;) {
    co_await or_return(sleep_for(interval_));
    if (!take_turn(Shard::current().now())) continue;
    auto looked = co_await run_blocking(Shard::current().runtime().file_pool(), [this] { return reload_if_changed(); });
    co_await or_return((co_await current_scope()).check());
    if (!looked) report(fmt::format("TLS goes on with the certificates that it has: {}", looked.error()));
    if (looked && *looked) report(fmt::format("TLS certificates were read again from '{}' and its like", files_.front()));
  }
}

}  // namespace detail

TlsServerContext::TlsServerContext(TlsServerConfig config)
    : TlsContext(detail::sources_of(config), config.reload_interval), config_(std::move(config)) {}

Result<std::shared_ptr<TlsServerContext>> TlsServerContext::create(TlsServerConfig config) {
  std::shared_ptr<TlsServerContext> context(new TlsServerContext(std::move(config)));
  if (auto loaded = context->reload(); !loaded) return forward_error(loaded);
  return context;
}

Task<Result<std::shared_ptr<TlsServerContext>>> TlsServerContext::open(TlsServerConfig config) {
  return run_blocking(Shard::current().runtime().file_pool(), [config = std::move(config)] { return create(config); });
}

Result<std::shared_ptr<const detail::TlsSettings>> TlsServerContext::load() const { return detail::load_tls(config_); }

TlsClientContext::TlsClientContext(TlsClientConfig config)
    : TlsContext(detail::sources_of(config), config.reload_interval), config_(std::move(config)) {}

Result<std::shared_ptr<TlsClientContext>> TlsClientContext::create(TlsClientConfig config) {
  std::shared_ptr<TlsClientContext> context(new TlsClientContext(std::move(config)));
  if (auto loaded = context->reload(); !loaded) return forward_error(loaded);
  return context;
}

Task<Result<std::shared_ptr<TlsClientContext>>> TlsClientContext::open(TlsClientConfig config) {
  return run_blocking(Shard::current().runtime().file_pool(), [config = std::move(config)] { return create(config); });
}

Result<std::shared_ptr<const detail::TlsSettings>> TlsClientContext::load() const { return detail::load_tls(config_); }

Task<Result<Stream>> tls_accept(Stream stream, Buffer prefix, const TlsServerContext& context, TlsAcceptOptions options) {
  detail::TlsLayer::Handshake handshake{
      .side = detail::TlsLayer::Side::server,
      .settings = context.settings(),
      .host = {},
      .alpn = detail::alpn_wire_form(options.alpn.empty() ? context.config().alpn : options.alpn),
      .prefix = std::move(prefix),
  };
  return detail::StreamAccess::secure(std::move(stream), std::move(handshake), options.timeout);
}

Task<Result<Stream>> tls_connect(Stream stream, const TlsClientContext& context, TlsConnectOptions options) {
  const TlsClientConfig& config = context.config();
  std::string host = !config.server_name.empty() ? config.server_name : std::move(options.server_name);
  if (host.empty()) host = stream.peer().host();
  detail::TlsLayer::Handshake handshake{
      .side = detail::TlsLayer::Side::client,
      .settings = context.settings(),
      .host = std::move(host),
      .alpn = detail::alpn_wire_form(options.alpn.empty() ? config.alpn : options.alpn),
      .prefix = {},
      .verify = config.verify,
  };
  return detail::StreamAccess::secure(std::move(stream), std::move(handshake), options.timeout);
}

namespace {

Task<Result<Stream>> connect_and_shake_hands(const Address& address, const TlsClientContext& context, const ConnectOptions& options,
                                             std::vector<std::string> alpn) {
  Stream plain = co_await or_return(Stream::connect(address, options));
  co_return co_await tls_connect(std::move(plain), context, {.timeout = options.timeout, .server_name = address.host(), .alpn = std::move(alpn)});
}

}  // namespace

Task<Result<Stream>> tls_connect(Address address, const TlsClientContext& context, ConnectOptions options, std::vector<std::string> alpn) {
  co_return co_await with_timeout(options.timeout, connect_and_shake_hands(address, context, options, std::move(alpn)));
}

}  // namespace sofa::io
