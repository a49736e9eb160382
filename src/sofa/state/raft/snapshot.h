#pragma once
// Snapshots of one group on this machine: files in a folder of its own, complete and durable before the group's record names them
// (raft_core/records.h). What no record names is left over from a crash and goes at the next start.
//
//   folder/snapshot/<group>@<ip>_<port>_<idx>/<index>-<number>/<file>
//
// Files are read and written on the runtime's file pool; everything else happens on the node's shard.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/io/task.h"
#include "sofa/state/log/file.h"
#include "sofa/state/raft_core/records.h"
#include "sofa/wire/jraft/messages.h"

namespace sofa::raft {

/// What peers call the list of a snapshot's files (jraft.md 4.3); no file may have this name.
inline constexpr std::string_view kSnapshotMetaName = "__raft_snapshot_meta";

/// Names of files are relative, without "..", ".", backslashes and control letters; '/' makes folders (JRaft's state machines may have them).
/// Errors: invalid_argument.
Result<void> check_file_name(std::string_view name);

/// What a file must hold, as the checksum's text of its LocalFileMeta says it to other C++ nodes: "crc32c:1a2b3c4d:4096", the last the bytes.
struct FileSum {
  uint32_t crc32c = 0;
  uint64_t size = 0;
  std::string to_string() const;
  /// Nothing for a text of another maker: such files are taken as they come.
  static std::optional<FileSum> parse(std::string_view text);
  bool operator==(const FileSum&) const = default;
};

/// The snapshot as peers see it. A file whose maker gave it no checksum gets ours.
jraft::LocalSnapshotPbMeta local_meta_of(const KeptSnapshot& snapshot);

/// A snapshot that is being written, by StateMachine::save or by a download. Dropped before it is the newest it is deleted.
/// `meta` is an encoded LocalFileMeta, kept for the file and shown to peers; may be empty. After an error of the disk every call gives that error.
class SnapshotWriter {
 public:
  virtual ~SnapshotWriter() = default;
  /// A whole object. Errors: already_exists.
  virtual io::Task<Result<void>> put(std::string name, Bytes content, Bytes meta = {}) = 0;
  /// The next piece of one; made with the first, which may be empty. Pieces of several files may alternate. Up to 1 MiB waits in memory.
  virtual io::Task<Result<void>> append(std::string name, Bytes piece, Bytes meta = {}) = 0;
  /// For those who write files themselves (a checkpoint of a database): the folder, and the name of a file in it that belongs to the snapshot.
  virtual const std::string& folder() const = 0;
  virtual io::Task<Result<void>> add_file(std::string name, Bytes meta = {}) = 0;
  /// Takes over a file of another snapshot of this machine instead of copying it (a hard link).
  virtual io::Task<Result<void>> link(std::string name, const std::string& path, Bytes meta = {}) = 0;
  /// Takes a file out again; the name is free. Errors: not_found.
  virtual io::Task<Result<void>> remove(std::string name) = 0;
};

/// A snapshot that is there. It stays until the last reader is gone, also when a newer one has taken its place.
class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;
  virtual const KeptSnapshot& kept() const = 0;
  virtual const std::string& folder() const = 0;
  /// A whole object. Errors: not_found; data_loss when its checksum is another; out_of_range when it is larger than `most` bytes.
  virtual io::Task<Result<Bytes>> get(std::string name, uint64_t most = uint64_t{1} << 30) = 0;
  /// A piece of one: shorter than `count` only at its end. Who reads a file in order, from its beginning, gets data_loss instead of its last piece
  /// when the checksum is another.
  virtual io::Task<Result<Bytes>> read(std::string name, uint64_t offset, uint64_t count) = 0;
};

/// The snapshots of one group. Belongs to the node's shard; `files` outlives the runtime.
class SnapshotStore {
 public:
  /// `folder`: of this group alone; it is made with the first snapshot.
  static std::unique_ptr<SnapshotStore> make(log::FileSystem& files, std::string folder);
  virtual ~SnapshotStore() = default;

  /// At a start, before anything else: the files of `kept` (id all zero: there is no snapshot) are all there, with their sizes; all else in the
  /// folder goes. Errors: data_loss, naming the file, the expected and the found size; then nothing is touched. Checksums are verified by reading.
  virtual io::Task<Result<void>> recover(KeptSnapshot kept) = 0;
  /// Begins one that ends with this entry, which must be behind the newest's (failed_precondition).
  virtual io::Task<Result<std::unique_ptr<SnapshotWriter>>> begin(int64_t index) = 0;
  /// Makes its files and folders durable; gives what the group's record is to say. Not yet the newest: see set_newest.
  virtual io::Task<Result<KeptSnapshot>> finish(SnapshotWriter& writer, LogId id, std::shared_ptr<const Membership> members) = 0;
  /// The record is durable: this is the newest, what was before goes once nobody reads it.
  virtual void set_newest(std::unique_ptr<SnapshotWriter> writer, KeptSnapshot kept) = 0;
  /// The newest; null when there is none.
  virtual std::shared_ptr<SnapshotReader> open_newest() = 0;
};

}  // namespace sofa::raft
