#include "sofa/sim/world.h"

#include <algorithm>

namespace sofa::sim {

namespace {
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}
}  // namespace

uint64_t World::derive(std::string_view concern) const { return Random(seed_ ^ hash_of(concern)).next(); }

Random& World::random(std::string_view concern) {
  auto found = randoms_.find(concern);
  if (found == randoms_.end()) found = randoms_.emplace(std::string(concern), std::make_unique<Random>(derive(concern))).first;
  return *found->second;
}

void World::at(Instant when, Action run) {
  uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<uint32_t>(actions_.size());
    actions_.push_back(std::move(run));
  } else {
    slot = free_.back();
    free_.pop_back();
    actions_[slot] = std::move(run);
  }
  queue_.push_back({std::max(when, now_), ties_.next(), slot});
  std::push_heap(queue_.begin(), queue_.end());
}

bool World::step() {
  if (queue_.empty()) return false;
  std::pop_heap(queue_.begin(), queue_.end());
  const Due due = queue_.back();
  queue_.pop_back();
  Action run = std::move(actions_[due.slot]);
  actions_[due.slot] = nullptr;
  free_.push_back(due.slot);
  now_ = due.when;
  ++events_;
  note(static_cast<uint64_t>(now_.time_since_epoch().count()));
  run();
  return true;
}

void World::run_until(Instant end) {
  while (!queue_.empty() && queue_.front().when <= end) step();
  now_ = std::max(now_, end);
}

uint64_t World::next_fault(std::string_view kind) {
  auto found = fault_counts_.find(kind);
  if (found == fault_counts_.end()) found = fault_counts_.emplace(std::string(kind), 0).first;
  return hash_of(kind) << 32 | found->second++;
}

void World::only_faults(const std::vector<uint64_t>& numbers) { only_faults_.emplace(numbers.begin(), numbers.end()); }

void World::add_trace(std::string line) {
  const double seconds = std::chrono::duration<double>(elapsed()).count();
  trace_.push_back(fmt::format("{:12.6f} {}", seconds, line));
  while (trace_.size() > trace_lines_) trace_.pop_front();
}

}  // namespace sofa::sim
