#include "sofa/state/raft/detail/snapshot_writer.h"

#include <algorithm>

#include "sofa/base/crc.h"

namespace sofa::raft::detail {

namespace {
constexpr size_t kPiece = size_t{1} << 20;
}

template <class F>
io::Task<Result<void>> DiskSnapshotWriter::run(F work) {
  if (broken_) co_return std::unexpected<Error>(*broken_);
  Result<void> done = co_await io::run_blocking(folder_->pool(), std::move(work));
  if (!done) broken_ = done.error();
  co_return done;
}

Result<DiskSnapshotWriter::Drafts::value_type*> DiskSnapshotWriter::add(std::string name, Bytes meta, bool ours) {
  if (auto fits = check_file_name(name); !fits) return forward_error(fits);
  if (auto read = jraft::decode<jraft::LocalFileMeta>(meta); !read) {
    return fail(Code::invalid_argument, "what was given as the meta of the snapshot's file '{}' is no LocalFileMeta", name);
  }
  if (drafts_.contains(name)) return fail(Code::already_exists, "the snapshot has a file '{}' already", name);
  const uint64_t listed = name.size() + meta.size() + sizeof(KeptFile);
  if (listed_bytes_ + listed > kMostListed) {
    return fail(Code::resource_exhausted, "the snapshot has too many files: the list of {} takes {} bytes, at most {} fit; put more into a file",
                drafts_.size() + 1, listed_bytes_ + listed, kMostListed);
  }
  listed_bytes_ += listed;
  return &*drafts_.emplace(std::move(name), Draft{.meta = std::move(meta), .ours = ours}).first;
}

io::Task<Result<void>> DiskSnapshotWriter::put(std::string name, Bytes content, Bytes meta) {
  auto held = co_await io::or_return(one_at_a_time_.lock());
  auto* draft = co_await io::or_return(add(std::move(name), std::move(meta), true));
  co_return co_await run([this, draft, content = std::move(content)] { return write(*draft, content.span()); });
}

io::Task<Result<void>> DiskSnapshotWriter::append(std::string name, Bytes piece, Bytes meta) {
  auto held = co_await io::or_return(one_at_a_time_.lock());
  if (broken_) co_return std::unexpected<Error>(*broken_);
  auto known = drafts_.find(name);
  auto* draft = known != drafts_.end() ? &*known : co_await io::or_return(add(std::move(name), std::move(meta), true));
  if (!draft->second.ours)
    co_return fail(Code::already_exists, "the file '{}' of the snapshot was not made here; nothing is put behind it", draft->first);
  waiting_bytes_ += piece.size();
  waiting_.push_back({draft, std::move(piece)});
  if (waiting_bytes_ < kMostWaiting && waiting_.size() < kMostWaiting / 256) co_return Result<void>();
  co_return co_await flush();
}

io::Task<Result<void>> DiskSnapshotWriter::flush() {
  waiting_bytes_ = 0;
  co_return co_await run([this, pieces = std::exchange(waiting_, {})]() -> Result<void> {
    for (const Piece& piece : pieces) {
      if (auto done = write(*piece.draft, piece.bytes.span()); !done) return done;
    }
    return {};
  });
}

io::Task<Result<void>> DiskSnapshotWriter::add_file(std::string name, Bytes meta) {
  auto held = co_await io::or_return(one_at_a_time_.lock());
  auto* draft = co_await io::or_return(add(std::move(name), std::move(meta), false));
  for (size_t slash = draft->first.find('/'); slash != std::string::npos; slash = draft->first.find('/', slash + 1)) {
    folders_.insert(draft->first.substr(0, slash));
  }
  co_return Result<void>();
}

io::Task<Result<void>> DiskSnapshotWriter::link(std::string name, const std::string& path, Bytes meta) {
  auto held = co_await io::or_return(one_at_a_time_.lock());
  auto* draft = co_await io::or_return(add(std::move(name), std::move(meta), false));
  co_return co_await run([this, draft, path]() -> Result<void> {
    if (auto made = make_folders(draft->first); !made) return made;
    return folder_->files().link(path, folder_->path_of(draft->first));
  });
}

io::Task<Result<void>> DiskSnapshotWriter::remove(std::string name) {
  auto held = co_await io::or_return(one_at_a_time_.lock());
  auto known = drafts_.find(name);
  if (known == drafts_.end()) co_return fail(Code::not_found, "the snapshot has no file '{}' that could be taken out", name);
  co_await io::or_return(flush());
  co_await io::or_return(run([this, path = folder_->path_of(name)] { return folder_->files().unlink(path); }));
  std::erase(open_, &*known);
  listed_bytes_ -= name.size() + known->second.meta.size() + sizeof(KeptFile);
  drafts_.erase(known);
  co_return Result<void>();
}

io::Task<Result<std::vector<KeptFile>>> DiskSnapshotWriter::finish() {
  auto held = co_await io::or_return(one_at_a_time_.lock());
  co_await io::or_return(flush());
  std::vector<KeptFile> files;
  for (auto& one : drafts_) {
    co_await io::or_return(run([this, &one] { return make_durable(one); }));
    const Draft& draft = one.second;
    files.push_back({.name = one.first, .size = static_cast<int64_t>(draft.size), .crc32c = draft.crc32c, .meta = draft.meta});
  }
  co_await io::or_return(run([this] { return sync_folders(); }));
  co_return files;
}

Result<void> DiskSnapshotWriter::make_folders(const std::string& name) {
  for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    std::string folder = name.substr(0, slash);
    if (folders_.contains(folder)) continue;
    if (auto made = folder_->files().create_folder(folder_->path_of(folder)); !made) return forward_error(made);
    folders_.insert(std::move(folder));
  }
  return {};
}

Result<void> DiskSnapshotWriter::write(Drafts::value_type& draft, ByteSpan bytes) {
  auto file = open(draft);
  if (!file) return forward_error(file);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(kPiece, bytes.size()))) {
    const ByteSpan piece = bytes.first(std::min(kPiece, bytes.size()));
    if (auto done = log::write_all(**file, draft.second.size, piece); !done) return done;
    // The disk works while the rest is on its way: the sync at the end finds little to do, and no flood delays those who write beside it.
    const uint64_t begun = draft.second.size / kPiece * kPiece;
    draft.second.size += piece.size();
    if (draft.second.size - begun >= kPiece) (*file)->begin_sync(begun, draft.second.size - begun);
    draft.second.crc32c = crc32c(piece, draft.second.crc32c);
  }
  draft.second.durable = false;
  return {};
}

log::OpenMode DiskSnapshotWriter::mode_of(const Draft& draft) {
  if (!draft.ours) return log::OpenMode::read;
  return draft.size == 0 && !draft.durable ? log::OpenMode::create : log::OpenMode::read_write;
}

Result<log::File*> DiskSnapshotWriter::open(Drafts::value_type& draft) {
  if (draft.second.file != nullptr) return draft.second.file.get();
  if (open_.size() >= kMostOpen) {
    // Not closed before it is durable: an error of the disk is told to those who have the file open.
    if (auto done = make_durable(*open_.front()); !done) return forward_error(done);
  }
  if (auto made = make_folders(draft.first); !made) return forward_error(made);
  auto file = folder_->files().open(folder_->path_of(draft.first), mode_of(draft.second));
  if (!file) return forward_error(file);
  draft.second.file = std::move(*file);
  open_.push_back(&draft);
  return draft.second.file.get();
}

Result<void> DiskSnapshotWriter::make_durable(Drafts::value_type& draft) {
  if (draft.second.durable) return {};
  auto file = open(draft);
  if (!file) return forward_error(file);
  if (!draft.second.ours) {
    if (auto done = sum_up(draft.second); !done) return done;
  }
  if (auto done = (*file)->sync(); !done) return done;
  draft.second.durable = true;
  draft.second.file.reset();
  std::erase(open_, &draft);
  return {};
}

Result<void> DiskSnapshotWriter::sum_up(Draft& draft) {
  std::vector<uint8_t> piece(kPiece);
  for (;;) {
    auto read = draft.file->read_at(draft.size, piece);
    if (!read) return forward_error(read);
    if (*read == 0) return {};
    draft.crc32c = crc32c(ByteSpan(piece).first(*read), draft.crc32c);
    draft.size += *read;
  }
}

Result<void> DiskSnapshotWriter::sync_folders() {
  log::FileSystem& files = folder_->files();
  for (const std::string& folder : folders_) {
    if (auto done = files.sync_folder(folder_->path_of(folder)); !done) return done;
  }
  return files.sync_folder(folder_->path());
}

}  // namespace sofa::raft::detail
