#pragma once
// A protocol of a port: it knows its connections by their first bytes and serves them. To add one: a folder with a Protocol, a line in the port's
// list.

#include <cstddef>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/io/stream.h"
#include "sofa/io/task.h"
#include "sofa/transport/options.h"

namespace sofa::transport {

/// Whether the first bytes of a connection are a protocol's: more bytes never turn `no` or `yes` into something else.
enum class Detected : uint8_t { no, maybe, yes };

/// One accepted connection in the hands of a protocol. Lives until serve() has ended; belongs to one shard.
class Connection {
 public:
  explicit Connection(const bool& draining) : draining_(draining) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Calls `callback(context)` on the shard when the port begins to drain, at once when it does already. One callback; null takes it back.
  void on_drain(void (*callback)(void* context), void* context) {
    callback_ = callback;
    context_ = context;
    if (draining_) drain();
  }
  /// Only the port calls this.
  void drain() {
    if (callback_ != nullptr) callback_(context_);
  }

  /// How the connection ended; to be set before serve() ends.
  CloseKind close_kind = CloseKind::peer;
  /// Its counters while it is served, null for none; to be set to null before what it points to goes.
  const SessionStats* live_stats = nullptr;
  /// Its counters, to be set before serve() ends.
  SessionStats final_stats;
  /// Its place in the list of the port.
  size_t index = 0;

 private:
  const bool& draining_;
  void (*callback_)(void*) = nullptr;
  void* context_ = nullptr;
};

/// Shared by all shards of a port: no state of a connection in it. Outlives the port.
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual std::string_view name() const = 0;
  /// Its name in the negotiation of TLS (RFC 7301): a connection that agreed on it is served without a look at its bytes. Empty: it has none.
  virtual std::string_view alpn() const { return {}; }
  /// Never called with no bytes. Cheap: called again with more bytes as long as it says maybe.
  virtual Detected detect(ByteSpan first_bytes) const = 0;
  /// Serves the connection to its end; `prefix` are the bytes read so far. Its scope is cancelled when the port stops for good.
  virtual io::Task<void> serve(io::Stream stream, Buffer prefix, Connection& connection) = 0;
};

}  // namespace sofa::transport
