#include "sofa/rpc/detail/admission.h"

namespace sofa::rpc::detail {

namespace {

/// Weight of the last call in the average.
constexpr int kAverageOver = 8;

Duration time_left(Deadline deadline) { return deadline == kNoDeadline ? Duration::max() : deadline - io::Shard::current().now(); }

}  // namespace

Task<Result<Admission::Place>> Admission::enter(const Context& context) {
  if (!is_full()) {
    ++running_;
    co_return Place(*this);
  }
  const int priority = options_.priority ? options_.priority(context) : 0;
  if (!has_time_to_wait(context.deadline(), ahead_of(priority))) co_return std::unexpected(refuse("this one would wait too long for its deadline"));
  if (!make_room(priority)) co_return std::unexpected(refuse("no more may wait (max_waiting)"));
  co_return co_await wait(context.deadline(), priority);
}

size_t Admission::ahead_of(int priority) const {
  size_t ahead = 0;
  for (const auto& [its, line] : waiters_) {
    if (its < priority) break;
    ahead += line.size();
  }
  return ahead;
}

bool Admission::has_time_to_wait(Deadline deadline, size_t ahead) const {
  if (deadline == kNoDeadline) return true;
  const Duration wait = usual_ * static_cast<int64_t>(ahead + 1) / static_cast<int64_t>(options_.concurrents);
  return time_left(deadline) >= usual_ + 2 * wait;
}

bool Admission::make_room(int priority) {
  if (waiting_ < options_.max_waiting) return true;
  if (waiters_.empty() || waiters_.rbegin()->first >= priority) return false;
  Line& last = waiters_.rbegin()->second;
  decide(*last.back(), Fate::refused);
  last.pop_back();
  if (last.empty()) waiters_.erase(std::prev(waiters_.end()));
  return true;
}

Task<Result<Admission::Place>> Admission::wait(Deadline deadline, int priority) {
  Waiter self{.deadline = deadline, .decided = {}};
  waiters_[priority].push_back(&self);
  ++waiting_;
  auto waited = co_await self.decided.wait();
  if (self.fate == Fate::runs && waited) co_return Place(*this);
  if (self.fate == Fate::runs) {
    give_place();
    co_return forward_error(waited);
  }
  if (self.fate == Fate::refused) co_return std::unexpected(refuse("this one had to leave its place in the queue"));
  --waiting_;
  const auto line = waiters_.find(priority);
  line->second.remove(&self);
  if (line->second.empty()) waiters_.erase(line);
  co_return forward_error(waited);
}

void Admission::leave(std::optional<Instant> begun) {
  if (begun) {
    const Duration ran = io::Shard::current().now() - *begun;
    usual_ = usual_ == Duration::zero() ? ran : usual_ + (ran - usual_) / kAverageOver;
  }
  give_place();
}

void Admission::give_place() {
  --running_;
  while (!is_full() && !waiters_.empty()) let_next_in();
}

void Admission::let_next_in() {
  const auto first = waiters_.begin();
  Waiter& next = *first->second.front();
  first->second.pop_front();
  if (first->second.empty()) waiters_.erase(first);
  if (time_left(next.deadline) < usual_) return decide(next, Fate::refused);
  ++running_;
  decide(next, Fate::runs);
}

void Admission::decide(Waiter& waiter, Fate fate) {
  --waiting_;
  waiter.fate = fate;
  waiter.decided.set();
}

Error Admission::refuse(std::string_view reason) const {
  return refusal(fmt::format("{} runs {} calls, as many as it may (concurrents), and {} wait: {}; try later", service_, running_, waiting_, reason));
}

Error refusal(std::string_view sentence) {
  static const auto kRefused = std::make_shared<const Refused>();
  return Error(Code::unavailable, std::string(sentence)).with_detail(kRefused);
}

}  // namespace sofa::rpc::detail
