#include "sofa/io/runtime.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "sofa/io/report.h"

namespace sofa::io {

namespace {
constexpr int kExitOnException = 70;  // EX_SOFTWARE
}

Runtime::Runtime(RuntimeOptions options) : options_(options), clock_(options.clock != nullptr ? *options.clock : SystemClock::instance()) {
  const unsigned count = options.shards != 0 ? options.shards : std::max(1U, std::thread::hardware_concurrency());
  std::vector<Shard*> watched;
  for (unsigned i = 0; i < count; ++i) {
    shards_.emplace_back(new Shard(*this, i, clock_));
    if (auto opened = shards_.back()->open(); !opened) {
      report(fmt::format("cannot start shard {}: {}; raise the limit of open files (ulimit -n)", i, opened.error()));
      std::abort();
    }
    watched.push_back(shards_.back().get());
  }
  blocking_ = std::make_unique<BlockingPool>("blocking", options.blocking_threads, options.blocking_queue);
  files_ = std::make_unique<BlockingPool>("files", options.file_threads, options.file_queue);
  for (auto& shard : shards_) {
    threads_.emplace_back([&shard = *shard] {
      pthread_setname_np(pthread_self(), fmt::format("shard-{}", shard.index()).c_str());
      shard.run();
    });
  }
  if (options.hold_limit > Duration::zero()) watchdog_ = std::make_unique<Watchdog>(std::move(watched), options.hold_limit);
}

Runtime::~Runtime() {
  watchdog_.reset();
  blocking_.reset();
  files_.reset();
  for (auto& shard : shards_) {
    shard->post([&stopped = *shard] { stopped.stopping_ = true; });
  }
  for (std::thread& thread : threads_) thread.join();
}

namespace {

/// SIGTERM and SIGINT as something to poll, blocked in this thread and those it starts; undone at the end.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
    fd_ = ::signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~StopSignals() {
    ::close(fd_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  int fd() const { return fd_; }
  int take() {
    signalfd_siginfo info{};
    return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t set_;
  sigset_t before_;
  int fd_ = -1;
};

using MainCall = detail::OutsideCall<int>;

void cancel_main(Shard& shard, MainCall& call, int signal) {
  shard.post([&call, signal] {
    if (call.scope != nullptr) call.scope->cancel(Error(Code::cancelled, fmt::format("stopped by {}", signal == SIGTERM ? "SIGTERM" : "SIGINT")));
  });
}

/// Waits for the end of the main task, and hands signals on.
void wait_for_end(StopSignals& signals, int done_fd, Shard& shard, MainCall& call, Duration stop_timeout) {
  int got = 0;
  Instant give_up = kNoDeadline;
  const SystemClock& clock = SystemClock::instance();
  while (true) {
    pollfd fds[2] = {{signals.fd(), POLLIN, 0}, {done_fd, POLLIN, 0}};
    int timeout = -1;
    if (got != 0) timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(clock.sleep_hint(give_up)).count());
    const int ready = ::poll(fds, 2, timeout);
    if (ready > 0 && fds[1].revents != 0) return;
    const int signal = ready > 0 ? signals.take() : 0;
    if (got != 0 && (signal != 0 || ready == 0)) {
      if (signal == 0) report("the program did not stop in time after the signal; exiting at once");
      std::_Exit(128 + got);
    }
    if (signal == 0) continue;
    got = signal;
    give_up = deadline_after(clock.now_monotonic(), stop_timeout);
    cancel_main(shard, call, signal);
  }
}

}  // namespace

int run(Task<int> main, RuntimeOptions options) {
  StopSignals signals;
  const int done_fd = ::eventfd(0, EFD_CLOEXEC);
  MainCall call(std::move(main));
  {
    Runtime runtime(options);
    call.context = const_cast<int*>(&done_fd);
    call.on_done = [](MainCall& self) {
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(*static_cast<const int*>(self.context), &one, sizeof one);
    };
    Shard& shard = runtime.shard(0);
    shard.post([&call] { MainCall::drive(call); });
    wait_for_end(signals, done_fd, shard, call, options.stop_timeout);
  }
  ::close(done_fd);
  if (!call.exception) return *call.value;
  try {
    std::rethrow_exception(call.exception);
  } catch (const std::exception& e) {
    report(fmt::format("the main task ended with an exception: {}", e.what()));
  } catch (...) {
    report("the main task ended with an exception of unknown type");
  }
  return kExitOnException;
}

int run(Task<Result<void>> main, RuntimeOptions options) {
  const auto exit_code = [](Task<Result<void>> task) -> Task<int> {
    const auto done = co_await std::move(task);
    if (!done) fmt::print(stderr, "{}\n", done.error());
    co_return done ? 0 : 1;
  };
  return run(exit_code(std::move(main)), options);
}

}  // namespace sofa::io
