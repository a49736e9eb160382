#pragma once
// World: virtual time, the events that are due in it, and the random numbers of a simulation, all from one seed of 64 bits. One thread.
//
//   World world(seed);
//   world.after(std::chrono::milliseconds(5), [&] { node.tick(world.now()); });
//   world.run_until(world.now() + std::chrono::seconds(60));
//
// The same seed and the same program give the same run, event by event: hash() of two runs is the same. So nothing need be recorded while a seed
// passes; one that fails is run again with the trace on.

#include <fmt/format.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/random.h"

namespace sofa::sim {

/// What must hold does not: thrown where it is seen, and the end of the run. `invariant` is a name such as I1_one_leader_a_term.
struct Broken : std::runtime_error {
  Broken(std::string name, const std::string& what) : std::runtime_error(what), invariant(std::move(name)) {}
  std::string invariant;
};

using Action = std::move_only_function<void()>;

class World {
 public:
  static constexpr Instant kBegin{std::chrono::seconds(1)};

  explicit World(uint64_t seed) : seed_(seed), ties_(derive("ties")) {}
  World(const World&) = delete;

  uint64_t seed() const { return seed_; }
  Instant now() const { return now_; }
  Duration elapsed() const { return now_ - kBegin; }
  uint64_t events() const { return events_; }  ///< that have run

  /// A seed for one concern ("network", "disk 2"): a draw in one never shifts another.
  uint64_t derive(std::string_view concern) const;
  /// The stream of a concern; the reference stays good.
  Random& random(std::string_view concern);

  /// Events of the same time run in an order that is random, too. What must stay in order asks for different times.
  void at(Instant when, Action run);
  void after(Duration wait, Action run) { at(now_ + wait, std::move(run)); }

  /// Runs what is due first; false when nothing is left.
  bool step();
  /// Runs all that is due before `end`; then it is `end`.
  void run_until(Instant end);
  void run_for(Duration length) { run_until(now_ + length); }
  /// Runs until `done()` holds after an event, at most until `end`; whether it holds.
  template <class Done>
  bool run_until(Instant end, const Done& done) {
    while (!done()) {
      if (queue_.empty() || queue_.front().when > end) {
        now_ = std::max(now_, end);
        return done();
      }
      step();
    }
    return true;
  }

  /// Mixes what has happened into the hash of the run, so that a replay that differs is seen.
  void note(uint64_t what) { hash_ = (hash_ ^ what) * 0x9e3779b97f4a7c15 ^ hash_ >> 29; }
  uint64_t hash() const { return hash_; }

  // Faults, so that a run can be repeated with some of them left out (minimise.h).
  /// Whether a fault of this kind that is to happen now does. Whoever draws a fault asks here before it strikes, after its last draw.
  template <class... Args>
  bool fault(std::string_view kind, fmt::format_string<Args...> format, Args&&... args) {
    const uint64_t number = next_fault(kind);
    if (only_faults_ && !only_faults_->contains(number)) return false;
    if (keeps_faults_) faults_.push_back({number, now_, fmt::format("{}: {}", kind, fmt::format(format, std::forward<Args>(args)...))});
    if (traces()) add_trace(fmt::format("fault: {}: {}", kind, fmt::format(format, std::forward<Args>(args)...)));
    return true;
  }
  struct Fault {
    uint64_t number = 0;  ///< of its kind, so that it names the same fault where one of another kind is left out
    Instant when{};
    std::string what;
  };
  void keep_faults() { keeps_faults_ = true; }
  const std::vector<Fault>& faults() const { return faults_; }
  /// Only these strike; no number at all: none does.
  void only_faults(const std::vector<uint64_t>& numbers);

  /// Keeps the last `lines` of what is traced from now on; 0: nothing, which costs a comparison for each.
  void keep_trace(size_t lines) { trace_lines_ = lines; }
  bool traces() const { return trace_lines_ != 0; }
  /// A line of the trace; the arguments are not looked at unless it is kept.
  template <class... Args>
  void trace(fmt::format_string<Args...> format, Args&&... args) {
    if (traces()) add_trace(fmt::format(format, std::forward<Args>(args)...));
  }
  const std::deque<std::string>& trace_lines() const { return trace_; }

 private:
  struct Due {
    Instant when;
    uint64_t order;
    uint32_t slot;
    /// For a heap whose front is due first.
    bool operator<(const Due& other) const { return when != other.when ? when > other.when : order > other.order; }
  };
  void add_trace(std::string line);
  uint64_t next_fault(std::string_view kind);

  const uint64_t seed_;
  Instant now_ = kBegin;
  Random ties_;
  std::map<std::string, std::unique_ptr<Random>, std::less<>> randoms_;
  std::vector<Due> queue_;
  std::vector<Action> actions_;
  std::vector<uint32_t> free_;
  uint64_t events_ = 0, hash_ = 0;
  size_t trace_lines_ = 0;
  std::deque<std::string> trace_;
  std::map<std::string, uint64_t, std::less<>> fault_counts_;
  std::optional<std::unordered_set<uint64_t>> only_faults_;
  bool keeps_faults_ = false;
  std::vector<Fault> faults_;
};

}  // namespace sofa::sim
