#pragma once
// Address: where to connect or listen. "127.0.0.1:80", "[::1]:80", "unix:/path", or "host:port" (a name that dns.h resolves).

#include <cstdint>
#include <string>
#include <string_view>

#include "sofa/base/error.h"

struct sockaddr_storage;

namespace sofa::io {

class Address {
 public:
  enum class Kind : uint8_t { ipv4, ipv6, unix_path, name };

  Address() = default;
  /// Reads one of the four forms. Code::invalid_argument names the text and the forms.
  static Result<Address> parse(std::string_view text);
  /// A host (numeric or a name; IPv6 with or without brackets) and a port.
  static Address of(std::string_view host, uint16_t port);
  static Address unix_path(std::string path);
  /// What the kernel returned; an unnamed Unix peer has an empty path.
  static Address from_sockaddr(const sockaddr_storage& raw, unsigned length);

  Kind kind() const { return kind_; }
  bool is_unix() const { return kind_ == Kind::unix_path; }
  bool resolved() const { return kind_ != Kind::name; }
  /// The host without brackets, or the path.
  const std::string& host() const { return host_; }
  /// 0 for Unix sockets.
  uint16_t port() const { return port_; }
  bool is_loopback() const;

  /// The form that parse() reads.
  std::string to_string() const;
  /// Fills `raw` and returns the length for the kernel; fails for names and for paths that are too long (107 bytes).
  Result<unsigned> to_sockaddr(sockaddr_storage& raw) const;

  friend bool operator==(const Address&, const Address&) = default;
  friend auto operator<=>(const Address&, const Address&) = default;

 private:
  Kind kind_ = Kind::ipv4;
  std::string host_ = "0.0.0.0";
  uint16_t port_ = 0;
};

}  // namespace sofa::io
