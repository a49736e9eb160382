#include "sofa/io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "sofa/base/text.h"

namespace sofa::io {

namespace {
constexpr std::string_view kUnixPrefix = "unix:";

bool is_ipv4(const std::string& host) {
  in_addr raw{};
  return ::inet_pton(AF_INET, host.c_str(), &raw) == 1;
}
bool is_ipv6(const std::string& host) {
  in6_addr raw{};
  return ::inet_pton(AF_INET6, host.c_str(), &raw) == 1;
}
std::unexpected<Error> unreadable(std::string_view text, std::string_view why) {
  return fail(Code::invalid_argument, "'{}' is not an address ({}); write 127.0.0.1:80, [::1]:80, host:80 or unix:/path", text, why);
}
}  // namespace

Result<Address> Address::parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    if (path.empty()) return unreadable(text, "the path is empty");
    return unix_path(std::string(path));
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return unreadable(text, "the port is missing");
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  const auto port = whole_number<uint16_t>(port_text);
  if (!port) return unreadable(text, "the port is no number from 0 to 65535");
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty()) return unreadable(text, "the host is empty");
  const bool has_colon = host.find(':') != std::string_view::npos;
  if (has_colon && !bracketed) return unreadable(text, "an IPv6 address needs brackets");
  if (bracketed && !is_ipv6(std::string(host))) return unreadable(text, "what is in brackets is no IPv6 address");
  if (host.find_first_of(" /[]") != std::string_view::npos) return unreadable(text, "the host has a letter that no host has");
  return of(host, *port);
}

Address Address::of(std::string_view host, uint16_t port) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  Address address;
  address.host_ = host;
  address.port_ = port;
  address.kind_ = is_ipv4(address.host_) ? Kind::ipv4 : is_ipv6(address.host_) ? Kind::ipv6 : Kind::name;
  return address;
}

Address Address::unix_path(std::string path) {
  Address address;
  address.kind_ = Kind::unix_path;
  address.host_ = std::move(path);
  return address;
}

Address Address::from_sockaddr(const sockaddr_storage& raw, unsigned length) {
  char text[INET6_ADDRSTRLEN] = "";
  if (raw.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(raw);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return of(text, ntohs(v4.sin_port));
  }
  if (raw.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(raw);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);  // an IPv4 peer of a dual-stack listener, shown as what it is
    } else {
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    }
    return of(text, ntohs(v6.sin6_port));
  }
  const auto& local = reinterpret_cast<const sockaddr_un&>(raw);
  const size_t path_length = length > offsetof(sockaddr_un, sun_path) ? length - offsetof(sockaddr_un, sun_path) : 0;
  return unix_path(std::string(local.sun_path, strnlen(local.sun_path, path_length)));
}

bool Address::is_loopback() const {
  switch (kind_) {
    case Kind::ipv4:
      return host_.starts_with("127.");
    case Kind::ipv6:
      return host_ == "::1";
    case Kind::unix_path:
      return true;
    case Kind::name:
      return host_ == "localhost";
  }
  return false;
}

std::string Address::to_string() const {
  if (kind_ == Kind::unix_path) return fmt::format("unix:{}", host_);
  if (kind_ == Kind::ipv6) return fmt::format("[{}]:{}", host_, port_);
  return fmt::format("{}:{}", host_, port_);
}

Result<unsigned> Address::to_sockaddr(sockaddr_storage& raw) const {
  raw = {};
  switch (kind_) {
    case Kind::ipv4: {
      auto& v4 = reinterpret_cast<sockaddr_in&>(raw);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port_);
      ::inet_pton(AF_INET, host_.c_str(), &v4.sin_addr);
      return sizeof v4;
    }
    case Kind::ipv6: {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(raw);
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port_);
      ::inet_pton(AF_INET6, host_.c_str(), &v6.sin6_addr);
      return sizeof v6;
    }
    case Kind::unix_path: {
      auto& local = reinterpret_cast<sockaddr_un&>(raw);
      if (host_.size() >= sizeof local.sun_path) {
        return fail(Code::invalid_argument, "the path '{}' is too long for a Unix socket: {} bytes, at most {}", host_, host_.size(),
                    sizeof local.sun_path - 1);
      }
      local.sun_family = AF_UNIX;
      std::memcpy(local.sun_path, host_.data(), host_.size());
      return static_cast<unsigned>(offsetof(sockaddr_un, sun_path) + host_.size() + 1);
    }
    case Kind::name:
      break;
  }
  return fail(Code::invalid_argument, "the name '{}' must be resolved first", host_);
}

}  // namespace sofa::io
