#include "sofa/io/dns.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"

namespace sofa::io {

namespace {
Result<std::vector<Address>> look_up(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    Error failure(Code::unavailable, fmt::format("cannot resolve the host '{}': {}; check its spelling and the resolver", host,
                                                 error == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(error)));
    if (error == EAI_NONAME || error == EAI_NODATA) failure = std::move(failure).with_detail(std::make_shared<NoAddress>());
    return std::unexpected(std::move(failure));
  }
  std::vector<Address> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    sockaddr_storage raw{};
    std::memcpy(&raw, info->ai_addr, std::min<size_t>(info->ai_addrlen, sizeof raw));
    addresses.push_back(Address::of(Address::from_sockaddr(raw, info->ai_addrlen).host(), port));
  }
  ::freeaddrinfo(found);
  return addresses;
}
}  // namespace

Task<Result<std::vector<Address>>> resolve(std::string host, uint16_t port) {
  Address numeric = Address::of(host, port);
  if (numeric.resolved()) co_return std::vector<Address>{std::move(numeric)};
  co_return co_await run_blocking(
      Shard::current().runtime().blocking_pool(), [host = std::move(host), port] { return look_up(host, port); }, WhenCancelled::leave);
}

Task<Result<std::vector<Address>>> resolve(Address address) {
  if (address.resolved()) co_return std::vector<Address>{std::move(address)};
  co_return co_await resolve(address.host(), address.port());
}

std::vector<std::string> own_hosts() {
  std::vector<std::string> hosts;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return hosts;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6)) continue;
    const unsigned length = one->ifa_addr->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    sockaddr_storage raw{};
    std::memcpy(&raw, one->ifa_addr, length);
    hosts.push_back(Address::from_sockaddr(raw, length).host());
  }
  ::freeifaddrs(all);
  return hosts;
}

}  // namespace sofa::io
