#pragma once
// The block of memory by which the driver tells a process under test which faults it has. It is a file that both map; every number is eight bytes,
// little-endian, at the offset of its member, and changes take effect at the next call. The driver's side is disk/control.go.

#include <atomic>
#include <cstdint>

namespace sofa::chaos {

struct Control {
  std::atomic<uint64_t> sync_errno;      // fsync and fdatasync of the data folder fail with it; 0: they do not
  std::atomic<uint64_t> write_errno;     // writes to the data folder fail with it
  std::atomic<uint64_t> sync_delay_us;   // a sync of the data folder takes this much longer
  std::atomic<uint64_t> write_delay_us;  // and so does a write
  std::atomic<uint64_t> disk_full;       // 1: what would make a file of the data folder longer fails with ENOSPC
  std::atomic<int64_t> clock_offset_ns;  // added to the wall clock; the monotonic one stays
  std::atomic<int64_t>
      calls_until_kill;             // above 0: counts down at each step of a write, sync or change of names; at 0 the process is killed (SIGKILL)
  std::atomic<uint64_t> syncs_lie;  // 1: a sync says that it is done and does nothing, as a bad disk does: it proves that a test can fail
  std::atomic<uint64_t> calls;      // steps so far
  std::atomic<uint64_t> failed;     // calls that failed because this block said so
};
static_assert(sizeof(Control) == 80);

/// The block of $SOFA_FAULTS_CONTROL, or one of zeros (no faults) when it is not set or cannot be mapped.
Control& control();

/// Counts one step, and kills the process when it is the one.
void step();

}  // namespace sofa::chaos
