#pragma once
// SnapshotFolder: one snapshot's folder on the disk, shared by those who use it. Unless it is kept it goes, on the file pool, with its last user.

#include <string>

#include "sofa/io/blocking_pool.h"
#include "sofa/state/log/file.h"

namespace sofa::raft::detail {

/// Where a store's files are, and the threads that may block on them.
struct SnapshotPlace {
  log::FileSystem& files;
  io::BlockingPool& pool;
  std::string folder;
};

class SnapshotFolder {
 public:
  SnapshotFolder(SnapshotPlace place, std::string name);
  ~SnapshotFolder();
  SnapshotFolder(const SnapshotFolder&) = delete;

  log::FileSystem& files() const { return place_.files; }
  io::BlockingPool& pool() const { return place_.pool; }
  const std::string& path() const { return path_; }
  std::string path_of(const std::string& file) const { return path_ + "/" + file; }
  /// Whether it stays on the disk when nobody uses it.
  void keep(bool kept) { kept_ = kept; }

 private:
  const SnapshotPlace place_;
  const std::string path_;
  bool kept_ = false;
};

}  // namespace sofa::raft::detail
