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

}  // namespace

std::unique_ptr<Target> make_http_target(const LoadOptions& options) { return std::make_unique<HttpTarget>(options); }
std::unique_ptr<Target> make_handshake_target(const LoadOptions& options) { return std::make_unique<HandshakeTarget>(options); }

}  // namespace bench
