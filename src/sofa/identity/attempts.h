#pragma once
// Attempts: slows those who guess. Pure: time comes in.

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"

namespace sofa::identity {

struct AttemptOptions {
  unsigned free = 3;                                       ///< failures in a row that cost nothing
  Duration first_delay = std::chrono::seconds(1);          ///< then; doubled by each further failure
  Duration most_delay_of_name = std::chrono::seconds(30);  ///< short, since others than the user make it grow
  Duration most_delay_of_peer = std::chrono::minutes(5);
  Duration forget_after = std::chrono::minutes(15);  ///< without an attempt
  size_t max_entries = 20'000;                       ///< names and peers; over it the one that rested longest goes
};

/// Failures in a row by name and by peer. An attempt counts as failed from its begin on, so that many at once gain nothing. One thread at a time.
class Attempts {
 public:
  explicit Attempts(AttemptOptions options = {}) : options_(options) {}

  /// Counts an attempt, or refuses it without counting: resource_exhausted with the time to wait.
  Result<void> begin(std::string_view name, std::string_view peer, Instant now);
  /// The attempt was right: the name begins again from zero, and the peer has one failure less, as this was none.
  void succeeded(std::string_view name, std::string_view peer);
  /// The attempt was not looked at: neither right nor wrong.
  void take_back(std::string_view name, std::string_view peer);
  size_t entries() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    unsigned failures = 0;
    Instant last{};
    Instant blocked_until{};
  };
  using Place = std::list<Entry>::iterator;
  using Index = std::unordered_map<std::string, Place>;
  void forget(Index::iterator which);
  void uncount(const std::string& key);
  Entry& entry(std::string key, Instant now);
  const Entry* find(const std::string& key, Instant now) const;
  void count(std::string key, Duration most_delay, Instant now);

  const AttemptOptions options_;
  std::list<Entry> order_;  // the one that rested longest first
  Index entries_;
};

}  // namespace sofa::identity
