#include "sofa/state/raft/detail/node_watch.h"

#include "sofa/io/shard.h"

namespace sofa::raft::detail {

void NodeWatch::add(Watcher& who, const std::string& address) {
  Watched& one = watched_[address];
  if (one.watchers.empty()) one.answered = io::Shard::current().now();
  one.watchers.push_back(&who);
}

void NodeWatch::remove(Watcher& who) {
  for (auto& [address, one] : watched_) std::erase(one.watchers, &who);
}

io::Task<void> NodeWatch::run() {
  while (co_await io::sleep_for(interval_)) {
    std::vector<std::string> addresses;
    for (const auto& [address, one] : watched_) {
      if (!one.watchers.empty()) addresses.push_back(address);
    }
    for (const std::string& address : addresses) look(address, watched_[address]);
  }
}

void NodeWatch::look(const std::string& address, Watched& one) {
  const Instant now = io::Shard::current().now();
  const bool ended = one.session && !one.session->usable();
  if (ended || now - one.answered > lost_after_) return lost(address);
  if (one.asked) return;
  one.session = peers_.session(address);
  one.asked = true;
  peers_.call(address, jraft::PingRequest{}, lost_after_, [this, address](Result<jraft::Message> answer) {
    Watched& asked = watched_[address];
    asked.asked = false;
    if (answer) asked.answered = io::Shard::current().now();
  });
}

void NodeWatch::lost(const std::string& address) {
  Watched& one = watched_[address];
  one.session = {};
  for (Watcher* const who : std::exchange(one.watchers, {})) who->node_lost(address);
}

}  // namespace sofa::raft::detail
