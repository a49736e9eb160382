// bench-raft-floor --folder DIR: what one replicated write costs at least on this machine: a request of 256 B over loopback to a process that sends
// it on to two others; three processes write and fdatasync it at once; the second of them that is done lets the first answer. Prints one JSON line.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/flags.h"

namespace {

using namespace sofa;

constexpr size_t kAround = 60;  // bytes of a frame around the value
constexpr char kAnswer[32] = {};

struct Options {
  std::string folder{};
  uint32_t size = 256;
  double seconds = 5;
  static void describe(Description<Options>& d) {
    d.field("folder", &Options::folder).required().doc("on the disk whose syncs count");
    d.field("size", &Options::size).unit("bytes").doc("of a value");
    d.field("seconds", &Options::seconds).range(0.1L, 3600).doc("of the window");
  }
};

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

void send_all(int fd, const char* data, size_t size) {
  if (::send(fd, data, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) give_up("send");
}
/// False at the end of the connection.
bool receive_all(int fd, char* data, size_t size) {
  for (size_t got = 0; got < size;) {
    const ssize_t n = ::recv(fd, data + got, size - got, 0);
    if (n <= 0) return false;
    got += static_cast<size_t>(n);
  }
  return true;
}

struct Pair {
  int near = -1, far = -1;
};
/// A TCP connection over loopback.
Pair connected() {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t length = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener, 1) != 0) give_up("listen");
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  Pair pair{.near = ::socket(AF_INET, SOCK_STREAM, 0)};
  if (::connect(pair.near, reinterpret_cast<sockaddr*>(&address), length) != 0) give_up("connect");
  pair.far = ::accept(listener, nullptr, nullptr);
  ::close(listener);
  const int on = 1;
  for (const int fd : {pair.near, pair.far}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return pair;
}

/// Writes what comes to a file that has its space, syncs it, says so.
[[noreturn]] void store(int fd, const std::string& path, size_t size) {
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  constexpr off_t kSpace = 64 << 20;
  if (file < 0 || ::posix_fallocate(file, 0, kSpace) != 0) give_up(path.c_str());
  std::vector<char> message(size);
  for (off_t at = 0; receive_all(fd, message.data(), size); at = (at + static_cast<off_t>(size)) % (kSpace - static_cast<off_t>(size))) {
    if (::pwrite(file, message.data(), size, at) != static_cast<ssize_t>(size) || ::fdatasync(file) != 0) give_up("write");
    send_all(fd, kAnswer, sizeof kAnswer);
  }
  ::unlink(path.c_str());
  std::exit(0);
}

/// Sends each request to the three, and answers when two have stored it.
[[noreturn]] void lead(int client, const std::vector<int>& stores, size_t size) {
  std::vector<char> message(size);
  std::vector<pollfd> polled;
  for (const int fd : stores) polled.push_back({fd, POLLIN, 0});
  std::vector<size_t> owed(stores.size(), 0);
  while (receive_all(client, message.data(), size)) {
    for (size_t at = 0; at < stores.size(); ++at) send_all(stores[at], message.data(), size), ++owed[at];
    // A store that is behind owes more than the answer to this request: only its last one counts.
    for (size_t done = 0; done < 2;) {
      if (::poll(polled.data(), polled.size(), -1) < 0) give_up("poll");
      for (size_t at = 0; at < stores.size(); ++at) {
        if ((polled[at].revents & POLLIN) == 0) continue;
        char answer[sizeof kAnswer];
        if (!receive_all(stores[at], answer, sizeof answer)) std::exit(1);
        if (--owed[at] == 0) ++done;
      }
    }
    send_all(client, kAnswer, sizeof kAnswer);
  }
  std::exit(0);
}

template <class Run>
void in_child(std::vector<pid_t>& children, Run run) {
  const pid_t child = ::fork();
  if (child < 0) give_up("fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run();
  }
  children.push_back(child);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = parse_flags(argc, argv, options);
  if (const auto code = exit_code_of(flags)) return *code;
  const size_t size = options.size + kAround;
  std::vector<pid_t> children;
  const Pair client = connected();
  const Pair stores[] = {connected(), connected(), connected()};
  for (int at = 0; at < 3; ++at) in_child(children, [&] { store(stores[at].far, fmt::format("{}/floor{}", options.folder, at), size); });
  in_child(children, [&] { lead(client.far, {stores[0].near, stores[1].near, stores[2].near}, size); });

  const std::vector<char> request(size, 'v');
  char answer[sizeof kAnswer];
  std::vector<int64_t> took;
  const Clock& clock = SystemClock::instance();
  const Instant end = clock.now_monotonic() + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.seconds));
  for (Instant begun = clock.now_monotonic(); begun < end;) {
    send_all(client.near, request.data(), size);
    if (!receive_all(client.near, answer, sizeof answer)) give_up("receive");
    const Instant done = clock.now_monotonic();
    took.push_back((done - begun) / std::chrono::microseconds(1));
    begun = done;
  }
  for (const pid_t child : children) ::kill(child, SIGKILL), ::waitpid(child, nullptr, 0);
  std::ranges::sort(took);
  const auto at = [&](double share) { return took[static_cast<size_t>(share * static_cast<double>(took.size() - 1))]; };
  fmt::print(R"({{"calls": {}, "rate": {:.1f}, "p50_us": {}, "p99_us": {}, "p999_us": {}}})"
             "\n",
             took.size(), static_cast<double>(took.size()) / options.seconds, at(0.5), at(0.99), at(0.999));
}
