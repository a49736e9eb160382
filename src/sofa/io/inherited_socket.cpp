#include "sofa/io/inherited_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

namespace sofa::io {

namespace {

constexpr int kFirst = 3;   // SD_LISTEN_FDS_START
constexpr int kMost = 256;  // sockets of one program

int number_of(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return 0;
  int number = 0;
  const std::string_view digits(text);
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
  return error == std::errc() && end == digits.end() ? number : 0;
}

bool listens_at(int fd, const Address& address) {
  int listening = 0;
  socklen_t length = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0) return false;
  sockaddr_storage raw{};
  length = sizeof raw;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &length) == 0 && Address::from_sockaddr(raw, length) == address;
}

}  // namespace

std::optional<int> inherited_socket(const Address& address) {
  if (number_of("LISTEN_PID") != ::getpid()) return std::nullopt;
  const int end = kFirst + std::min(number_of("LISTEN_FDS"), kMost);
  for (int fd = kFirst; fd < end; ++fd) {
    if (!listens_at(fd, address)) continue;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, kFirst);
    if (own >= 0) return own;
  }
  return std::nullopt;
}

}  // namespace sofa::io
