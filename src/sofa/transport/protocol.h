#pragma once
// A protocol of a port: it knows its connections by their first bytes and serves them. To add one: a folder with a Protocol, a line in the port's list.

#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/io/stream.h"
#include "sofa/io/task.h"
#include "sofa/transport/options.h"

namespace sofa::transport {

/// Whether the first bytes of a connection are a protocol's: more bytes never turn `no` or `yes` into something else.
enum class Detected : uint8_t { no, maybe, yes };

/// Told once, on its shard, when the port begins to drain. Embedded by its user; leaves the list when destroyed.
class DrainHook : public io::detail::ListHook<struct DrainTag> {
 public:
  using Callback = void (*)(void* context);
  DrainHook(Callback callback, void* context) : callback_(callback), context_(context) {}
  void run() { callback_(context_); }

 private:
  Callback callback_;
  void* context_;
};

/// One accepted connection in the hands of a protocol. Lives until serve() has ended; belongs to one shard.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Calls the hook when the port drains, at once when it does already.
  virtual void watch_drain(DrainHook& hook) = 0;
  /// Says, at most once and before serve() ends, how the connection ended; `peer` unless told otherwise.
  virtual void set_close_kind(CloseKind kind) = 0;
  /// Adds to the counters of the port's shard.
  virtual ServerStats& stats() = 0;
};

/// Shared by all shards of a port: no state of a connection in it. Outlives the port.
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual std::string_view name() const = 0;
  /// Never called with no bytes. Cheap: called again with more bytes as long as it says maybe.
  virtual Detected detect(ByteSpan first_bytes) const = 0;
  /// Serves the connection to its end; `prefix` are the bytes read so far. Its scope is cancelled when the port stops for good.
  virtual io::Task<void> serve(io::Stream stream, Buffer prefix, Connection& connection) = 0;
};

}  // namespace sofa::transport
