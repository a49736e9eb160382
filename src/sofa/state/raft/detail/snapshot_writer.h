#pragma once
// DiskSnapshotWriter: the files of a snapshot on the disk while they are made.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "sofa/io/sync.h"
#include "sofa/state/raft/detail/snapshot_folder.h"
#include "sofa/state/raft/snapshot.h"

namespace sofa::raft::detail {

class DiskSnapshotWriter final : public SnapshotWriter {
 public:
  DiskSnapshotWriter(std::shared_ptr<SnapshotFolder> folder, int64_t index) : folder_(std::move(folder)), index_(index) {}

  io::Task<Result<void>> put(std::string name, Bytes content, Bytes meta) override;
  io::Task<Result<void>> append(std::string name, Bytes piece, Bytes meta) override;
  const std::string& folder() const override { return folder_->path(); }
  io::Task<Result<void>> add_file(std::string name, Bytes meta) override;
  io::Task<Result<void>> link(std::string name, const std::string& path, Bytes meta) override;
  io::Task<Result<void>> remove(std::string name) override;

  /// Every file and folder durable.
  io::Task<Result<std::vector<KeptFile>>> finish();
  int64_t index() const { return index_; }
  const std::shared_ptr<SnapshotFolder>& place() const { return folder_; }

 private:
  struct Draft {
    Bytes meta{};
    uint64_t size = 0;
    uint32_t crc32c = 0;
    bool ours = true;  // written here, so that size and checksum are known
    bool durable = false;
    std::unique_ptr<log::File> file{};  // while it is open
  };
  using Drafts = std::map<std::string, Draft>;
  struct Piece {
    Drafts::value_type* draft;
    Bytes bytes;
  };

  /// One call at a time; then `work` on the pool. A failure is kept for all later calls.
  template <class F>
  io::Task<Result<void>> run(F work);
  io::Task<Result<void>> begin_call(const std::string& name, const Bytes& meta);
  Result<Drafts::value_type*> add(std::string name, Bytes meta, bool ours);
  io::Task<Result<void>> flush();

  // On the pool.
  Result<void> make_folders(const std::string& name);
  Result<void> write(Drafts::value_type& draft, ByteSpan bytes);
  static log::OpenMode mode_of(const Draft& draft);
  Result<log::File*> open(Drafts::value_type& draft);
  Result<void> make_durable(Drafts::value_type& draft);
  Result<void> sum_up(Draft& draft);
  Result<void> sync_folders();

  static constexpr size_t kMostWaiting = size_t{1} << 20;     // bytes
  static constexpr size_t kMostOpen = 16;                     // files
  static constexpr uint64_t kMostListed = uint64_t{4} << 20;  // bytes of names and metas, which the group's record holds

  const std::shared_ptr<SnapshotFolder> folder_;
  const int64_t index_;
  io::Mutex one_at_a_time_;
  Drafts drafts_;
  uint64_t listed_bytes_ = 0;
  std::set<std::string> folders_;  // below the snapshot's own
  std::vector<Piece> waiting_;
  size_t waiting_bytes_ = 0;
  std::vector<Drafts::value_type*> open_;
  std::optional<Error> broken_;
};

}  // namespace sofa::raft::detail
