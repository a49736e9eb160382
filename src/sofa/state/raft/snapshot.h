#pragma once
// Snapshots of one group on this machine: files in a folder of its own, complete and durable before the group's record names them
// (raft_core/records.h). What no record names is left over from a crash and goes at the next start.
//
//   folder/snapshot/<group>@<ip>_<port>_<idx>/<index>-<number>/<file>
//
// Files are read and written on the runtime's file pool; everything else happens on the node's shard.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/io/task.h"
#include "sofa/state/log/file.h"
#include "sofa/state/raft_core/records.h"

namespace sofa::raft {

/// Names of files are relative, without "..", "." and backslashes; '/' makes folders (JRaft's state machines may have them).
Result<void> check_file_name(std::string_view name);

/// A snapshot that is being written, by StateMachine::save or by a download. Dropped without finish() it is deleted.
class SnapshotWriter {
 public:
  virtual ~SnapshotWriter() = default;
  /// A whole object.
  virtual io::Task<Result<void>> put(std::string name, Bytes content, Bytes meta = {}) = 0;
  /// The next piece of one; made with the first. Pieces of several files may alternate.
  virtual io::Task<Result<void>> append(std::string name, Bytes piece) = 0;
  /// For those who write files themselves (a checkpoint of a database): the folder, and the name of a file in it that belongs to the snapshot.
  virtual const std::string& folder() const = 0;
  virtual io::Task<Result<void>> add_file(std::string name, Bytes meta = {}) = 0;
  /// Takes over a file of another snapshot of this machine instead of copying it (a hard link).
  virtual io::Task<Result<void>> link(std::string name, const std::string& path, Bytes meta = {}) = 0;
};

/// A snapshot that is there. It stays until the last reader is gone, also when a newer one has taken its place.
class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;
  virtual const KeptSnapshot& kept() const = 0;
  virtual const std::string& folder() const = 0;
  /// A whole object. Errors: not_found; data_loss when its checksum is another; out_of_range when it is larger than `most` bytes.
  virtual io::Task<Result<Bytes>> get(std::string name, uint64_t most = uint64_t{1} << 30) = 0;
  /// A piece of one: shorter than `count` only at its end.
  virtual io::Task<Result<Bytes>> read(std::string name, uint64_t offset, uint64_t count) = 0;
};

/// The snapshots of one group. Belongs to the node's shard.
class SnapshotStore {
 public:
  /// `folder`: of this group alone; it is made with the first snapshot.
  static std::unique_ptr<SnapshotStore> make(log::FileSystem& files, std::string folder);
  virtual ~SnapshotStore() = default;

  /// At a start: the files of `kept` are all there, with their sizes (data_loss otherwise, naming the file, the expected and the found size;
  /// checksums are verified when a file is read); all else in the folder goes.
  virtual io::Task<Result<void>> recover(KeptSnapshot kept) = 0;
  /// Begins one that ends with this entry.
  virtual io::Task<Result<std::unique_ptr<SnapshotWriter>>> begin(int64_t index) = 0;
  /// Makes its files and folders durable; gives what the group's record is to say. Not yet the newest: see set_newest.
  virtual io::Task<Result<KeptSnapshot>> finish(SnapshotWriter& writer, LogId id, std::shared_ptr<const Membership> members) = 0;
  /// The record is durable: this is the newest, what was before goes once nobody reads it.
  virtual void set_newest(std::unique_ptr<SnapshotWriter> writer, KeptSnapshot kept) = 0;
  /// The newest; null when there is none.
  virtual std::shared_ptr<SnapshotReader> open_newest() = 0;
};

}  // namespace sofa::raft
