#pragma once
// The files of open snapshots, as other nodes read them with GetFile (jraft.md 2.10), and the node's side that fetches them.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "sofa/base/clock.h"
#include "sofa/base/log.h"
#include "sofa/base/random.h"
#include "sofa/io/task.h"
#include "sofa/state/raft/pace.h"
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
  /// When more passes after admit() gave nothing.
  Instant next_cycle() const { return cycle_begin_ + cycle_; }

 private:
  uint64_t bytes_per_cycle_;  // zero: no bound
  Duration cycle_;
  Instant cycle_begin_{};
  uint64_t left_ = 0;
};

/// Of one shard's server: snapshots that peers may read, by reader id.
class FileService {
 public:
  FileService(uint64_t seed, SnapshotThrottle& throttle, Pace& pace) : random_(seed), throttle_(throttle), pace_(pace) {}
  /// The id under which its files may be read until remove(). Ids are random, not negative.
  int64_t add(std::shared_ptr<SnapshotReader> reader);
  void remove(int64_t id);
  size_t size() const { return readers_.size(); }
  /// Answers GetFile with at most 1 MiB, with up to 1 KiB also when fewer bytes are asked for, as JRaft does; errors as ErrorResponse: ENOENT "Fail
  /// to find reader=<id>" and for a file that the snapshot has not; EREQUEST "Invalid request: ..." for counts, offsets and names that can never be
  /// read; EAGAIN when throttled to nothing; EIO when the disk fails. A line in the log tells of all but EAGAIN.
  io::Task<jraft::Message> get_file(jraft::GetFileRequest request);

 private:
  struct Reader {
    std::shared_ptr<SnapshotReader> snapshot{};
    Bytes meta{};  // what the snapshot is for peers
  };
  io::Task<jraft::Message> read(std::shared_ptr<SnapshotReader> snapshot, const KeptFile& file, uint64_t offset, uint64_t count);
  jraft::Message refuse_odd(jraft::RaftError code, std::string message);
  jraft::Message invalid(const jraft::GetFileRequest& request);

  LogRate refusals_{5};
  Random random_;
  SnapshotThrottle& throttle_;
  Pace& pace_;
  std::unordered_map<int64_t, Reader> readers_;
};

/// Asks one GetFile of the node that offers a snapshot: its answer, or an error of the transport.
using AskFile = std::function<io::Task<Result<jraft::Message>>(jraft::GetFileRequest)>;

struct FetchOptions {
  uint64_t max_bytes_per_call = 131'072;  ///< JRaft's maxByteCountPerRpc
  uint64_t piece = 262'144;               ///< the same where the sizes are known, so that several are fetched at once
  int parallel = 1;                       ///< pieces and files asked for at once; more than 1 only of a peer that is known to be C++
  int retries = 3;                        ///< of a failed call or of a file with another checksum; EAGAIN is not counted
  Duration retry_wait = std::chrono::seconds(1);
  Duration throttled_wait = std::chrono::milliseconds(100);  ///< after an EAGAIN
  uint64_t most_bytes = uint64_t{1} << 40;                   ///< of all files together, as a bound
  size_t most_files = 65'536;
};

/// What has been fetched, for a progress line.
struct FetchProgress {
  uint64_t bytes = 0, files = 0, files_done = 0;
  uint64_t files_taken_over = 0;  ///< of those done, from the own snapshot
};

/// Fetches `__raft_snapshot_meta` and every file that it names into `to`, taking over from `own` (may be null) files with the same name and checksum.
/// After a failed call it goes on where it was. Errors: data_loss when the meta lies (names outside, another snapshot than `expected`, sizes) or a
/// file has another checksum than the meta says, else the transport's. Cancelled by its scope, whose deadline bounds it. `progress` and what else is
/// given by reference outlive it.
io::Task<Result<jraft::LocalSnapshotPbMeta>> fetch_snapshot(AskFile ask, int64_t reader_id, jraft::SnapshotMeta expected, SnapshotWriter& to,
                                                            SnapshotReader* own, SnapshotThrottle& throttle, FetchOptions options,
                                                            FetchProgress& progress);

}  // namespace sofa::raft
