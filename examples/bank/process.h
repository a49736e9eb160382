#pragma once
// The demo's child processes: started, watched, killed. Blocking calls with deadlines; call them off the loop.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "sofa/base/error.h"

namespace bank {

/// CPU time and memory of a process as /proc shows them.
struct Usage {
  std::chrono::microseconds cpu{0};  // user + system
  size_t rss_bytes = 0;
};

/// What to run, and where its standard error goes: appended to the file `log`.
struct Command {
  std::string program;
  std::vector<std::string> arguments;
  std::string log;
};

/// A child that prints `ready NAME pid=N port=PORT` on its standard output once it listens. Killed (SIGTERM, then SIGKILL) when destroyed.
class Process {
 public:
  /// Starts the program and waits at most `deadline` for the ready line. The error of one that ended before has the last line of its log.
  static sofa::Result<Process> start(const Command& command, std::chrono::milliseconds deadline);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }
  int port() const { return port_; }
  Usage usage() const;
  /// kill -9, and waits until it is gone.
  void kill_now();
  /// SIGTERM; true when it ended with exit code 0 within the deadline, else it is killed.
  bool stop(std::chrono::milliseconds deadline);

 private:
  Process(pid_t pid, int output) : pid_(pid), output_(output) {}
  sofa::Result<void> wait_until_ready(const Command& command, std::chrono::milliseconds deadline);
  bool reap(std::chrono::milliseconds deadline, int& status);
  void close_output();

  pid_t pid_ = -1;
  int output_ = -1;
  int port_ = 0;
};

}  // namespace bank
