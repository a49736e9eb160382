#include "sofa/tool/input.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sofa/io/blocking_pool.h"
#include "sofa/io/runtime.h"
#include "sofa/io/shard.h"

namespace sofa::tool {

namespace {

/// The next bytes of standard input; none at its end, or when `gone` is set.
Result<std::string> read_standard_input(const std::atomic<bool>& gone) {
  constexpr int kLook = 50;  // milliseconds until it is seen that nobody waits any more
  while (!gone) {
    pollfd ready{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kLook) <= 0) continue;
    std::array<char, size_t{64} << 10> bytes;
    const ssize_t n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(errno_error(errno, "standard input cannot be read"));
    return std::string(bytes.data(), static_cast<size_t>(n));
  }
  return std::string();
}

}  // namespace

Input::Input(std::string_view argument) : read_(argument == "-" ? "" : argument), ended_(argument != "-") {}
Input::~Input() { *gone_ = true; }

io::Task<Result<void>> Input::read_more() {
  auto more = co_await io::run_blocking(
      io::Shard::current().runtime().blocking_pool(), [gone = gone_] { return read_standard_input(*gone); }, io::WhenCancelled::leave);
  if (!more) co_return forward_error(more);
  ended_ = more->empty();
  read_ += *more;
  if (read_.size() > kMost) co_return fail(Code::resource_exhausted, "standard input has more than {} bytes without an end", kMost);
  co_return Result<void>();
}

io::Task<Result<std::optional<std::string>>> Input::line() {
  for (size_t looked = 0;;) {
    const size_t end = read_.find('\n', looked);
    if (end == std::string::npos && !ended_) {
      looked = read_.size();
      co_await io::or_return(read_more());
      continue;
    }
    std::string line = read_.substr(0, end);
    read_.erase(0, end == std::string::npos ? read_.size() : end + 1);
    looked = 0;
    if (line.find_first_not_of(" \t\r") != std::string::npos) co_return line;
    if (read_.empty() && ended_) co_return std::nullopt;
  }
}

io::Task<Result<std::string_view>> Input::peek() {
  while (!ended_ && read_.find_first_not_of(" \t\r\n") == std::string::npos) co_await io::or_return(read_more());
  co_return std::string_view(read_);
}

io::Task<Result<std::string>> Input::rest() {
  while (!ended_) co_await io::or_return(read_more());
  co_return std::move(read_);
}

}  // namespace sofa::tool
