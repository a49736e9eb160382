#include "load.h"
#include "sofa/http/fetch.h"

namespace bench {

namespace {

constexpr size_t kMaxAnswer = 1 << 20;  // bytes

/// The context of --ca, or nothing.
rpc::Task<Result<std::shared_ptr<io::TlsClientContext>>> open_tls(const LoadOptions& options) {
  auto config = tls_of(options);
  if (!config) co_return std::shared_ptr<io::TlsClientContext>();
  co_return co_await io::TlsClientContext::open(std::move(*config));
}

rpc::Task<Result<io::Stream>> connect(const io::Address& address, const io::TlsClientContext* tls) {
  if (tls == nullptr) co_return co_await io::Stream::connect(address);
  co_return co_await io::tls_connect(address, *tls, io::ConnectOptions());
}

/// HTTP/1.1, each caller on a connection of its own.
class HttpTarget final : public Target {
 public:
  explicit HttpTarget(const LoadOptions& options) : options_(options), body_(Bytes::copy_of(options.body)) {
    request_.method = options.body.empty() ? "GET" : "POST";
    request_.authority = options.target;
    request_.target = options.path;
    if (options.body.empty()) return;
    request_.headers.add("content-type", "application/json");
    request_.headers.add("content-length", fmt::format("{}", options.body.size()));
  }

  rpc::Task<Result<void>> open() override {
    const auto address = co_await rpc::or_return(io::Address::parse(options_.target));
    const auto tls = co_await rpc::or_return(open_tls(options_));
    for (uint32_t i = 0; i < options_.callers; ++i) {
      auto stream = co_await rpc::or_return(connect(address, tls.get()));
      connections_.push_back(co_await rpc::or_return(http::connect_http1(std::move(stream))));
    }
    co_return Result<void>();
  }

  rpc::Task<Result<void>> call(uint32_t caller) override {
    const auto [head, body] = co_await rpc::or_return(http::fetch(*connections_[caller], request_, body_, kMaxAnswer));
    if (head.status != 200 || body.text() != options_.answer) {
      co_return fail(Code::internal, "{} answers {}: {}", options_.path, head.status, body.text());
    }
    co_return Result<void>();
  }

  rpc::Task<void> close() override {
    for (auto& connection : connections_) co_await connection->close();
  }

 private:
  const LoadOptions& options_;
  const Bytes body_;
  http::RequestHead request_;
  std::vector<std::unique_ptr<http::ClientConnection>> connections_;
};

class HandshakeTarget final : public Target {
 public:
  explicit HandshakeTarget(const LoadOptions& options) : options_(options) {}
  rpc::Task<Result<void>> open() override {
    address_ = co_await rpc::or_return(io::Address::parse(options_.target));
    tls_ = co_await rpc::or_return(open_tls(options_));
    if (tls_ == nullptr) co_return fail(Code::invalid_argument, "--protocol handshake needs --ca, the file of who signs the server's certificate");
    co_return Result<void>();
  }
  rpc::Task<Result<void>> call(uint32_t) override {
    auto stream = co_await rpc::or_return(connect(address_, tls_.get()));
    stream.close();
    co_return Result<void>();
  }

 private:
  const LoadOptions& options_;
  io::Address address_;
  std::shared_ptr<io::TlsClientContext> tls_;
};

/// A connection for each request: a handshake, whole or resumed (--resume), then a GET, with whose answer the server's ticket comes.
class VisitTarget final : public Target {
 public:
  explicit VisitTarget(const LoadOptions& options) : options_(options) {
    request_.method = "GET";
    request_.authority = options.target;
    request_.target = options.path;
  }
  rpc::Task<Result<void>> open() override {
    address_ = co_await rpc::or_return(io::Address::parse(options_.target));
    tls_ = co_await rpc::or_return(open_tls(options_));
    if (tls_ == nullptr) co_return fail(Code::invalid_argument, "--protocol visit needs --ca, the file of who signs the server's certificate");
    co_return Result<void>();
  }
  rpc::Task<Result<void>> call(uint32_t) override {
    auto stream = co_await rpc::or_return(connect(address_, tls_.get()));
    if (auto counted = count(stream.is_resumed()); !counted) co_return counted;
    auto connection = co_await rpc::or_return(http::connect_http1(std::move(stream)));
    auto answer = co_await http::fetch(*connection, request_, Bytes(), kMaxAnswer);
    co_await connection->close();
    if (!answer) co_return forward_error(answer);
    if (answer->body.text() != options_.answer) co_return fail(Code::internal, "{} answers {}", options_.path, answer->head.status);
    co_return Result<void>();
  }

 private:
  /// The first connections of all callers have nothing to resume, and now and then a ticket is lost.
  Result<void> count(bool resumed) {
    ++connections_;
    resumed_ += resumed ? 1 : 0;
    if (!options_.resume && resumed) return fail(Code::internal, "a connection was resumed where whole handshakes are measured");
    if (!options_.resume || connections_ < 20 * options_.callers || resumed_ * 10 >= connections_ * 9) return {};
    return fail(Code::internal, "{} of {} connections were resumed: too few to measure resumed ones", resumed_, connections_);
  }

  const LoadOptions& options_;
  http::RequestHead request_;
  io::Address address_;
  std::shared_ptr<io::TlsClientContext> tls_;
  uint64_t connections_ = 0, resumed_ = 0;
};

}  // namespace

std::unique_ptr<Target> make_http_target(const LoadOptions& options) { return std::make_unique<HttpTarget>(options); }
std::unique_ptr<Target> make_handshake_target(const LoadOptions& options) { return std::make_unique<HandshakeTarget>(options); }
std::unique_ptr<Target> make_visit_target(const LoadOptions& options) { return std::make_unique<VisitTarget>(options); }

}  // namespace bench
