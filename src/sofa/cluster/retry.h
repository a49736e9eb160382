#pragma once
// How often calls are repeated: a budget that keeps retries from multiplying the load of providers that are in trouble.

#include <algorithm>

#include "sofa/base/clock.h"

namespace sofa::cluster {

struct RetryBudgetOptions {
  double ratio = 0.2;      ///< repetitions for each call, in the long run
  double per_second = 10;  ///< repetitions a second that are always there, for clients with few calls
  double most = 100;       ///< that can be saved up
};

/// A bucket of repetitions, full at first: calls and time fill it, each repetition takes one. Belongs to one shard.
class RetryBudget {
 public:
  explicit RetryBudget(RetryBudgetOptions options = {}) : options_(options), balance_(options.most) {}

  /// A call, not a repetition, is made.
  void deposit() { add(options_.ratio); }
  /// Takes one repetition; false: there is none left.
  bool withdraw(Instant now) {
    if (filled_ != Instant{}) add(options_.per_second * std::chrono::duration<double>(now - filled_).count());
    filled_ = now;
    if (balance_ < 1) return false;
    balance_ -= 1;
    return true;
  }
  double balance() const { return balance_; }

 private:
  void add(double repetitions) { balance_ = std::min(balance_ + std::max(repetitions, 0.0), options_.most); }
  const RetryBudgetOptions options_;
  double balance_;
  Instant filled_{};
};

}  // namespace sofa::cluster
