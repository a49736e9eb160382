#include "bank/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace bank {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr size_t kMaxReadyLine = 4096;

[[noreturn]] void become(const Command& command, int output, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a killed driver leaves no server behind
  if (getppid() != parent) _exit(127);
  dup2(output, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  const char* program = command.program.c_str();
  std::vector<char*> argv{const_cast<char*>(program)};
  for (const std::string& argument : command.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(program, argv.data());
  std::fprintf(stderr, "cannot run %s: %s\n", program, std::strerror(errno));
  _exit(127);
}

std::string last_line(const std::string& file) {
  std::ifstream in(file);
  std::string line, last;
  while (std::getline(in, line)) last = line;
  return last;
}

}  // namespace

sofa::Result<Process> Process::start(const Command& command, milliseconds deadline) {
  const int log = open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) return std::unexpected(sofa::errno_error(errno, "cannot write " + command.log));
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    const int why = errno;
    close(log);
    return std::unexpected(sofa::errno_error(why, "cannot make a pipe"));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  const int why = errno;
  if (pid == 0) become(command, ends[1], log, parent);
  close(log);
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return std::unexpected(sofa::errno_error(why, "cannot fork"));
  }
  Process process(pid, ends[0]);
  if (auto ready = process.wait_until_ready(command, deadline); !ready) return sofa::forward_error(ready);
  return process;
}

sofa::Result<void> Process::wait_until_ready(const Command& command, milliseconds deadline) {
  const auto end = steady_clock::now() + deadline;
  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < kMaxReadyLine) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now()).count();
    pollfd poll_for{output_, POLLIN, 0};
    if (left <= 0 || poll(&poll_for, 1, static_cast<int>(left)) == 0) {
      return sofa::fail(sofa::Code::deadline_exceeded, "{} printed no ready line within {} ms; its messages are in {}", command.program,
                        deadline.count(), command.log);
    }
    char chunk[512];
    const ssize_t got = read(output_, chunk, sizeof chunk);
    if (got <= 0) {
      return sofa::fail(sofa::Code::unavailable, "{} ended before it was ready: {} ({})", command.program, last_line(command.log), command.log);
    }
    line.append(chunk, static_cast<size_t>(got));
  }
  const size_t at = line.find(" port=");
  if (at == std::string::npos) return sofa::fail(sofa::Code::internal, "{} printed '{}', no ready line", command.program, line);
  port_ = std::atoi(line.c_str() + at + 6);
  return {};
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1)), port_(std::exchange(other.port_, 0)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(output_, other.output_);
  std::swap(port_, other.port_);
  return *this;
}

Process::~Process() {
  if (pid_ > 0) stop(milliseconds(2000));
  close_output();
}

Usage Process::usage() const {
  Usage usage;
  std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const size_t after_name = text.rfind(')');
  if (after_name == std::string::npos) return usage;
  std::istringstream fields(text.substr(after_name + 1));
  std::string skipped;
  long user = 0, system = 0, pages = 0;
  for (int i = 3; i < 14; ++i) fields >> skipped;  // proc(5): fields 14 and 15 are utime and stime, 24 is rss in pages
  fields >> user >> system;
  for (int i = 16; i < 24; ++i) fields >> skipped;
  fields >> pages;
  usage.cpu = std::chrono::microseconds((user + system) * (1'000'000 / sysconf(_SC_CLK_TCK)));
  usage.rss_bytes = static_cast<size_t>(pages) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return usage;
}

bool Process::reap(milliseconds deadline, int& status) {
  const auto end = steady_clock::now() + deadline;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (steady_clock::now() >= end) return false;
    poll(nullptr, 0, 2);
  }
  pid_ = -1;
  return true;
}

void Process::kill_now() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
}

bool Process::stop(milliseconds deadline) {
  if (pid_ <= 0) return false;
  kill(pid_, SIGTERM);
  int status = 0;
  if (reap(deadline, status)) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  kill_now();
  return false;
}

void Process::close_output() {
  if (output_ >= 0) close(output_);
  output_ = -1;
}

}  // namespace bank
