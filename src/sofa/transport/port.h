#pragma once
// Port: one listening address, all shards, any number of protocols told apart by the first bytes, plain and over TLS.
//
//   BoltProtocol bolt(handlers);
//   auto port = co_await or_return(Port::open(address, {&bolt}, {.option_name = "--bolt"}));
//   ...
//   co_await port->stop();

#include <memory>
#include <string>
#include <vector>

#include "sofa/io/listener.h"
#include "sofa/io/tls.h"
#include "sofa/transport/protocol.h"

namespace sofa::transport {

struct PortOptions {
  std::string option_name;                                ///< what changes the address, for the error of a taken port: "--bolt"
  uint32_t max_connections = 100'000;                     ///< over it an accepted connection is closed at once
  Duration detect_timeout = std::chrono::seconds(3);      ///< from the first byte until a protocol must have claimed the connection
  Duration silent_timeout = std::chrono::seconds(90);     ///< a connection that has not sent a byte
  Duration drain_timeout = std::chrono::seconds(5);       ///< stop(): how long requests in flight may take
  size_t max_first_bytes = 4096;                          ///< most bytes that detection looks at
  uint32_t log_lines_per_second = 50;                     ///< of closes and refusals; more are counted, not written
  io::StreamOptions stream = bolt_stream_options();       ///< of accepted connections
  std::shared_ptr<io::TlsServerContext> tls{};            ///< decrypts connections that begin with a TLS handshake; then ALPN, or else the first
                                                          ///< decrypted bytes, tell their protocol. The port watches its files
  bool tls_only = false;                                  ///< with tls: plain connections are closed at once
  Duration handshake_timeout = std::chrono::seconds(10);  ///< of TLS
};

/// An open connection of a port, as it stands.
struct ConnectionSnapshot {
  uint64_t id = 0;  ///< in its port, for ever; later connections of a shard have greater ones
  io::Address peer, local;
  std::string_view protocol{};  ///< Protocol::name(); empty while the first bytes have not told
  bool secure = false;
  unsigned shard = 0;    ///< whose it is
  Instant opened{};      ///< accepted, on its shard's clock
  SessionStats stats{};  ///< of a protocol that counts
};

class Port {
 public:
  /// Listens, on the shard that calls, and hands connections to all shards of its runtime in turn. The protocols outlive the port. A name is
  /// resolved, and all of its addresses are listened on with one port. Fails as io::Listener::bind_name does.
  static io::Task<Result<std::unique_ptr<Port>>> open(io::Address address, std::vector<Protocol*> protocols, PortOptions options = {});

  /// Must be stopped before.
  virtual ~Port() = default;
  /// The real address (of a name: the first one), with the real port.
  virtual const io::Address& local() const = 0;
  /// Stops accepting, tells every connection to drain, and after drain_timeout closes what is left. From any shard, any number of times, also at
  /// once: each call ends when the port has stopped. Only a further call can fail, when its own scope is cancelled before.
  virtual io::Task<Result<void>> stop() = 0;
  /// The counters of all shards, summed; after stop() the last ones. From any shard.
  virtual io::Task<Result<ServerStats>> stats() = 0;
  /// The open connections of all shards whose id is at least `from`, by id, at most `most`. From any shard; after stop() there are none.
  virtual io::Task<Result<std::vector<ConnectionSnapshot>>> connections(uint64_t from, size_t most) = 0;
};

}  // namespace sofa::transport
