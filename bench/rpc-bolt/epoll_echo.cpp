// bench-epoll-echo PORT: one thread, one epoll; sends back what it reads. The floor that the RPC server is measured against.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace {

int listen_on(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 1024) != 0) {
    std::perror("bench-epoll-echo cannot listen");
    std::exit(1);
  }
  return listener;
}

void watch(int epoll, int socket) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = socket}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

void accept_one(int epoll, int listener) {
  const int socket = accept4(listener, nullptr, nullptr, 0);
  if (socket < 0) return;
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  watch(epoll, socket);
}

// The sockets are blocking: a short write only waits for a client that reads slowly, and the client of this benchmark reads.
void echo(int socket) {
  static std::array<char, 256 * 1024> buffer;
  const ssize_t got = read(socket, buffer.data(), buffer.size());
  if (got <= 0 || write(socket, buffer.data(), static_cast<size_t>(got)) != got) close(socket);
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = listen_on(argc > 1 ? std::atoi(argv[1]) : 12299);
  const int epoll = epoll_create1(0);
  watch(epoll, listener);
  std::printf("ready pid=%d\n", getpid());
  std::fflush(stdout);
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int socket = events[static_cast<size_t>(i)].data.fd;
      socket == listener ? accept_one(epoll, listener) : echo(socket);
    }
  }
}
