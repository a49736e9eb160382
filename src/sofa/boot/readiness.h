#pragma once
// Readiness: whether traffic may come in. Decided at the end of the start, from checks and callbacks in SOFABoot's order (sofaboot.md 1), and kept
// up to date afterwards, which SOFABoot does not do: a check that fails later refuses traffic, and one that recovers lets it in again.
//
//   readiness.add_check({.name = "disk", .check = [this] { return disk_.check(); }, .period = 5s});
//   readiness.add_callback("warm-cache", [this] { return cache_.warm(); });
//
// Order of begin(): checkers and indicators at once, and only when all pass, the callbacks one after the other; the first that fails skips the rest.
// With manual callbacks they wait for trigger().
//
// Belongs to one shard; state() is for any thread.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/error.h"
#include "sofa/boot/health.h"
#include "sofa/io/task.h"
#include "sofa/io/task_group.h"

namespace sofa::boot {

/// The two sections of the readiness answer that checks stand in: HealthCheckerInfo and HealthIndicatorInfo.
enum class CheckKind : uint8_t { checker, indicator };

struct Check {
  std::string name{};  ///< the key in /actuator/readiness
  CheckKind kind = CheckKind::indicator;
  std::function<io::Task<Health>()> check{};
  Duration period = std::chrono::seconds(10);   ///< after readiness was decided; zero: never again
  Duration timeout = std::chrono::seconds(60);  ///< of one attempt; past it the check is UNKNOWN
  int retries = 0;                              ///< further attempts before it counts as failed
  Duration retry_interval = std::chrono::seconds(1);
  bool strict = true;  ///< false: a failure is shown, and traffic comes in all the same
};

/// What is to be done before traffic comes in.
using ReadinessCallback = std::function<io::Task<Result<void>>()>;

struct ReadinessOptions {
  bool manual_callbacks = false;                         ///< callbacks wait for trigger(): check first, take traffic later
  Duration callback_timeout = std::chrono::seconds(60);  ///< of each callback
  std::vector<std::string> skip{};                       ///< names of checks that are not made
};

/// What one check or callback said last.
struct NamedHealth {
  std::string name;
  Health health;
  bool strict = true;
  Instant begun{}, ended{};  ///< when it said so; zero of the clock when it never ran
};

/// All of it at one moment; immutable.
struct ReadinessState {
  bool decided = false;   ///< false: the start is not through; the answer is UNKNOWN
  bool refusing = false;  ///< the program is stopping
  std::string reason{};   ///< why it refuses
  HealthStatus status = HealthStatus::unknown;
  std::vector<NamedHealth> checkers{}, indicators{}, callbacks{};
  bool accepts_traffic() const { return status == HealthStatus::up; }
};

/// Ok when traffic may come in; else why not, as failed_precondition with every check and callback that has failed.
Result<void> why_refused(const ReadinessState& state);

class Readiness {
 public:
  explicit Readiness(ReadinessOptions options = {});
  /// After stop().
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  /// Before begin(). A name that stands already in its section gets "#2" behind it.
  void add_check(Check check);
  void add_callback(std::string name, ReadinessCallback callback);
  /// Told, on the shard, whenever accepts_traffic() changes.
  void on_change(std::function<void(const ReadinessState&)> listener) { listeners_.push_back(std::move(listener)); }

  /// Decides. Ok when traffic may come in, or when only the manual callbacks are missing; failed_precondition names what failed. Once.
  io::Task<Result<void>> begin();
  /// Runs the callbacks now, with manual_callbacks. failed_precondition, in the words of sofaboot.md 1.2, when they were triggered already or a check
  /// fails.
  io::Task<Result<void>> trigger();
  /// From now on traffic is refused, whatever the checks say.
  void refuse(std::string reason);
  /// Ends the repeated checks. Refuses, too.
  io::Task<void> stop();

  /// Any thread; never null.
  std::shared_ptr<const ReadinessState> state() const { return state_.load(std::memory_order_acquire); }

 private:
  struct Checked {
    Check check;
    Health health{HealthStatus::unknown, {}};
    Instant begun{}, ended{};
  };
  struct Callback {
    std::string name;
    ReadinessCallback run;
    Health health{HealthStatus::unknown, {}};
    Instant begun{}, ended{};
  };

  io::Task<Health> attempt(const Check& check);
  io::Task<void> check_once(Checked& checked);
  io::Task<void> keep_checking(Checked& checked);
  io::Task<Result<void>> run_callbacks();
  bool checks_pass() const;
  Result<void> failure() const;
  void publish();

  const ReadinessOptions options_;
  std::vector<std::unique_ptr<Checked>> checks_;
  std::vector<Callback> callbacks_;
  std::vector<std::function<void(const ReadinessState&)>> listeners_;
  bool decided_ = false;
  bool callbacks_done_ = false;
  bool callbacks_begun_ = false;
  std::string refused_;
  std::atomic<std::shared_ptr<const ReadinessState>> state_;
  std::unique_ptr<io::TaskGroup> repeated_;
};

}  // namespace sofa::boot
