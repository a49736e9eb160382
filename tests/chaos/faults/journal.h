#pragma once
// What a power cut may take away: every write and change of names in the data folder that no sync has made durable yet, with what was there before.
// The journal is a file of its own (it survives SIGKILL, as the page cache does); the driver reads it after the process is dead and makes of the data
// folder what a disk could hold then (disk/powercut.go). Files that are deleted or replaced keep a second name beside the journal until nothing is
// unsynced any more.
//
// Format: records one after the other, numbers little-endian, `Header` first, then path, second path, old bytes, new bytes.

#include <sys/stat.h>
#include <sys/uio.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace sofa::chaos {

enum class Kind : uint32_t {
  write = 1,
  resize = 2,
  synced = 3,
  sync_failed = 4,
  create = 5,
  make_folder = 6,
  unlink = 7,
  rename = 8,
  remove_folder = 9
};

struct Header {
  uint32_t magic = 0;
  Kind kind{};
  uint64_t sequence = 0;
  uint64_t inode = 0;     // of the file, or of the folder that was synced
  uint64_t folder = 0;    // of a change of names: the inode of the folder whose sync makes it durable
  uint64_t offset = 0;    // write: where; resize: the new size; synced, sync_failed: the last sequence that it covers
  uint64_t length = 0;    // write: bytes
  uint64_t old_size = 0;  // write, resize: the size of the file before
  uint32_t old_bytes = 0;
  uint32_t path = 0;
  uint32_t second_path = 0;
  uint32_t flags = 0;  // kZeros: the new bytes are all zero and left out; kKept: the file that went has the name kept-SEQUENCE beside the journal
};
static_assert(sizeof(Header) == 72);
inline constexpr uint32_t kMagic = 0x314A5353;
inline constexpr uint32_t kZeros = 1, kKept = 2;

/// Its calls come under `mutex()`, and before what they tell of is done, so that nothing is done that the journal does not know.
class Journal {
 public:
  /// Goes on with what an earlier process left in the folder.
  explicit Journal(const std::string& folder);

  static std::mutex& mutex();

  void write(int fd, const struct stat& before, uint64_t offset, std::span<const iovec> parts);
  void resize(int fd, const struct stat& before, uint64_t size);
  void created(const std::string& path);
  void folder_made(const std::string& path);
  void unlinking(const std::string& path);
  void renaming(const std::string& from, const std::string& to);
  void removing_folder(const std::string& path);

  /// The sequence that a sync which begins now covers.
  uint64_t last() const { return sequence_; }
  void synced(uint64_t inode, uint64_t through);
  /// What a failed sync should have written is taken for lost at the next power cut, whatever a later sync says.
  void sync_failed(uint64_t inode, uint64_t through);

 private:
  struct Extra {
    std::string path{}, second_path{};
    std::span<const uint8_t> old_bytes{};
    std::span<const iovec> new_bytes{};
  };
  void load();
  void note(const Header& header);
  void put(Header header, const Extra& extra);
  uint32_t keep(const std::string& path);
  void forget_all();

  std::string folder_;
  int fd_ = -1;
  uint64_t sequence_ = 0;
  std::map<uint64_t, uint64_t> unsynced_;  // inode of a file or folder -> its last change
  bool doubtful_ = false;                  // a sync failed: nothing is forgotten from then on
  std::vector<std::string> kept_;
  std::vector<uint8_t> old_;
};

/// The journal of $SOFA_FAULTS_JOURNAL (a folder outside of the data folder, on the same file system); null when it is not set.
Journal* journal();

}  // namespace sofa::chaos
