#pragma once
// Listener: accepts connections on one shard.

#include <memory>
#include <string>
#include <vector>

#include "sofa/io/stream.h"

namespace sofa::io {

namespace detail {
class ListenerCore;
}  // namespace detail

struct ListenOptions {
  std::string option_name{};                                 // what changes the address, for the error of a taken port: "--port"
  bool reuse_port = false;                                   // SO_REUSEPORT: each shard binds its own listener, the kernel spreads
  bool dual_stack = true;                                    // [::] takes IPv4 too
  int backlog = 1024;                                        // connections the kernel keeps until they are accepted
  Duration accept_backoff = std::chrono::milliseconds(100);  // pause when the process has no descriptors left
  StreamOptions stream{};                                    // of accepted streams
};

class [[nodiscard]] Listener {
 public:
  /// Binds and listens; port 0 takes a free one. A taken port gives one sentence: the port, the pid and name of its holder where readable, and
  /// options.option_name. A Unix path left behind by a dead process is replaced. A socket
  /// that the program inherited at this address (inherited_socket.h) is taken in place of a new one. Numeric addresses and Unix paths only.
  static Result<Listener> bind(const Address& address, ListenOptions options = {});
  /// Binds each of the addresses, all with the port of the first; port 0 is one that is free at all of them. An address that this machine does not
  /// have (no IPv6 here) is left out as long as another one is there.
  static Result<std::vector<Listener>> bind_all(const std::vector<Address>& addresses, const ListenOptions& options = {});
  /// The same for every address of a name ("localhost": 127.0.0.1 and ::1), which is resolved off the loop. Other addresses: as bind().
  static Task<Result<std::vector<Listener>>> bind_name(Address address, ListenOptions options = {});

  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  /// close().
  ~Listener();

  /// The next connection, as a stream of this shard. Failures of one connection are not errors; without descriptors it backs off and goes on.
  Task<Result<Stream>> accept();
  /// The same without a shard, to be handed to another one (AcceptedSocket moves freely; Stream::adopt there).
  Task<Result<AcceptedSocket>> accept_socket();
  /// Stops listening; waits fail with Code::unavailable. Removes a Unix socket's path.
  void close();
  /// The real address, with the real port.
  const Address& local() const;

 private:
  explicit Listener(std::shared_ptr<detail::ListenerCore> core);
  static Result<Listener> open(int fd, bool inherited, ListenOptions options);
  std::shared_ptr<detail::ListenerCore> core_;
};

}  // namespace sofa::io
