#include "sofa/state/raft/detail/snapshot_reader.h"

#include "sofa/base/crc.h"

namespace sofa::raft::detail {

Result<const KeptFile*> DiskSnapshotReader::find(const std::string& name) const {
  for (const KeptFile& file : kept_->files) {
    if (file.name == name) return &file;
  }
  return fail(Code::not_found, "the snapshot of entry {} has no file '{}'", kept_->id.index, name);
}

std::shared_ptr<log::File> DiskSnapshotReader::opened(const std::string& name) const {
  for (const Open& one : open_) {
    if (one.file != nullptr && one.name == name) return one.file;
  }
  return nullptr;
}

void DiskSnapshotReader::keep_open(const std::string& name, std::shared_ptr<log::File> file) {
  if (opened(name) != nullptr) return;
  open_[next_open_++ % open_.size()] = {name, std::move(file)};
}

auto DiskSnapshotReader::read_on_pool(const KeptFile& file, std::shared_ptr<log::File> opened, uint64_t offset, uint64_t count,
                                      uint32_t crc_before) const -> Result<Piece> {
  if (opened == nullptr) {
    auto fresh = folder_->files().open(folder_->path_of(file.name), log::OpenMode::read);
    if (!fresh) return forward_error(fresh);
    opened = std::move(*fresh);
  }
  Buffer buffer(count + 1);
  auto read = opened->read_at(offset, {buffer.extend(count), count});
  if (!read) return forward_error(read);
  if (*read != count) {
    return fail(Code::data_loss, "The file {} of a snapshot ends at {} bytes where it had {}; it was changed behind this node's back", opened->path(),
                offset + *read, file.size);
  }
  const uint32_t crc = crc32c(buffer.span(), crc_before);
  return Piece{.bytes = buffer.take(), .crc32c = crc, .file = std::move(opened)};
}

auto DiskSnapshotReader::read_piece(const KeptFile& file, uint64_t offset, uint64_t count, uint32_t crc_before) -> io::Task<Result<Piece>> {
  auto job = [this, &file, open = opened(file.name), offset, count, crc_before] { return read_on_pool(file, open, offset, count, crc_before); };
  Piece piece = co_await io::or_return(io::run_blocking(folder_->pool(), std::move(job)));
  keep_open(file.name, piece.file);
  co_return piece;
}

std::unexpected<Error> DiskSnapshotReader::other_checksum(const KeptFile& file, uint32_t found) const {
  return fail(Code::data_loss, "The file {} of a snapshot has the checksum {:08x} where it had {:08x}: the disk has changed it; check the disk",
              folder_->path_of(file.name), found, file.crc32c);
}

io::Task<Result<Bytes>> DiskSnapshotReader::get(std::string name, uint64_t most) {
  const KeptFile* file = co_await io::or_return(find(name));
  const auto size = static_cast<uint64_t>(file->size);
  if (size > most) {
    co_return fail(Code::out_of_range, "the file '{}' of the snapshot has {} bytes, at most {} are taken; read it in pieces", name, size, most);
  }
  Piece piece = co_await io::or_return(read_piece(*file, 0, size, 0));
  if (piece.crc32c != file->crc32c) co_return other_checksum(*file, piece.crc32c);
  co_return std::move(piece.bytes);
}

io::Task<Result<Bytes>> DiskSnapshotReader::read(std::string name, uint64_t offset, uint64_t count) {
  const KeptFile* file = co_await io::or_return(find(name));
  const auto size = static_cast<uint64_t>(file->size);
  if (offset >= size || count == 0) co_return Bytes();
  Sum& sum = sums_[name];
  if (offset == 0 && sum.up_to < size) sum = {};
  const bool goes_on = offset == sum.up_to;
  Piece piece = co_await io::or_return(read_piece(*file, offset, std::min(count, size - offset), goes_on ? sum.crc32c : 0));
  const uint64_t end = offset + piece.bytes.size();
  if (goes_on && offset == sum.up_to) sum = {.up_to = end, .crc32c = piece.crc32c};
  if (end == size && sum.up_to == size && sum.crc32c != file->crc32c) co_return other_checksum(*file, sum.crc32c);
  co_return std::move(piece.bytes);
}

}  // namespace sofa::raft::detail
