// connect() by way of the driver's proxies, for LD_PRELOAD. A node is known by one address in the configuration of its group, to itself and to all;
// to put a proxy into each directed link all the same, each node dials what $SOFA_FAULTS_LINKS says in place of the address of a peer:
// "127.0.2.1:7000=127.0.0.1:41001;127.0.3.1:7000=127.0.0.1:41002".

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace sofa::chaos {

namespace {

struct Endpoint {
  in_addr_t address = 0;  // network byte order, as the port
  in_port_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

struct Link {
  Endpoint from, to;
};

struct Links {
  std::array<Link, 64> all;
  size_t count = 0;
};

Endpoint parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  char address[INET_ADDRSTRLEN] = {};
  text.copy(address, std::min(colon, sizeof address - 1));
  return {::inet_addr(address), htons(static_cast<uint16_t>(std::atoi(text.data() + colon + 1)))};
}

Links read_links() {
  Links links;
  const char* set = std::getenv("SOFA_FAULTS_LINKS");
  for (std::string_view rest = set == nullptr ? "" : set; !rest.empty() && links.count < links.all.size();) {
    const std::string_view one = rest.substr(0, rest.find(';'));
    const size_t equals = one.find('=');
    if (equals != std::string_view::npos) links.all[links.count++] = {parse(one.substr(0, equals)), parse(one.substr(equals + 1))};
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
  }
  return links;
}

/// The address and port inside of a socket address of IPv4, or of IPv6 that holds one of IPv4 (Java's sockets); false for others.
bool endpoint_of(const sockaddr* address, Endpoint& out) {
  if (address->sa_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(address);
    out = {four->sin_addr.s_addr, four->sin_port};
    return true;
  }
  const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
  if (address->sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) return false;
  std::memcpy(&out.address, six->sin6_addr.s6_addr + 12, sizeof out.address);
  out.port = six->sin6_port;
  return true;
}

void put_endpoint(sockaddr_storage& address, const Endpoint& endpoint) {
  if (address.ss_family == AF_INET) {
    auto& four = reinterpret_cast<sockaddr_in&>(address);
    four.sin_addr.s_addr = endpoint.address;
    four.sin_port = endpoint.port;
    return;
  }
  auto& six = reinterpret_cast<sockaddr_in6&>(address);
  std::memcpy(six.sin6_addr.s6_addr + 12, &endpoint.address, sizeof endpoint.address);
  six.sin6_port = endpoint.port;
}

const Link* link_of(const sockaddr* address) {
  static const Links links = read_links();
  Endpoint wanted;
  if (links.count == 0 || address == nullptr || !endpoint_of(address, wanted)) return nullptr;
  for (size_t i = 0; i < links.count; ++i) {
    if (links.all[i].from == wanted) return &links.all[i];
  }
  return nullptr;
}

}  // namespace

}  // namespace sofa::chaos

extern "C" int connect(int fd, const sockaddr* address, socklen_t length) {
  static auto* const next = reinterpret_cast<decltype(::connect)*>(::dlsym(RTLD_NEXT, "connect"));
  const auto* link = sofa::chaos::link_of(address);
  if (link == nullptr) return next(fd, address, length);
  sockaddr_storage other{};
  std::memcpy(&other, address, length);
  sofa::chaos::put_endpoint(other, link->to);
  return next(fd, reinterpret_cast<const sockaddr*>(&other), length);
}
