// bench-epoll-load PORT CONNECTIONS BYTES SECONDS: the client of bench-epoll-echo. One thread; each connection sends BYTES, waits for as many and
// sends again. Prints one line of JSON as the other load clients do.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int socket;
  size_t missing;
  Clock::time_point sent;
};

void send_one(Connection& connection, const std::string& message) {
  connection.missing = message.size();
  connection.sent = Clock::now();
  if (write(connection.socket, message.data(), message.size()) != static_cast<ssize_t>(message.size())) {
    std::perror("bench-epoll-load cannot write");
    std::exit(1);
  }
}

std::vector<Connection> connect_all(int epoll, int port, size_t count) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<Connection> connections(count);
  for (Connection& connection : connections) {
    connection.socket = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(connection.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      std::perror("bench-epoll-load cannot connect");
      std::exit(1);
    }
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, connection.socket, &event);
  }
  return connections;
}

// True when the whole answer is there.
bool take_answer(Connection& connection) {
  static std::array<char, 256 * 1024> buffer;
  const ssize_t got = read(connection.socket, buffer.data(), buffer.size());
  if (got <= 0) {
    std::fprintf(stderr, "bench-epoll-load: the server closed the connection\n");
    std::exit(1);
  }
  connection.missing -= static_cast<size_t>(got);
  return connection.missing == 0;
}

long at(std::vector<long>& micros, double share) {
  return micros.empty() ? 0 : micros[static_cast<size_t>(share * static_cast<double>(micros.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: bench-epoll-load PORT CONNECTIONS BYTES SECONDS\n");
    return 2;
  }
  const int epoll = epoll_create1(0);
  const std::string message(static_cast<size_t>(std::atoi(argv[3])), 'x');
  std::vector<Connection> connections = connect_all(epoll, std::atoi(argv[1]), static_cast<size_t>(std::atoi(argv[2])));
  const int seconds = std::atoi(argv[4]);
  const Clock::time_point end = Clock::now() + std::chrono::seconds(seconds);
  for (Connection& connection : connections) send_one(connection, message);
  std::vector<long> micros;
  micros.reserve(1 << 22);
  std::array<epoll_event, 256> events;
  while (Clock::now() < end) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
      if (!take_answer(connection)) continue;
      micros.push_back(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - connection.sent).count());
      send_one(connection, message);
    }
  }
  const size_t calls = micros.size();
  std::sort(micros.begin(), micros.end());
  std::printf("{\"calls\": %zu, \"rate\": %zu, \"p50_us\": %ld, \"p99_us\": %ld, \"p999_us\": %ld}\n", calls, calls / static_cast<size_t>(seconds),
              at(micros, 0.5), at(micros, 0.99), at(micros, 0.999));
}
