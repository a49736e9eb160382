#include "sofa/state/raft/detail/snapshot_folder.h"

#include "sofa/base/log.h"

namespace sofa::raft::detail {

namespace {

/// Nobody waits for it: a part that stays goes at the next start.
class Deletion final : public io::detail::BlockingJob {
 public:
  Deletion(log::FileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  void run() override { report(path_, log::remove_tree(files_, path_)); }

  static void report(const std::string& path, const Result<void>& done) {
    static const Logger log{"raft"};
    if (!done) log.warn("old snapshot not deleted, the next start deletes it", {{"path", path}, {"error", done.error()}});
  }

 private:
  log::FileSystem& files_;
  const std::string path_;
};

}  // namespace

SnapshotFolder::SnapshotFolder(SnapshotPlace place, std::string name) : place_(std::move(place)), path_(place_.folder + "/" + name) {}

SnapshotFolder::~SnapshotFolder() {
  if (kept_) return;
  if (auto begun = pool().submit(std::make_shared<Deletion>(files(), path_)); !begun) Deletion::report(path_, begun);
}

}  // namespace sofa::raft::detail
