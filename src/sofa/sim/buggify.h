#pragma once
// Points that misbehave in a simulation with some probability: an answer that is late, a queue that is said to be full. Which points are on is drawn
// for each seed ("swarm"): a run in which everything misbehaves a little reaches less than runs that each have a few things go very wrong.

#include <map>
#include <string>
#include <string_view>

#include "sofa/sim/world.h"

namespace sofa::sim {

class Buggify {
 public:
  /// Each point is on with probability `on`, and then fires with a probability that is drawn for it, at most `most`.
  Buggify(World& world, double on, double most) : world_(world), random_(world.random("buggify")), on_(on), most_(most) {}

  bool fires(std::string_view point) {
    const double chance = chance_of(point);
    if (chance == 0 || !enabled_ || !random_.chance(chance)) return false;
    ++fired_[std::string(point)];
    return true;
  }
  /// Whether a point is on in this run, for what is chosen once: an option.
  bool is_on(std::string_view point) { return chance_of(point) != 0; }
  /// Off: the run is to become quiet.
  void stop() { enabled_ = false; }
  void go_on() { enabled_ = true; }
  const std::map<std::string, uint64_t, std::less<>>& fired() const { return fired_; }

 private:
  /// Drawn from the point's own stream: it does not matter when a point is first passed.
  double chance_of(std::string_view point) {
    const auto found = chances_.find(point);
    if (found != chances_.end()) return found->second;
    Random own(world_.derive("buggify " + std::string(point)));
    const double chance = own.chance(on_) ? most_ * (0.02 + 0.98 * own.unit()) : 0;
    return chances_.emplace(std::string(point), chance).first->second;
  }

  World& world_;
  Random& random_;
  double on_, most_;
  bool enabled_ = true;
  std::map<std::string, double, std::less<>> chances_;
  std::map<std::string, uint64_t, std::less<>> fired_;
};

}  // namespace sofa::sim
