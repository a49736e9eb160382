#pragma once
// Coverage marks: the states that a simulation is there to reach. A run, or many, that did not reach what it must has shown nothing, and fails.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sofa::sim {

class Marks {
 public:
  void reach(std::string_view mark, uint64_t times = 1) {
    const auto found = reached_.find(mark);
    if (found == reached_.end()) {
      reached_.emplace(std::string(mark), times);
    } else {
      found->second += times;
    }
  }
  uint64_t times(std::string_view mark) const {
    const auto found = reached_.find(mark);
    return found == reached_.end() ? 0 : found->second;
  }
  void add(const Marks& other) {
    for (const auto& [mark, times] : other.reached_) reach(mark, times);
  }
  /// Those of `required` that were not reached.
  std::vector<std::string> missing(const std::vector<std::string>& required) const {
    std::vector<std::string> missing;
    for (const std::string& mark : required) {
      if (times(mark) == 0) missing.push_back(mark);
    }
    return missing;
  }
  const std::map<std::string, uint64_t, std::less<>>& all() const { return reached_; }

 private:
  std::map<std::string, uint64_t, std::less<>> reached_;
};

}  // namespace sofa::sim
