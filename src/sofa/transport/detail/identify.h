#pragma once
// The first moments of an accepted connection: is it TLS, and which protocol does it speak?

#include <atomic>
#include <string>
#include <vector>

#include "sofa/base/log.h"
#include "sofa/transport/port.h"

namespace sofa::transport::detail {

/// What the shards of one port have in common.
struct PortShared {
  PortShared(std::vector<Protocol*> list, PortOptions port_options);
  const std::vector<Protocol*> protocols;
  const PortOptions options;
  const std::vector<std::string> alpn;  // of the protocols that have a name there
  std::atomic<uint32_t> open{0};        // accepted and not yet ended, on all shards
  LogRate refusal_log;
};

/// A connection and what was found out about it.
struct Identified {
  io::Stream stream;
  Buffer prefix;                 // bytes read so far, decrypted
  Protocol* protocol = nullptr;  // null: refused, and `kind` and `reason` say why
  CloseKind kind = CloseKind::peer;
  std::string reason{};  // for the log; empty: not worth a line
};

/// Reads until a protocol claims the connection. Ends with its scope.
io::Task<Identified> identify(io::Stream stream, const PortShared& port);

}  // namespace sofa::transport::detail
