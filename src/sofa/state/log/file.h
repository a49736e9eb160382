#pragma once
// What the log needs of a disk, as an interface: the POSIX one below, and testing::FaultFileSystem, which can fail, tear and forget.
// Every call blocks; callers run them on threads of their own, never on a shard.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

namespace sofa::log {

/// An open file. Reads may run beside one writer; writes and syncs come from one thread at a time. Closed by the destructor.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to out.size() bytes at `offset`; fewer only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, std::span<uint8_t> out) = 0;
  /// Writes at `offset`; may write only a part, like pwrite. `write_all` goes on until all is written.
  virtual Result<size_t> write_at(uint64_t offset, ByteSpan bytes) = 0;
  /// fdatasync. After a failure nothing written since the last success may be believed, and a later success proves nothing.
  virtual Result<void> sync() = 0;
  /// A hint: the disk may begin with what was written there, so that the next sync() finds less to do. Makes nothing durable, and tells no errors.
  virtual void begin_sync(uint64_t /*offset*/, uint64_t /*size*/) {}
  /// Reserves space, so that later writes below `size` cannot run out of it.
  virtual Result<void> allocate(uint64_t size) = 0;
  virtual Result<void> truncate(uint64_t size) = 0;
  virtual Result<uint64_t> size() = 0;
  virtual const std::string& path() const = 0;
};

/// Held while a folder is in use; released by the destructor and by the end of the process.
class FolderLock {
 public:
  virtual ~FolderLock() = default;
};

enum class OpenMode { read, read_write, create };  // create: made if missing, emptied if there; opened for reading and writing

enum class PathKind { nothing, file, folder };  // file: all that is no folder, links too

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> unlink(const std::string& path) = 0;
  /// Gives the file a second name. Code::already_exists when `to` is there.
  virtual Result<void> link(const std::string& from, const std::string& to) = 0;
  virtual Result<PathKind> kind_of(const std::string& path) = 0;
  /// Makes creates, renames and unlinks inside the folder durable.
  virtual Result<void> sync_folder(const std::string& path) = 0;
  /// Makes one folder in a folder that exists; false when it is there already. Not durable before its parent is synced: see create_folders below.
  virtual Result<bool> create_folder(const std::string& path) = 0;
  /// An empty one.
  virtual Result<void> remove_folder(const std::string& path) = 0;
  /// Names (without folder) of what is in the folder, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  /// Takes the lock file at `path`, or says which process holds it (failed_precondition).
  virtual Result<std::unique_ptr<FolderLock>> lock(const std::string& path) = 0;
};

/// The machine's own file system. Stateless; lives for the whole program.
FileSystem& posix_file_system();

/// Writes all of `bytes`, going on after short writes.
Result<void> write_all(File& file, uint64_t offset, ByteSpan bytes);
/// The same for what is much, and will be synced: the disk works while the rest is still being written.
Result<void> write_all_early(File& file, uint64_t offset, ByteSpan bytes);
/// Reads the whole file.
Result<Bytes> read_all(File& file);
/// Makes the folder and those above it that are missing, all of them durable. Errors name the folder at fault and say what to do.
Result<void> create_folders(FileSystem& files, const std::string& path);
/// Removes the folder and all that is in it; well when there is none. Not durable; a crash, or an error, leaves a part of it.
Result<void> remove_tree(FileSystem& files, const std::string& path);
/// Replaces a file as a whole by the parts one after the other: temporary file, sync, rename, sync of the folder. After a crash the old or the new
/// content is there.
Result<void> replace_file(FileSystem& files, const std::string& folder, const std::string& name, std::initializer_list<ByteSpan> parts);

}  // namespace sofa::log
