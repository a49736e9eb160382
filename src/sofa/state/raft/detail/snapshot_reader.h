#pragma once
// DiskSnapshotReader: a snapshot on the disk as its readers see it.

#include <array>
#include <map>
#include <memory>

#include "sofa/state/raft/detail/snapshot_folder.h"
#include "sofa/state/raft/snapshot.h"

namespace sofa::raft::detail {

class DiskSnapshotReader final : public SnapshotReader {
 public:
  DiskSnapshotReader(std::shared_ptr<SnapshotFolder> folder, std::shared_ptr<const KeptSnapshot> kept)
      : folder_(std::move(folder)), kept_(std::move(kept)) {}

  const KeptSnapshot& kept() const override { return *kept_; }
  const std::string& folder() const override { return folder_->path(); }
  io::Task<Result<Bytes>> get(std::string name, uint64_t most) override;
  io::Task<Result<Bytes>> read(std::string name, uint64_t offset, uint64_t count) override;

 private:
  /// The checksum of a file from its beginning, as far as it was read in order.
  struct Sum {
    uint64_t up_to = 0;
    uint32_t crc32c = 0;
  };
  struct Open {
    std::string name{};
    std::shared_ptr<log::File> file{};
  };
  struct Piece {
    Bytes bytes{};
    uint32_t crc32c = 0;  // continued from what stood before it
    std::shared_ptr<log::File> file{};
  };

  Result<const KeptFile*> find(const std::string& name) const;
  io::Task<Result<Piece>> read_piece(const KeptFile& file, uint64_t offset, uint64_t count, uint32_t crc_before);
  Result<Piece> read_on_pool(const KeptFile& file, std::shared_ptr<log::File> opened, uint64_t offset, uint64_t count, uint32_t crc_before) const;
  std::shared_ptr<log::File> opened(const std::string& name) const;
  void keep_open(const std::string& name, std::shared_ptr<log::File> file);
  std::unexpected<Error> other_checksum(const KeptFile& file, uint32_t found) const;

  const std::shared_ptr<SnapshotFolder> folder_;
  const std::shared_ptr<const KeptSnapshot> kept_;
  std::map<std::string, Sum, std::less<>> sums_;
  std::array<Open, 4> open_;  // lately read
  size_t next_open_ = 0;
};

}  // namespace sofa::raft::detail
