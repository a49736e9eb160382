#pragma once
// A disk in memory that behaves as badly as a real one may: what is not synced can be lost, kept or torn when the machine stops; any call can fail.
// The rules are in the module README, "Disk rules". Deterministic: the same seed and the same calls give the same disk.

#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <set>

#include "sofa/state/log/file.h"

namespace sofa::log::testing {

/// What a call of a FaultFileSystem does instead of its work.
enum class Fault {
  none,
  io_error,     // EIO; of a sync: the unsynced pages count as clean from now on, but are not on the disk
  no_space,     // ENOSPC from now on for every call that needs new space, until `free_space()`
  short_write,  // half of the bytes are written and reported
  torn_write,   // a part of the bytes is written, then EIO
  power_cut,    // a part of the call happens, and every later call fails; `after_power_cut()` gives the disk as it is found again
  lost_write,   // said to be done, seen by readers, synced with success, and not on the disk after the next power cut
  misdirected,  // as lost_write, and the bytes stand in another place of the file after the next power cut
};

/// What becomes of unsynced pages and directory changes at a power cut. torn: of each sector by itself; mixed: of each page by itself, one of lost,
/// kept, torn, or as it was between two unsynced writes.
enum class Survival { lost, kept, torn, mixed };

/// Thread-safe. Pages are 4 KiB, tearing is by sectors of 512 bytes.
class FaultFileSystem : public FileSystem {
 public:
  explicit FaultFileSystem(uint64_t seed = 1) : random_(seed) {}

  /// Plans one fault: the call with number `call` (the first call is 1; see `calls()`).
  void plan(uint64_t call, Fault fault);
  /// Plans an EIO for the next call of that kind ("sync", "delete", "sync folder", ...: the word in its error) on a path that contains `part`.
  void fail_next(std::string doing, std::string part);
  /// Asked at each call that has nothing planned: what is done ("write", "sync", ...), on which path, with how many bytes.
  void judge_by(std::function<Fault(std::string_view, const std::string&, size_t)> judge);
  /// Calls so far that reached the disk: opens, reads, writes, syncs, renames, ...
  uint64_t calls() const;
  uint64_t syncs() const;
  void free_space();
  /// From now on every call that needs new space gets ENOSPC, until `free_space()`.
  void fill_up();
  bool stopped() const;

  /// This disk becomes what a restart finds: durable pages, and of the others what `survival` says. What is open must not be used any more.
  void cut_power(Survival survival, uint64_t seed);
  /// The disk that a restart finds; the old object stays as it was.
  std::unique_ptr<FaultFileSystem> after_power_cut(Survival survival, uint64_t seed) const;
  /// What a killed process leaves: everything that was written, as the kernel keeps it; a later power cut still takes what was not synced.
  std::unique_ptr<FaultFileSystem> after_kill() const;

  /// Changes the file behind everybody's back, cache and disk (bit rot).
  void flip_bit(const std::string& path, uint64_t offset, int bit);
  /// The bytes as a reader sees them; empty when there is no such file.
  std::vector<uint8_t> contents(const std::string& path) const;
  void put(const std::string& path, std::vector<uint8_t> bytes);
  /// All files, with their sizes.
  std::vector<std::pair<std::string, uint64_t>> files() const;
  /// An empty disk.
  void wipe();

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& path) override;
  Result<void> link(const std::string& from, const std::string& to) override;
  Result<PathKind> kind_of(const std::string& path) override;
  Result<void> sync_folder(const std::string& path) override;
  Result<bool> create_folder(const std::string& path) override;
  Result<void> remove_folder(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::unique_ptr<FolderLock>> lock(const std::string& path) override;

 private:
  friend class FaultFile;
  friend class FaultLock;
  struct Inode {
    std::vector<uint8_t> cache, disk;
    std::set<size_t> dirty;
    std::map<size_t, std::vector<uint8_t>> older;  // dirty pages as they were before the last write
    bool folder = false;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;  // full paths; the root is always there
  /// Names that one call changes in a folder, all or none of them; a null inode: the name goes.
  struct Change {
    std::string folder;
    std::vector<std::pair<std::string, std::shared_ptr<Inode>>> names;
  };

  Fault next_call(std::string_view doing, const std::string& path, size_t bytes = 0);
  Result<void> plain_call(std::string_view doing, const std::string& path, bool needs_space);
  void write_cache(Inode& inode, uint64_t offset, ByteSpan bytes, bool lost = false);
  void misdirect(Inode& inode, uint64_t offset, ByteSpan bytes);
  static void cut_power(Inode& inode, Survival survival, std::mt19937_64& random);
  Result<size_t> write(Inode& inode, const std::string& path, uint64_t offset, ByteSpan bytes);
  Result<void> sync(Inode& inode, const std::string& path);
  Names names_after_power_cut(Survival survival, std::mt19937_64& random) const;
  bool has_folder(const std::string& path) const;
  void change(Change change);
  static void apply(const Change& change, Names& names);

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  Names names_;
  Names names_on_disk_;
  std::vector<Change> unsynced_;  // of all folders, in order; of each folder a power cut keeps the first few
  std::set<std::string> locked_;
  std::map<uint64_t, Fault> plan_;
  std::function<Fault(std::string_view, const std::string&, size_t)> judge_;
  std::pair<std::string, std::string> failing_;  // what, on which path
  uint64_t calls_ = 0;
  uint64_t syncs_ = 0;
  bool full_ = false;
  bool stopped_ = false;
};

}  // namespace sofa::log::testing
