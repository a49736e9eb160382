#pragma once
// The files of open snapshots, as other nodes read them with GetFile (jraft.md 2.10), and the node's side that fetches them.

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "sofa/base/clock.h"
#include "sofa/base/random.h"
#include "sofa/io/task.h"
#include "sofa/state/raft/snapshot.h"
#include "sofa/wire/jraft/messages.h"

namespace sofa::raft {

/// Bounds how many bytes a second snapshots take, sent and fetched together; zero: no bound (jraft.md 2.10, ThroughputSnapshotThrottle).
class SnapshotThrottle {
 public:
  explicit SnapshotThrottle(uint64_t bytes_per_second = 0, int cycles_per_second = 10);
  /// Of `wanted` bytes, how many may pass now: possibly none.
  uint64_t admit(Instant now, uint64_t wanted);
  /// Of what was admitted, this much was not used.
  void give_back(uint64_t bytes);

 private:
  const uint64_t bytes_per_cycle_;
  const Duration cycle_;
  Instant cycle_begin_{};
  uint64_t left_ = 0;
};

/// Of one shard's server: snapshots that peers may read, by reader id.
class FileService {
 public:
  explicit FileService(uint64_t seed, SnapshotThrottle& throttle) : random_(seed), throttle_(throttle) {}
  /// The id under which its files may be read until remove(). Ids are random, not negative.
  int64_t add(std::shared_ptr<SnapshotReader> reader);
  void remove(int64_t id);
  /// Answers GetFile, errors as ErrorResponse (ENOENT "Fail to find reader=<id>", EREQUEST "Invalid request: ...", EAGAIN when throttled to nothing).
  io::Task<jraft::Message> get_file(jraft::GetFileRequest request);

 private:
  Random random_;
  SnapshotThrottle& throttle_;
  std::unordered_map<int64_t, std::shared_ptr<SnapshotReader>> readers_;
};

/// Asks one GetFile of the node that offers a snapshot: its answer, or an error of the transport.
using AskFile = std::function<io::Task<Result<jraft::Message>>(jraft::GetFileRequest)>;

struct FetchOptions {
  uint64_t max_bytes_per_call = 131'072;  ///< JRaft's maxByteCountPerRpc
  int parallel = 1;                       ///< pieces asked for at once; more than 1 only of a peer that is known to be C++
  int retries = 3;                        ///< of a failed call, EAGAIN not counted
  Duration retry_wait = std::chrono::seconds(1);
  uint64_t most_bytes = uint64_t{1} << 40;  ///< of all files together, as a bound
};

/// What has been fetched, for a progress line.
struct FetchProgress {
  uint64_t bytes = 0, files = 0, files_done = 0;
};

/// Fetches `__raft_snapshot_meta` and every file that it names into `to`, taking over from `own` (may be null) files with the same name and checksum.
/// Errors: data_loss when the meta lies (names outside, other index than `expected`, sizes), else the transport's. Cancelled by its scope.
io::Task<Result<jraft::LocalSnapshotPbMeta>> fetch_snapshot(AskFile ask, int64_t reader_id, jraft::SnapshotMeta expected, SnapshotWriter& to,
                                                            SnapshotReader* own, SnapshotThrottle& throttle, FetchOptions options,
                                                            FetchProgress& progress);

}  // namespace sofa::raft
