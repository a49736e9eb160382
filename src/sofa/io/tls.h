#pragma once
// TLS and mTLS through OpenSSL, behind Stream: a connected stream goes in, the same Stream comes back, encrypted.
//
//   auto context = TlsServerContext::create({.certificates = {{.certificate = "server.pem", .key = "server.key"}}}).value();
//   Stream stream = co_await or_return(tls_accept(co_await or_return(listener.accept()), Buffer(), *context));
//
// TLS 1.2 and 1.3; of 1.2 only ciphers with forward secrecy and authenticated encryption. No renegotiation, no compression, no early data. A server
// gives tickets and stores no session; a client keeps those that it gets, for its next connections. Errors are sentences that name the host, the
// reason and what to do.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/io/stream.h"

struct ssl_ctx_st;

namespace sofa::io {

/// Each text is the path of a PEM file, or the PEM text itself (told apart by "-----BEGIN").
struct TlsCertificate {
  std::string certificate{};         ///< the certificate, then those between it and its root
  std::string key{};                 ///< its private key, without a passphrase
  std::vector<std::string> names{};  ///< hosts it is shown for, "*.example.com" for one label; none: those that the certificate itself names
};

enum class TlsVersion : uint8_t { tls1_2, tls1_3 };

struct TlsServerConfig {
  std::vector<TlsCertificate> certificates{};  ///< chosen by the name that the client asks for (SNI): the exact one, then the wildcard, then
                                               ///< the first. Two of one name: one RSA, one ECDSA
  std::string client_ca{};                     ///< who signs client certificates; empty: none are asked for
  bool require_client_certificate = true;      ///< with client_ca: a client without one is refused
  TlsVersion min_version = TlsVersion::tls1_2;
  std::vector<std::string> alpn{};                      ///< protocols in order of preference; none: what the client offers is ignored
  Duration reload_interval = std::chrono::seconds(10);  ///< how often watch() looks at the files
};

struct TlsClientConfig {
  std::string ca{};                 ///< who signs server certificates; empty: the system's list
  std::string server_name{};        ///< name to ask for and to verify; empty: the host that is connected to
  TlsCertificate certificate{};     ///< to prove who we are; empty: none
  std::vector<std::string> alpn{};  ///< protocols to offer, in order of preference
  bool verify = true;               ///< false: whoever answers is believed. For tests alone
  TlsVersion min_version = TlsVersion::tls1_2;
  size_t max_sessions = 256;  ///< tickets of servers that are kept for a shorter handshake next time, 4 of each host and address at most; what
                              ///< was verified then is believed for as long as a ticket lives. reload() forgets them. Zero: none
  Duration reload_interval = std::chrono::seconds(10);  ///< how often watch() looks at the files
};

namespace detail {

struct TlsSettings;  // a read configuration: the SSL_CTX and the certificates by name

/// Settings that are read again without a restart: connections keep those they began with.
class TlsContext {
 public:
  virtual ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// Reads all files again; connections that begin afterwards use them. After an error what was read before stays in force.
  /// Any thread; reads files, so on a shard prefer the awaited watch().
  Result<void> reload();
  /// Looks at the files every reload_interval, on the pool for files, and reloads when one has changed; reports what came of it. Ends with its
  /// scope; at once when the interval is zero or no file is named. Several may run, on any shards: together they look as often as one. The context
  /// outlives it.
  Task<Result<void>> watch();
  /// Those in force now; any thread.
  std::shared_ptr<const TlsSettings> settings() const;

 protected:
  TlsContext(std::vector<std::string> sources, Duration interval);
  virtual Result<std::shared_ptr<const TlsSettings>> load() const = 0;

 private:
  /// What tells that a file has changed: time, size, inode, each as a word.
  std::vector<uint64_t> stamps() const;
  Result<bool> reload_if_changed();
  /// Whether nobody has looked for a whole interval; then the caller looks.
  bool take_turn(Instant now);

  const std::vector<std::string> files_;
  const Duration interval_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsSettings> settings_;
  std::vector<uint64_t> seen_;  // of the last attempt to read
  Instant looked_{};            // by a watcher, last
};

}  // namespace detail

/// What a server shows and demands. Shared by all shards.
class TlsServerContext final : public detail::TlsContext {
 public:
  /// Reads the files (blocking: for the start of a program). Errors name the file, and what is wrong in it. An expired certificate is reported
  /// and taken all the same: clients will tell.
  static Result<std::shared_ptr<TlsServerContext>> create(TlsServerConfig config);
  /// The same without blocking, for a shard.
  static Task<Result<std::shared_ptr<TlsServerContext>>> open(TlsServerConfig config);
  const TlsServerConfig& config() const { return config_; }

 private:
  explicit TlsServerContext(TlsServerConfig config);
  Result<std::shared_ptr<const detail::TlsSettings>> load() const override;
  const TlsServerConfig config_;
};

/// Whom a client believes, and what it shows. Shared by all shards.
class TlsClientContext final : public detail::TlsContext {
 public:
  /// As TlsServerContext::create.
  static Result<std::shared_ptr<TlsClientContext>> create(TlsClientConfig config);
  static Task<Result<std::shared_ptr<TlsClientContext>>> open(TlsClientConfig config);
  const TlsClientConfig& config() const { return config_; }

 private:
  explicit TlsClientContext(TlsClientConfig config);
  Result<std::shared_ptr<const detail::TlsSettings>> load() const override;
  const TlsClientConfig config_;
};

struct TlsAcceptOptions {
  Duration timeout = std::chrono::seconds(10);  ///< of the whole handshake
  std::vector<std::string> alpn{};              ///< instead of the config's, when there are any
};

struct TlsConnectOptions {
  Duration timeout = std::chrono::seconds(5);  ///< of the whole handshake
  std::string server_name{};                   ///< when the config has none; empty: the host of the stream's peer
  std::vector<std::string> alpn{};             ///< instead of the config's, when there are any
};

/// The server's handshake; `prefix` are bytes of it that were read already. What the stream has queued leaves first, as it is. After an error the
/// peer has been told by an alert and the connection is closed: Code::unauthenticated for a certificate that was not believed,
/// Code::deadline_exceeded, Code::unavailable for the rest.
Task<Result<Stream>> tls_accept(Stream stream, Buffer prefix, const TlsServerContext& context, TlsAcceptOptions options = {});
/// The client's handshake, likewise. With TLS 1.3 a server may refuse our certificate after it: the first read tells then.
Task<Result<Stream>> tls_connect(Stream stream, const TlsClientContext& context, TlsConnectOptions options = {});
/// Connects to an address or a name and shakes hands; `options.timeout` for both together. `alpn` as in TlsConnectOptions.
Task<Result<Stream>> tls_connect(Address address, const TlsClientContext& context, ConnectOptions options = {}, std::vector<std::string> alpn = {});

/// The first byte, then the second, of every TLS connection: a handshake record of major version 3 (RFC 8446, 5.1).
inline constexpr uint8_t kTlsFirstBytes[] = {0x16, 0x03};

}  // namespace sofa::io
