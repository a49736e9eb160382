#include "sofa/io/shard.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "sofa/io/runtime.h"

namespace sofa::io {

namespace {
constexpr int kEventsPerPoll = 256;
constexpr size_t kResumesPerTurn = 1024;  // then input and timers get their chance
constexpr auto kLongestSleep = std::chrono::seconds(60);
}  // namespace

Shard::Shard(Runtime& runtime, unsigned index, const Clock& clock)
    : runtime_(runtime), index_(index), clock_(clock), now_(clock.now_monotonic()), timers_(now_), root_scope_(new Scope(nullptr, "shard")) {}

Shard::~Shard() {
  if (wake_fd_ >= 0) ::close(wake_fd_);
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

Result<void> Shard::open() {
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return std::unexpected(errno_error(errno, "cannot make an epoll instance"));
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd_ < 0) return std::unexpected(errno_error(errno, "cannot make an eventfd"));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // edge-triggered: each write wakes, and nobody needs to read it empty
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0) return std::unexpected(errno_error(errno, "cannot watch an eventfd"));
  return {};
}

Result<void> Shard::watch(Pollable& pollable) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &pollable;
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, pollable.fd, &event) != 0) return std::unexpected(errno_error(errno, "cannot watch a socket"));
  return {};
}

void Shard::forget(Pollable& pollable) {
  epoll_event event{};
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, pollable.fd, &event);
}

void Shard::post(PostNode& node) {
  PostNode* first = posted_.load(std::memory_order_relaxed);
  do {
    node.next = first;
  } while (!posted_.compare_exchange_weak(first, &node, std::memory_order_seq_cst, std::memory_order_relaxed));
  // The first of a batch wakes the thread, if it sleeps; see poll() for the other half of this agreement.
  if (first == nullptr && asleep_.load(std::memory_order_seq_cst)) wake_thread();
}

void Shard::wake_thread() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

void Shard::run_posted() {
  PostNode* taken = posted_.exchange(nullptr, std::memory_order_acquire);
  PostNode* in_order = nullptr;
  while (taken != nullptr) {
    PostNode* next = taken->next;
    taken->next = in_order;
    in_order = taken;
    taken = next;
  }
  while (in_order != nullptr) {
    PostNode* next = in_order->next;  // read first: the node may be gone once it has run
    begin_step("posted function");
    in_order->run(*in_order);
    end_step();
    in_order = next;
  }
}

void Shard::begin_step(const char* name) {
  running_.store(name, std::memory_order_relaxed);
  steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

void Shard::end_step() { steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

void Shard::run_ready() {
  for (size_t budget = kResumesPerTurn; budget > 0 && !ready_.empty(); --budget) {
    Wait& wait = ready_.pop_front();
    const Scope* scope = wait.scope();
    begin_step(scope == nullptr ? "unnamed task" : scope->name());
    wait.resume();
    end_step();
  }
}

void Shard::run_turn_end() {
  detail::List<TurnEndHook, detail::TurnEndTag> hooks;
  hooks.take_all(turn_end_);
  while (!hooks.empty()) {
    TurnEndHook& hook = hooks.pop_front();
    hook.callback_(hook.context_);
  }
}

std::optional<Duration> Shard::poll_timeout() const {
  if (!ready_.empty() || !turn_end_.empty() || stopping_) return Duration::zero();
  const auto next = timers_.next();
  if (!next) return std::nullopt;  // spares the kernel a timer of its own; a post wakes through wake_fd_
  return std::min<Duration>(kLongestSleep, clock_.sleep_hint(*next));
}

// epoll_wait counts in milliseconds, ten times the tick of the timers; a kernel before 5.11 has nothing finer.
int Shard::wait_for_events(std::span<epoll_event> events, std::optional<Duration> timeout) {
  const int most = static_cast<int>(events.size());
  if (!timeout || *timeout <= Duration::zero()) return ::epoll_wait(epoll_fd_, events.data(), most, timeout ? 0 : -1);
  if (fine_sleep_) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*timeout);
    const timespec until{.tv_sec = seconds.count(), .tv_nsec = (*timeout - seconds).count()};
    const int count = ::epoll_pwait2(epoll_fd_, events.data(), most, &until, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    fine_sleep_ = false;
  }
  return ::epoll_wait(epoll_fd_, events.data(), most, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*timeout).count()));
}

void Shard::poll() {
  epoll_event events[kEventsPerPoll];
  std::optional<Duration> timeout = poll_timeout();
  if (timeout != Duration::zero()) {
    asleep_.store(true, std::memory_order_seq_cst);
    if (posted_.load(std::memory_order_seq_cst) != nullptr) timeout = Duration::zero();
  }
  const int count = wait_for_events(events, timeout);
  asleep_.store(false, std::memory_order_relaxed);
  now_ = clock_.now_monotonic();
  if (count <= 0) return;
  begin_step("socket input and output");
  for (int i = 0; i < count; ++i) {
    auto* pollable = static_cast<Pollable*>(events[i].data.ptr);
    if (pollable != nullptr) pollable->on_events(*pollable, events[i].events);
  }
  end_step();
}

void Shard::turn() {
  poll();
  if (timers_.size() > 0) {
    begin_step("timer callback");
    timers_.advance(now_);
    end_step();
  }
  run_posted();
  run_ready();
  run_turn_end();
}

void Shard::run() {
  current_ = this;
  while (!stopping_) turn();
  root_scope_->cancel(Error(Code::cancelled, "the runtime is stopping"));
  while (!ready_.empty() || posted_.load(std::memory_order_acquire) != nullptr) turn();
  root_scope_.reset();
  current_ = nullptr;
}

namespace detail {

void RemoteCall::begin(Scope* scope) {
  if (scope != nullptr) {
    deadline_ = scope->deadline();
    name_ = scope->name();
  }
  target_.post(start_message_);
  if (scope != nullptr) scope->watch(forward_);
}

void RemoteCall::on_start(PostNode& node) {
  RemoteCall& call = static_cast<Message&>(node).call;
  call.scope_.emplace(&Shard::current().root_scope(), call.name_, call.deadline_);
  call.start();
}

void RemoteCall::finished() {
  scope_.reset();
  home_.post(finish_message_);
}

void RemoteCall::on_home_cancelled(CancelHook& hook, const Error& reason) {
  RemoteCall& call = static_cast<Forward&>(hook).call;
  call.cancel_reason_ = reason;
  ++call.pending_;
  call.target_.post(call.cancel_message_);
}

void RemoteCall::on_cancel(PostNode& node) {
  RemoteCall& call = static_cast<Message&>(node).call;
  if (call.scope_) call.scope_->cancel(*call.cancel_reason_);
  call.cancel_message_.run = &on_cancel_taken;  // the same message goes back, so that the call outlives it
  call.home_.post(call.cancel_message_);
}

void RemoteCall::on_cancel_taken(PostNode& node) { static_cast<Message&>(node).call.one_less_pending(); }

void RemoteCall::on_finish(PostNode& node) {
  RemoteCall& call = static_cast<Message&>(node).call;
  call.forward_.unlink();
  call.one_less_pending();
}

void RemoteCall::one_less_pending() {
  if (--pending_ == 0) wait_.wake();
}

}  // namespace detail
}  // namespace sofa::io
