#pragma once
// Overview: the whole at a glance. GET /v1/overview tells the platform, its roles and checks, how every attached process does, the rates over all of
// them with their last quarter of an hour, and what has happened last.
//
// Every process is asked for its own figures (GET /v1/figures over its attachment): once a second while somebody looks, else once in five seconds, so
// that the history has no gaps and a platform that nobody looks at rests.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sofa/admin/part.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/platform/figures.h"
#include "sofa/platform/happenings.h"
#include "sofa/platform/processes.h"

namespace sofa::platform {

/// The program that answers.
struct PlatformRow {
  std::string name{}, version{}, mode{}, address{};
  int64_t started_at_ms = 0;
  static void describe(Description<PlatformRow>& d);
};
/// Where a role listens.
struct RolePort {
  std::string name{}, address{};
  static void describe(Description<RolePort>& d);
};
/// A part of the platform.
struct RoleState {
  std::string name{}, state{}, doc{}, next{};
  std::vector<RolePort> ports{};
  static void describe(Description<RoleState>& d);
};
/// One check of readiness.
struct CheckRow {
  std::string name{}, status{}, detail{};
  int64_t checked_at_ms = 0, duration_us = 0;
  static void describe(Description<CheckRow>& d);
};
/// What the platform says of itself.
struct PlatformView {
  PlatformRow platform{};
  std::string health = "unknown";  ///< up, down, unknown, out_of_service
  std::vector<RoleState> roles{};
  std::vector<CheckRow> checks{};
};

struct OverviewAnswer : PlatformView {
  Rates rates{};
  RateColumns history{};
  std::vector<ProcessFigures> processes{};  ///< by name and id
  std::vector<Happening> events{};          ///< newest first, at most 50
  static void describe(Description<OverviewAnswer>& d);
};

/// Whom the overview asks.
struct OverviewSources {
  std::function<std::vector<ProcessInfo>()> processes{};
  /// The answer of a process to GET /v1/figures.
  std::function<io::Task<Result<std::string>>(std::string id)> figures{};
  /// Any shard.
  std::function<PlatformView()> platform{};
};

struct OverviewOptions {
  Duration period = std::chrono::seconds(1);   ///< between two looks at a process while somebody looks at the overview
  Duration at_rest = std::chrono::seconds(5);  ///< else
  Duration lookers = std::chrono::seconds(3);  ///< so long after the last look somebody looks
  Duration timeout = std::chrono::seconds(2);  ///< of a process' answer
  int patience = 3;                            ///< answers that are missing until a process is "lost"
  Duration step = std::chrono::seconds(5);     ///< between two points of the history
  size_t points = 180;                         ///< of the history
};

/// Belongs to the shard that makes it; read(), on_attached() and on_gone() are for any shard.
class Overview final : public admin::Part {
 public:
  /// `happenings` outlives it.
  Overview(OverviewSources sources, Happenings& happenings, OverviewOptions options = {});
  ~Overview() override;

  std::string_view name() const override { return "Overview"; }
  void add_to(admin::Routes& routes) override;
  OverviewAnswer read();
  void on_attached(const ProcessInfo& process);
  void on_gone(const ProcessInfo& process);

  /// Begins to look at the processes, in the background.
  void start();
  io::Task<void> stop();

 private:
  struct Seen {
    ProcessFigures figures{};
    int missing = 0;        // answers, one after the other
    bool has_said = false;  // how it does
  };
  io::Task<void> run();
  io::Task<void> look();
  io::Task<void> look_at(ProcessInfo process);
  void take(const ProcessInfo& process, const Result<std::string>& answer);
  void turn(const ProcessInfo& process, Seen& seen, std::string state, std::string why);
  bool somebody_looks() const;
  Instant now() const;

  const OverviewSources sources_;
  Happenings& happenings_;
  const OverviewOptions options_;
  io::Shard& home_;
  const std::shared_ptr<io::Event> wanted_ = std::make_shared<io::Event>();  // at home: somebody has begun to look, or a process is new
  std::atomic<int64_t> looked_at_{INT64_MIN};                                // ns of the shard's clock; the last read()
  std::mutex mutex_;                                                         // of what follows
  std::map<std::string, Seen, std::less<>> seen_;                            // by id
  Rates rates_;
  RateHistory history_;
  std::unique_ptr<io::TaskGroup> looking_;  // null: not started, or stopped
};

}  // namespace sofa::platform
