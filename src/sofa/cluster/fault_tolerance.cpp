#include "sofa/cluster/fault_tolerance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sofa::cluster {

namespace detail {

namespace {

using Wide = __int128;

/// A decimal number: digits * 10^-scale.
struct Decimal {
  Wide digits;
  int scale;
};

/// The shortest decimal that reads back as the number, as Java's Double.toString gives it for numbers of this size.
Decimal decimal_of(double number) {
  const std::string text = fmt::format("{}", number);
  // An exponent stands only for what is below 1e-4 or from 1e16 on: fixed digits show that exactly enough.
  const std::string plain = text.find('e') == std::string::npos ? text : fmt::format("{:.17f}", number);
  Decimal decimal{0, 0};
  bool behind_point = false;
  for (const char c : plain) {
    if (c == '.') behind_point = true;
    if (c < '0' || c > '9') continue;
    decimal.digits = decimal.digits * 10 + (c - '0');
    if (behind_point) ++decimal.scale;
  }
  if (number < 0) decimal.digits = -decimal.digits;
  return decimal;
}

Wide power_of_ten(int n) {
  Wide power = 1;
  for (; n > 0; --n) power *= 10;
  return power;
}

int count_digits(Wide number) {
  int digits = 1;
  for (; number >= 10; number /= 10) ++digits;
  return digits;
}

/// numerator / denominator, both not negative, rounded half up to a whole number.
Wide divide_half_up(Wide numerator, Wide denominator) { return (2 * numerator + denominator) / (2 * denominator); }

}  // namespace

double divide_to_cents(int64_t a, int64_t b) { return static_cast<double>(divide_half_up(static_cast<Wide>(a) * 100, b)) / 100; }

double divide_to_cents(double a, double b) {
  const Decimal x = decimal_of(a);
  const Decimal y = decimal_of(b);
  const Wide cents = divide_half_up(x.digits * power_of_ten(y.scale) * 100, y.digits * power_of_ten(x.scale));
  return static_cast<double>(cents) / 100;
}

int multiply_as_original(int64_t a, double b) {
  const Decimal y = decimal_of(b);
  Wide product = static_cast<Wide>(a) * 10 * y.digits;
  int scale = y.scale + 1;
  if (const int surplus = count_digits(product) - count_digits(static_cast<Wide>(a) * 10); surplus > 0 && product > 0) {
    product = divide_half_up(product, power_of_ten(surplus)) * power_of_ten(surplus);
  }
  return static_cast<int>(product / power_of_ten(scale));
}

}  // namespace detail

void FaultTolerance::record(const Provider& provider, bool counts_as_error) {
  if (!options_.regulation_effective) return;
  auto found = std::find_if(stats_.begin(), stats_.end(), [&](const Stat& stat) { return stat.provider.address == provider.address; });
  if (found == stats_.end()) found = stats_.insert(stats_.end(), Stat{.provider = provider});
  ++found->calls;
  if (counts_as_error) ++found->errors;
}

int FaultTolerance::weight_of(const Provider& provider, WallTime now) const {
  if (weights_.empty() || provider.is_warming_up(now)) return provider.weight_at(now);
  const auto found = weights_.find(key(provider.address));
  return found == weights_.end() ? provider.weight_at(now) : found->second;
}

void FaultTolerance::forget(const io::Address& address) {
  std::erase_if(stats_, [&](const Stat& stat) { return stat.provider.address == address; });
  weights_.erase(key(address));
  const bool host_is_used =
      std::any_of(stats_.begin(), stats_.end(), [&](const Stat& stat) { return stat.provider.address.host() == address.host(); });
  if (!host_is_used) degraded_hosts_.erase(address.host());
  ++version_;
}

/// The counts of this window, of those that were called; whoever was not for more than six windows is forgotten.
std::vector<FaultTolerance::Stat> FaultTolerance::take_window() {
  constexpr int kMostIdleWindows = 6;
  std::vector<Stat> window;
  std::erase_if(stats_, [](Stat& stat) { return stat.calls == 0 && ++stat.idle_windows > kMostIdleWindows; });
  for (Stat& stat : stats_) {
    if (stat.calls == 0) continue;
    window.push_back(stat);
    stat.calls = stat.errors = stat.idle_windows = 0;
  }
  return window;
}

/// Calls from which on the provider is judged; -1: never.
int64_t FaultTolerance::least_calls(const Stat& stat, WallTime now) const {
  const int origin = stat.provider.weight;
  if (origin == 0) return -1;
  const double share = detail::divide_to_cents(int64_t{weight_of(stat.provider, now)}, int64_t{origin});
  return std::max(1, detail::multiply_as_original(std::max<int64_t>(options_.least_window_count, 1), share));
}

/// Errors by calls of all that are judged; -1 when nobody is.
double FaultTolerance::average_rate(const std::vector<Stat>& window, WallTime now) const {
  int64_t calls = 0;
  int64_t errors = 0;
  for (const Stat& stat : window) {
    const int64_t least = least_calls(stat, now);
    if (least == -1 || stat.calls < least) continue;
    calls += stat.calls;
    errors += stat.errors;
  }
  return calls == 0 ? -1 : detail::divide_to_cents(errors, calls);
}

Measure FaultTolerance::judge(const Stat& stat, double average, WallTime now) {
  const int weight = weight_of(stat.provider, now);
  Measure measure{.address = stat.provider.address, .calls = stat.calls, .weight_before = weight, .weight = weight};
  const int64_t least = least_calls(stat, now);
  if (average == -1 || least == -1 || stat.calls < least) return measure;
  measure.rate = detail::divide_to_cents(stat.errors, stat.calls);
  measure.average = average;
  const bool abnormal = average != 0 && detail::divide_to_cents(measure.rate, average) >= options_.least_window_exception_rate_multiple;
  measure.state = abnormal ? Measure::State::abnormal : Measure::State::healthy;
  return measure;
}

std::vector<Measure> FaultTolerance::tick(WallTime now) {
  if (!options_.regulation_effective || ++seconds_ % std::max(1u, options_.time_window) != 0) return {};
  const std::vector<Stat> window = take_window();
  const double average = average_rate(window, now);
  std::vector<Measure> measures;
  // All are judged by the weights of the window, before any is changed.
  for (const Stat& stat : window) measures.push_back(judge(stat, average, now));
  for (size_t i = 0; i < window.size() && options_.degrade_effective; ++i) {
    if (measures[i].state == Measure::State::abnormal) degrade(window[i], measures[i], now);
    if (measures[i].state == Measure::State::healthy) recover(window[i], measures[i], now);
  }
  return measures;
}

void FaultTolerance::degrade(const Stat& stat, Measure& measure, WallTime now) {
  const std::string& host = stat.provider.address.host();
  if (!degraded_hosts_.contains(host)) {
    if (static_cast<int>(degraded_hosts_.size()) >= options_.degrade_max_ip_count) {
      measure.at_limit = true;
      return;
    }
    degraded_hosts_.insert(host);
  }
  if (stat.provider.is_warming_up(now)) return;
  measure.weight = std::max(options_.degrade_least_weight, detail::multiply_as_original(measure.weight_before, options_.weight_degrade_rate));
  weights_[key(stat.provider.address)] = measure.weight;
  ++version_;
}

void FaultTolerance::recover(const Stat& stat, Measure& measure, WallTime now) {
  const std::string& host = stat.provider.address.host();
  if (!degraded_hosts_.contains(host) || stat.provider.is_warming_up(now)) return;
  const int weight = detail::multiply_as_original(measure.weight_before, options_.weight_recover_rate);
  measure.weight = std::min(weight, stat.provider.weight);
  if (weight >= stat.provider.weight) {
    weights_.erase(key(stat.provider.address));
    degraded_hosts_.erase(host);
  } else {
    weights_[key(stat.provider.address)] = weight;
  }
  ++version_;
}

}  // namespace sofa::cluster
