#pragma once
// Disk: the disk of one machine, on log::testing::FaultFileSystem: pages of 4 KiB that are lost, kept or torn when the power goes, syncs that fail
// and then lie, writes that go nowhere or elsewhere, bits that rot, no space, and calls that take their time. Calls are synchronous: the time that
// they have taken is asked for afterwards, and is virtual.

#include <algorithm>
#include <string>
#include <vector>

#include "sofa/sim/world.h"
#include "sofa/state/log/testing/fault_file_system.h"

namespace sofa::sim {

/// Probabilities are for each call.
struct DiskShape {
  Duration mean_read = std::chrono::microseconds(50), mean_write = std::chrono::microseconds(20), mean_sync = std::chrono::microseconds(300);
  double stalled = 0;  ///< a sync takes about `stalled_mean`
  Duration stalled_mean = std::chrono::milliseconds(500);
  double read_error = 0, write_error = 0, sync_error = 0;  ///< EIO
  // What was said to be durable is not: only where a FaultAtlas allows it.
  double lost_write = 0, misdirected_write = 0;
  bool operator==(const DiskShape&) const = default;
};

class Disk {
 public:
  Disk(World& world, const std::string& name);
  Disk(const Disk&) = delete;

  DiskShape shape{};
  log::FileSystem& files() { return files_; }

  /// Of all calls since it was last asked.
  Duration take_latency() { return std::exchange(latency_, {}); }

  /// The power goes: what is not synced is kept, lost, torn or older, page by page. What was open must not be used any more.
  void cut_power();
  /// The power goes inside of the call that comes so many from now: died() then, until cut_power().
  void cut_power_in(uint64_t calls) { files_.plan(files_.calls() + calls, log::testing::Fault::power_cut); }
  bool died() const { return files_.stopped(); }
  void fill_up() { files_.fill_up(); }
  void free_space() { files_.free_space(); }
  void wipe() { files_.wipe(); }
  /// Flips a bit of a file whose path contains `part`, in cache and disk; false when there is none.
  bool rot(std::string_view part);

  /// Faults after which something that was durable may be gone: writes lost or misdirected, bits flipped.
  uint64_t damage() const { return damage_; }
  uint64_t errors() const { return errors_; }
  uint64_t calls() const { return files_.calls(); }

 private:
  log::testing::Fault judge(std::string_view doing, const std::string& path, size_t bytes);
  Duration exponential(Duration mean);

  World& world_;
  const std::string name_;
  Random& random_;
  log::testing::FaultFileSystem files_;
  Duration latency_{};
  uint64_t damage_ = 0, errors_ = 0;
};

/// Which of the replicas of something may have lost what it had made durable: never more at once than the others can make good. Without it a
/// simulator reports what nobody has promised.
class FaultAtlas {
 public:
  explicit FaultAtlas(size_t most) : most_(most) {}
  /// Whether this one may be damaged now; if so, it counts as damaged.
  bool allow(int replica) {
    if (std::ranges::find(damaged_, replica) != damaged_.end()) return true;
    if (damaged_.size() >= most_) return false;
    damaged_.push_back(replica);
    return true;
  }
  bool is_damaged(int replica) const { return std::ranges::find(damaged_, replica) != damaged_.end(); }
  /// It has again what it must have.
  void repaired(int replica) { std::erase(damaged_, replica); }
  size_t damaged() const { return damaged_.size(); }

 private:
  size_t most_;
  std::vector<int> damaged_;
};

}  // namespace sofa::sim
