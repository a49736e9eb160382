#pragma once
// What servers have given a client for a shorter handshake of its next connection: tickets, and sessions of TLS 1.2 (RFC 8446, 2.2; RFC 5077).

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/io/detail/tls_openssl.h"

namespace sofa::io::detail {

using SessionPtr = std::unique_ptr<SSL_SESSION, OpenSslDelete<&SSL_SESSION_free>>;

/// Any thread.
class TlsSessions {
 public:
  /// Of one target: more would only be for connections that begin at the same time.
  static constexpr size_t kMostOfOneTarget = 4;

  /// `most`: sessions that are kept, of all targets.
  explicit TlsSessions(size_t most) : most_(most) {}

  /// Over a bound the oldest goes.
  void put(std::string_view target, SessionPtr session);
  /// The newest that still lives; null: none. It is given once, since a ticket that is shown twice tells listeners that one client has made both
  /// connections (RFC 8446, C.4).
  SessionPtr take(std::string_view target);
  size_t size() const;

 private:
  struct Kept {
    std::string target;
    SessionPtr session;
  };
  void make_room(std::string_view target);

  const size_t most_;
  mutable std::mutex mutex_;
  std::vector<Kept> kept_;  // the oldest first
};

}  // namespace sofa::io::detail
