#include "sofa/io/detail/tls_sessions.h"

#include <algorithm>
#include <ctime>

namespace sofa::io::detail {

namespace {

bool lives(const SSL_SESSION* session) { return SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session) > std::time(nullptr); }

}  // namespace

void TlsSessions::put(std::string_view target, SessionPtr session) {
  if (SSL_SESSION_is_resumable(session.get()) != 1) return;
  const std::lock_guard lock(mutex_);
  make_room(target);
  kept_.push_back({std::string(target), std::move(session)});
}

void TlsSessions::make_room(std::string_view target) {
  const auto of_target = [target](const Kept& kept) { return kept.target == target; };
  if (std::cmp_greater_equal(std::ranges::count_if(kept_, of_target), kMostOfOneTarget)) kept_.erase(std::ranges::find_if(kept_, of_target));
  if (kept_.size() >= most_) kept_.erase(kept_.begin());
}

SessionPtr TlsSessions::take(std::string_view target) {
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [](const Kept& kept) { return !lives(kept.session.get()); });
  const auto newest = std::ranges::find(kept_.rbegin(), kept_.rend(), target, &Kept::target);
  if (newest == kept_.rend()) return nullptr;
  SessionPtr session = std::move(newest->session);
  kept_.erase(std::next(newest).base());
  return session;
}

size_t TlsSessions::size() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

}  // namespace sofa::io::detail
