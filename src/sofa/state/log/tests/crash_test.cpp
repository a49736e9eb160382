// Every system call of a workload is the last one of some run: nothing acknowledged is lost, nothing else appears.
#include <gtest/gtest.h>

#include "sofa/state/log/testing/log_world.h"

namespace sofa::log::testing {
namespace {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// Sanitizers cost ten times the time: a shorter workload, and of the errors every fifth call (another one with each seed).
constexpr int kSteps = 40;
constexpr uint64_t kStride = 5;
#else
constexpr int kSteps = 80;
constexpr uint64_t kStride = 1;
#endif

uint64_t seed_of_this_run() {
  const char* given = std::getenv("SOFA_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

/// Two folders above the log's are missing too: they must be durable as well.
LogOptions nested_options() {
  LogOptions options = small_options();
  options.folder = "/srv/bank/log";
  return options;
}

/// The workload on a fresh disk, with what is planned on it.
void run_workload(FaultFileSystem& files, LogWorld& world, uint64_t seed) {
  std::mt19937_64 random(seed);
  if (!world.open()) return;
  for (int step = 0; step < kSteps && !files.stopped() && !world.core->failed(); ++step) random_step(world, random, step);
}

::testing::AssertionResult agrees(FaultFileSystem& files, const LogWorld& before) {
  LogWorld after(files, nested_options());
  auto opened = after.open();
  if (!opened) return ::testing::AssertionFailure() << "refused: " << opened.error().to_string();
  const Model found = normal(after.durable);
  if (found != normal(before.durable) && !(before.in_doubt && found == normal(*before.in_doubt))) {
    return ::testing::AssertionFailure() << "the log has neither the acknowledged state nor that and the batch under way";
  }
  // What it shows now stays, whatever of it a killed process had not synced.
  auto cut = files.after_power_cut(Survival::lost, 1);
  LogWorld shown(*cut, nested_options());
  if (auto reopened = shown.open(); !reopened) return ::testing::AssertionFailure() << "refused after a power cut: " << reopened.error().to_string();
  if (normal(shown.durable) != found) return ::testing::AssertionFailure() << "a power cut after the recovery takes away what it had shown";
  // It goes on from there, and that is there again after a kill.
  if (!after.append(9, "after the crash")) return ::testing::AssertionFailure() << "no append after the crash";
  const Model goes_on = normal(after.durable);
  after.core.reset();
  LogWorld again(files, nested_options());
  if (auto reopened = again.open(); !reopened) return ::testing::AssertionFailure() << "second open refused: " << reopened.error().to_string();
  if (normal(again.durable) != goes_on) return ::testing::AssertionFailure() << "second open differs";
  if (!again.notes.empty()) return ::testing::AssertionFailure() << "the torn tail is still there: " << again.notes.front();
  return ::testing::AssertionSuccess();
}

TEST(LogCrash, LosesNothingAcknowledgedAtAnySystemCall) {
  const uint64_t seed = seed_of_this_run();
  FaultFileSystem whole(seed);
  LogWorld undisturbed(whole, nested_options());
  run_workload(whole, undisturbed, seed);
  ASSERT_FALSE(undisturbed.core->failed());
  const uint64_t calls = whole.calls();
  fmt::print("seed {}: {} system calls, {} segments left, {} deleted\n", seed, calls, undisturbed.core->segments().size(), undisturbed.deleted);
  ASSERT_GT(undisturbed.core->active(), 1u) << "the workload must fill at least one segment";
  for (uint64_t call = 1; call <= calls; ++call) {
    FaultFileSystem files(seed);
    files.plan(call, Fault::power_cut);
    LogWorld world(files, nested_options());
    run_workload(files, world, seed);
    ASSERT_TRUE(files.stopped());
    world.core.reset();
    for (Survival survival : {Survival::lost, Survival::kept, Survival::torn}) {
      auto found = files.after_power_cut(survival, seed + call);
      ASSERT_TRUE(agrees(*found, world)) << "seed " << seed << ", power cut at call " << call << ", survival " << static_cast<int>(survival);
    }
    ASSERT_TRUE(agrees(*files.after_kill(), world)) << "seed " << seed << ", kill at call " << call;
  }
}

TEST(LogCrash, SurvivesACrashInsideOfRecovery) {
  const uint64_t seed = seed_of_this_run();
  std::mt19937_64 random(seed);
  uint64_t cuts = 0;
  for (int round = 0; round < 150 / static_cast<int>(kStride); ++round) {
    FaultFileSystem files(seed + static_cast<uint64_t>(round));
    files.plan(20 + random() % 250, Fault::power_cut);
    LogWorld world(files, nested_options());
    run_workload(files, world, seed);
    world.core.reset();
    auto found = files.after_power_cut(Survival::torn, random());
    // Each call of the recovery is the last one once.
    for (uint64_t call = 1;; ++call) {
      auto copy = found->after_kill();
      copy->plan(call, Fault::power_cut);
      LogWorld opening(*copy, nested_options());
      const bool opened = opening.open().has_value();
      cuts += opening.notes.empty() ? 0 : 1;
      opening.core.reset();
      if (opened && !copy->stopped()) break;
      ASSERT_TRUE(agrees(*copy->after_power_cut(Survival::torn, random()), world)) << "seed " << seed << ", round " << round << ", call " << call;
    }
  }
  EXPECT_GT(cuts, 0u) << "no round met a torn tail";
}

TEST(LogFaults, AnErrorAtAnySystemCallLosesNothingAcknowledged) {
  const uint64_t seed = seed_of_this_run();
  FaultFileSystem whole(seed);
  LogWorld undisturbed(whole, nested_options());
  run_workload(whole, undisturbed, seed);
  const uint64_t calls = whole.calls();
  for (Fault fault : {Fault::io_error, Fault::torn_write, Fault::short_write, Fault::no_space}) {
    for (uint64_t call = 1 + seed % kStride; call <= calls; call += kStride) {
      FaultFileSystem files(seed);
      files.plan(call, fault);
      LogWorld world(files, nested_options());
      std::mt19937_64 random(seed);
      if (!world.open()) continue;  // refused with an error; nothing was acknowledged
      int refused = 0;
      for (int step = 0; step < kSteps && !world.core->failed(); ++step) {
        if (!random_step(world, random, step) && ++refused % 4 == 0) files.free_space();
      }
      if (fault == Fault::no_space || fault == Fault::short_write) {
        files.free_space();
        if (!world.core->failed()) {
          EXPECT_TRUE(world.append(7, "space again")) << "seed " << seed << ", call " << call << ": " << world.last_error->to_string();
        }
      }
      world.core.reset();
      ASSERT_TRUE(agrees(*files.after_kill(), world)) << "seed " << seed << ", fault " << static_cast<int>(fault) << " at call " << call;
      ASSERT_TRUE(agrees(*files.after_power_cut(Survival::torn, call), world))
          << "seed " << seed << ", fault " << static_cast<int>(fault) << " at call " << call;
    }
  }
}

}  // namespace
}  // namespace sofa::log::testing
