#include "sofa/cluster/outlier.h"

#include <fmt/format.h>

#include <algorithm>

namespace sofa::cluster {

namespace {

double milliseconds(Duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

}  // namespace

void OutlierEjection::record(const io::Address& address, bool answered, Duration took, Instant now, size_t providers) {
  Stat& stat = stats_[address];
  ++stat.calls;
  stat.spent += took;
  stat.failures = answered ? 0 : stat.failures + 1;
  if (options_.consecutive_failures > 0 && stat.failures >= options_.consecutive_failures) {
    eject(address, stat, now, providers, fmt::format("{} calls in a row failed", stat.failures));
  }
}

std::vector<OutlierEjection::Ejection> OutlierEjection::tick(Instant now, size_t providers) {
  std::vector<Duration> means;
  for (const auto& [address, stat] : stats_) {
    if (stat.calls >= options_.least_calls) means.push_back(stat.spent / stat.calls);
  }
  std::ranges::sort(means);
  for (auto& [address, stat] : stats_) {
    if (options_.latency_multiple > 0 && means.size() >= 2 && stat.calls >= options_.least_calls) {
      const Duration mean = stat.spent / stat.calls;
      const Duration median = means[(means.size() - 1) / 2];
      if (milliseconds(mean) > options_.latency_multiple * milliseconds(median)) {
        eject(address, stat, now, providers, fmt::format("it takes {:.1f} ms, the median is {:.1f} ms", milliseconds(mean), milliseconds(median)));
      }
    }
    stat.calls = 0;
    stat.spent = {};
    // One that behaved for long begins anew.
    if (stat.ejections > 0 && now > stat.until + options_.most_ejection) stat.ejections = 0;
  }
  return std::exchange(fresh_, {});
}

bool OutlierEjection::is_ejected(const io::Address& address, Instant now) const {
  const auto found = stats_.find(address);
  return found != stats_.end() && now < found->second.until;
}

size_t OutlierEjection::ejected(Instant now) const {
  return static_cast<size_t>(std::ranges::count_if(stats_, [now](const auto& entry) { return now < entry.second.until; }));
}

void OutlierEjection::eject(const io::Address& address, Stat& stat, Instant now, size_t providers, std::string why) {
  if (now < stat.until) return;
  if (static_cast<double>(ejected(now) + 1) > options_.most_ejected * static_cast<double>(providers)) return;
  Duration length = options_.first_ejection;
  for (int i = 0; i < stat.ejections && length < options_.most_ejection; ++i) length *= 2;
  stat.until = deadline_after(now, std::min(length, options_.most_ejection));
  ++stat.ejections;
  stat.failures = 0;
  last_until_ = std::max(last_until_, stat.until);
  fresh_.push_back({address, stat.until, std::move(why)});
}

}  // namespace sofa::cluster
