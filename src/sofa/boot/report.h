#pragma once
// Report: where the time of a start or a stop went. Stages follow each other; the steps of a stage may run at the same time.
//
//   running->startup().table()         for people: slowest components, what each waited for, the critical path marked
//   running->startup().json()          what SOFABoot's /actuator/startup answers (sofaboot.md 1.3, 4), so that its dashboards read it
//   running->startup().chrome_trace()  for chrome://tracing and Perfetto
//
// Stages of a start, by the names of the original where they fit: JvmStartingStage (registration), EnvironmentPrepareStage (configuration),
// ApplicationContextPrepareStage (plan), ApplicationContextLoadStage (construction), ApplicationContextRefreshStage (start), ReadinessCheckStage.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/boot/lifecycle.h"
#include "sofa/boot/readiness.h"

namespace sofa::boot {

/// One stage, or one component, check or callback of a stage. Times are of one Clock.
struct ReportStep {
  std::string name{};
  Instant begun{};
  Instant ended{};
  std::map<std::string, std::string> attributes{};
  std::string type{};     ///< of a component's step: "sofa.component.start"; else empty
  Duration waited{};      ///< for other components, since the stage began
  bool critical = false;  ///< of the chain of components whose last one ended the stage
  std::vector<ReportStep> steps{};
  Duration took() const { return ended - begun; }
};

struct Report {
  std::string application{};
  WallTime wall{};  ///< when `begun` was
  Instant begun{};
  std::vector<ReportStep> stages{};

  /// Begins a stage, and ends the one before.
  void begin_stage(std::string name, Instant now);
  void end_stage(Instant now);
  Duration took() const { return stages.empty() ? Duration::zero() : stages.back().ended - begun; }

  /// Steps that took less than `threshold` are left out, with what is in them; stages are not.
  std::string json(Duration threshold = {}) const;
  /// An event for each stage and step, in microseconds since `begun`; steps that overlap have lines of their own.
  std::string chrome_trace() const;
  /// A line for each stage, and under it one for each of its slowest steps, `most` of them; of the critical path all, marked with `*`.
  std::string table(size_t most = 10) const;
};

/// Of each component whether it stands on the critical path: the last one to start, and what each of it waited for.
std::vector<bool> critical_path(const Lifecycle& life);
/// A step for each component that was constructed, started, drained or stopped, in the order of their beginning.
std::vector<ReportStep> construct_steps(const Lifecycle& life);
/// With the critical path marked; what waited is counted from `stage_begun`.
std::vector<ReportStep> start_steps(const Lifecycle& life, Instant stage_begun);
std::vector<ReportStep> drain_steps(const Lifecycle& life);
std::vector<ReportStep> stop_steps(const Lifecycle& life);
/// A step for each check and callback that has run, with its last time.
std::vector<ReportStep> readiness_steps(const ReadinessState& state);

}  // namespace sofa::boot
