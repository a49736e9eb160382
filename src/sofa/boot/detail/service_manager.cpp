#include "sofa/boot/detail/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "sofa/base/error.h"
#include "sofa/base/log.h"
#include "sofa/base/text.h"

namespace sofa::boot::detail {

namespace {

const Logger log_{"sofa-runtime"};

std::optional<int64_t> number_of(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? std::nullopt : whole_number<int64_t>(text);
}

Result<void> send_to(std::string_view path, std::string_view state) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Code::invalid_argument, "the path has more than {} bytes", sizeof address.sun_path - 1);
  path.copy(address.sun_path, path.size());
  if (path.starts_with('@')) address.sun_path[0] = '\0';  // the abstract namespace
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return std::unexpected(errno_error(errno, "cannot make a socket"));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const ssize_t sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  const int error = errno;
  ::close(fd);
  if (sent < 0) return std::unexpected(errno_error(error, "cannot send"));
  return {};
}

}  // namespace

void tell_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  if (const auto sent = send_to(path, state); !sent) {
    log_.warn("the service manager is not told", {{"socket", path}, {"state", state}, {"reason", sent.error()}});
  }
}

std::optional<Duration> watchdog_period() {
  if (const auto pid = number_of("WATCHDOG_PID"); pid && *pid != ::getpid()) return std::nullopt;
  const auto allowed = number_of("WATCHDOG_USEC");
  if (!allowed || *allowed <= 0) return std::nullopt;
  return std::chrono::microseconds(*allowed) / 2;
}

}  // namespace sofa::boot::detail
