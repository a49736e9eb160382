#include "sofa/admin/detail/cpu_sampler.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "sofa/base/text.h"
#include "sofa/io/shard.h"

namespace sofa::admin::detail {

namespace {

using namespace std::chrono_literals;

constexpr size_t kMostSamples = 16'384;      // 6.5 MB
constexpr Duration kLookForThreads = 200ms;  // threads that begin meanwhile are found so often

/// What the handler of the signal writes into; each sample has a place of its own.
struct Room {
  std::unique_ptr<StackSample[]> samples = std::make_unique<StackSample[]>(kMostSamples);
  std::atomic<size_t> next{0};
};

std::atomic<Room*> open_room{nullptr};
std::atomic<int> handlers{0};  // that run

struct Frame {
  uintptr_t next, return_address;
};

/// Reads through the kernel: an address that is none is an error, not the end of the program.
bool read_frame(uintptr_t at, Frame& frame) {
  const iovec here{.iov_base = &frame, .iov_len = sizeof frame}, there{.iov_base = reinterpret_cast<void*>(at), .iov_len = sizeof frame};
  return ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) == static_cast<ssize_t>(sizeof frame);
}

void walk(const ucontext_t& context, StackSample& sample) {
#if defined(__x86_64__)
  const auto pc = static_cast<uintptr_t>(context.uc_mcontext.gregs[REG_RIP]);
  auto at = static_cast<uintptr_t>(context.uc_mcontext.gregs[REG_RBP]);
#elif defined(__aarch64__)
  const auto pc = static_cast<uintptr_t>(context.uc_mcontext.pc);
  auto at = static_cast<uintptr_t>(context.uc_mcontext.regs[29]);
#endif
  sample.addresses[sample.depth++] = pc;
  Frame frame{};
  while (sample.depth < StackSample::kMostFrames && at % sizeof(void*) == 0 && read_frame(at, frame) && frame.return_address != 0) {
    sample.addresses[sample.depth++] = frame.return_address;
    if (frame.next <= at) break;  // callers lie higher
    at = frame.next;
  }
}

// Only what is safe in a signal: atomics, the kernel, the thread's own shard.
void on_signal(int, siginfo_t*, void* context) {
  const int kept = errno;
  handlers.fetch_add(1);  // before it looks for the room: who closes the room then waits
  Room* const room = open_room.load();
  if (room != nullptr) {
    const size_t index = room->next.fetch_add(1, std::memory_order_relaxed);
    if (index < kMostSamples) {
      StackSample& sample = room->samples[index];
      if (const io::Shard* shard = io::Shard::current_or_null()) sample.task = shard->running();
      walk(*static_cast<const ucontext_t*>(context), sample);
    }
  }
  handlers.fetch_sub(1);
  errno = kept;
}

/// The clock of a thread's CPU time, by its number (Linux: include/linux/posix-timers.h).
clockid_t cpu_clock_of(pid_t thread) { return static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | 6U); }

/// A timer for each thread of the process.
class Timers {
 public:
  explicit Timers(unsigned hertz) : interval_(1'000'000'000L / static_cast<long>(hertz)) {}
  ~Timers() {
    for (const auto& [thread, timer] : timers_) ::timer_delete(timer);
  }
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  void look_for_threads() {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/task"), &::closedir);
    if (folder == nullptr) return;
    while (const dirent* entry = ::readdir(folder.get())) {
      const auto thread = whole_number<pid_t>(entry->d_name);
      if (thread && !timers_.contains(*thread)) begin(*thread);
    }
  }

 private:
  void begin(pid_t thread) {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGPROF;
    event._sigev_un._tid = thread;
    timer_t timer{};
    if (::timer_create(cpu_clock_of(thread), &event, &timer) != 0) return;  // it has ended meanwhile
    const itimerspec each{.it_interval = {.tv_sec = interval_ / 1'000'000'000, .tv_nsec = interval_ % 1'000'000'000},
                          .it_value = {.tv_sec = interval_ / 1'000'000'000, .tv_nsec = interval_ % 1'000'000'000}};
    ::timer_settime(timer, 0, &each, nullptr);
    timers_[thread] = timer;
  }

  const long interval_;  // ns
  std::map<pid_t, timer_t> timers_;
};

/// The handler stays: a signal that was on its way would end the program without it.
Result<void> install_handler() {
  struct sigaction action{};
  action.sa_sigaction = &on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  if (::sigaction(SIGPROF, &action, nullptr) == 0) return {};
  return fail(Code::internal, "the handler of SIGPROF could not be installed: {}", std::strerror(errno));
}

Samples take(Room& room) {
  const size_t all = room.next.load(std::memory_order_acquire), kept = std::min(all, kMostSamples);
  return {.taken = {room.samples.get(), room.samples.get() + kept}, .lost = all - kept};
}

}  // namespace

Result<Samples> sample_cpu(Duration length, unsigned hertz, std::stop_token stop) {
  static std::mutex one;
  const std::unique_lock lock(one, std::try_to_lock);
  if (!lock) return fail(Code::unavailable, "another CPU profile of this process runs: ask again when it has ended");
  if (auto installed = install_handler(); !installed) return forward_error(installed);
  Room room;
  open_room.store(&room, std::memory_order_release);
  {
    Timers timers(hertz);
    const auto end = std::chrono::steady_clock::now() + length;
    std::mutex mutex;
    std::condition_variable_any stopped;
    for (auto now = end - length; now < end && !stop.stop_requested(); now = std::chrono::steady_clock::now()) {
      timers.look_for_threads();
      std::unique_lock waiting(mutex);
      stopped.wait_for(waiting, stop, std::min<Duration>(kLookForThreads, end - now), [] { return false; });
    }
  }
  open_room.store(nullptr);
  while (handlers.load() != 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // those that run may have seen the room
  return take(room);
}

}  // namespace sofa::admin::detail
