#include "sofa/state/raft/snapshot.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "sofa/base/log.h"
#include "sofa/base/text.h"
#include "sofa/io/runtime.h"
#include "sofa/io/shard.h"
#include "sofa/state/raft/detail/snapshot_reader.h"
#include "sofa/state/raft/detail/snapshot_writer.h"
#include "sofa/state/raft_core/members.h"

namespace sofa::raft {

namespace {

constexpr size_t kMostNameBytes = 1024;
constexpr size_t kMostPartBytes = 255;  // what file systems take

bool is_part(std::string_view part) { return !part.empty() && part != "." && part != ".." && part.size() <= kMostPartBytes; }

bool is_file_name(std::string_view name) {
  if (name.size() > kMostNameBytes || name == kSnapshotMetaName) return false;
  if (std::ranges::any_of(name, [](char c) { return c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) return false;
  for (size_t begin = 0;;) {
    const size_t slash = name.find('/', begin);
    if (!is_part(name.substr(begin, slash - begin))) return false;
    if (slash == std::string_view::npos) return true;
    begin = slash + 1;
  }
}

/// "<index>-<number>": the higher number was made later.
struct FolderName {
  int64_t index = 0;
  uint64_t number = 0;
  std::string to_string() const { return fmt::format("{}-{}", index, number); }
  static std::optional<FolderName> parse(std::string_view text) {
    const size_t dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto index = whole_number<int64_t>(text.substr(0, dash));
    const auto number = whole_number<uint64_t>(text.substr(dash + 1));
    if (!index || !number || FolderName{*index, *number}.to_string() != text) return std::nullopt;
    return FolderName{*index, *number};
  }
};

/// What a start does on the disk.
class Recovery {
 public:
  Recovery(log::FileSystem& files, std::string folder, const KeptSnapshot& kept) : files_(files), folder_(std::move(folder)), kept_(kept) {}

  /// The number to go on from, and the folder of `kept`, empty when there is none.
  struct Found {
    uint64_t last_number = 0;
    std::string newest{};
  };
  Result<Found> run() {
    Found found;
    auto kind = files_.kind_of(folder_);
    if (!kind) return forward_error(kind);
    std::vector<std::string> names;
    if (*kind == log::PathKind::folder) {
      auto listed = files_.list(folder_);
      if (!listed) return forward_error(listed);
      names = std::move(*listed);
    }
    if (kept_.id.index != 0) {
      auto newest = find_newest(names);
      if (!newest) return forward_error(newest);
      found = {.last_number = newest->number, .newest = newest->to_string()};
    }
    if (*kind == log::PathKind::nothing) return found;
    if (auto done = clear(names, found.newest); !done) return forward_error(done);
    return found;
  }

 private:
  /// Numbers grow, and none is begun where the newest ends: of several with its index (a crash has come before an earlier one was deleted) it is the
  /// last.
  Result<FolderName> find_newest(const std::vector<std::string>& names) const {
    std::optional<FolderName> newest;
    for (const std::string& name : names) {
      const auto parsed = FolderName::parse(name);
      if (parsed && parsed->index == kept_.id.index && (!newest || parsed->number > newest->number)) newest = parsed;
    }
    if (!newest) {
      return fail(Code::data_loss,
                  "The snapshot of entry {} is not in {} any more; bring its folder back, or delete this node's data so that it is fed anew",
                  kept_.id.index, folder_);
    }
    for (const KeptFile& file : kept_.files) {
      if (auto there = check(file, folder_ + "/" + newest->to_string() + "/" + file.name); !there) return forward_error(there);
    }
    return *newest;
  }

  Result<void> check(const KeptFile& file, const std::string& path) const {
    auto opened = files_.open(path, log::OpenMode::read);
    if (!opened && opened.error().code() == Code::not_found) {
      return fail(Code::data_loss,
                  "The file {} of a snapshot is gone, it had {} bytes; bring it back, or delete this node's data so that it is fed anew", path,
                  file.size);
    }
    if (!opened) return forward_error(opened);
    auto size = (*opened)->size();
    if (!size) return forward_error(size);
    if (*size == static_cast<uint64_t>(file.size)) return {};
    return fail(Code::data_loss,
                "The file {} of a snapshot has {} bytes where it had {}; bring it back, or delete this node's data so that it is fed anew", path,
                *size, file.size);
  }

  Result<void> clear(const std::vector<std::string>& names, const std::string& newest) {
    for (const std::string& name : names) {
      if (name == newest) continue;
      if (auto done = log::remove_tree(files_, folder_ + "/" + name); !done) return done;
    }
    if (!newest.empty()) {
      for (const KeptFile& file : kept_.files) remember(file.name);
      if (auto done = prune(folder_ + "/" + newest, ""); !done) return done;
    }
    return files_.sync_folder(folder_);
  }

  void remember(const std::string& name) {
    for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) named_.insert(name.substr(0, slash));
    named_.insert(name);
  }

  Result<void> prune(const std::string& root, const std::string& below) {
    auto names = files_.list(root + below);
    if (!names) return forward_error(names);
    for (const std::string& name : *names) {
      const std::string path = below + "/" + name;
      Result<void> done;
      if (!named_.contains(path.substr(1))) {
        done = log::remove_tree(files_, root + path);
      } else if (auto kind = files_.kind_of(root + path); !kind) {
        return forward_error(kind);
      } else if (*kind == log::PathKind::folder) {
        done = prune(root, path);
      }
      if (!done) return done;
    }
    return {};
  }

  log::FileSystem& files_;
  const std::string folder_;
  const KeptSnapshot& kept_;
  std::set<std::string> named_;  // files of the snapshot, and the folders above them
};

class DiskSnapshotStore final : public SnapshotStore {
 public:
  DiskSnapshotStore(log::FileSystem& files, std::string folder)
      : place_{.files = files, .pool = io::Shard::current().runtime().file_pool(), .folder = std::move(folder)} {}
  ~DiskSnapshotStore() override = default;

  io::Task<Result<void>> recover(KeptSnapshot kept) override;
  io::Task<Result<std::unique_ptr<SnapshotWriter>>> begin(int64_t index) override;
  io::Task<Result<KeptSnapshot>> finish(SnapshotWriter& writer, LogId id, std::shared_ptr<const Membership> members) override;
  void set_newest(std::unique_ptr<SnapshotWriter> writer, KeptSnapshot kept) override;
  std::shared_ptr<SnapshotReader> open_newest() override;

 private:
  void take(std::shared_ptr<detail::SnapshotFolder> folder, KeptSnapshot kept);

  const detail::SnapshotPlace place_;
  std::optional<uint64_t> last_number_;  // of a folder; nothing before recover()
  std::shared_ptr<detail::SnapshotFolder> newest_;
  std::shared_ptr<const KeptSnapshot> kept_;
};

io::Task<Result<void>> DiskSnapshotStore::recover(KeptSnapshot kept) {
  auto found = co_await io::or_return(io::run_blocking(place_.pool, [this, &kept] { return Recovery(place_.files, place_.folder, kept).run(); }));
  last_number_ = found.last_number;
  if (found.newest.empty()) co_return Result<void>();
  take(std::make_shared<detail::SnapshotFolder>(place_, found.newest), std::move(kept));
  co_return Result<void>();
}

io::Task<Result<std::unique_ptr<SnapshotWriter>>> DiskSnapshotStore::begin(int64_t index) {
  if (!last_number_) co_return fail(Code::failed_precondition, "the snapshots in {} are not recovered yet", place_.folder);
  if (kept_ != nullptr && index <= kept_->id.index) {
    co_return fail(Code::failed_precondition, "a snapshot of entry {} is not begun: there is one of entry {}", index, kept_->id.index);
  }
  auto folder = std::make_shared<detail::SnapshotFolder>(place_, FolderName{index, ++*last_number_}.to_string());
  co_await io::or_return(io::run_blocking(place_.pool, [&folder] { return log::create_folders(folder->files(), folder->path()); }));
  co_return std::unique_ptr<SnapshotWriter>(std::make_unique<detail::DiskSnapshotWriter>(std::move(folder), index));
}

io::Task<Result<KeptSnapshot>> DiskSnapshotStore::finish(SnapshotWriter& writer, LogId id, std::shared_ptr<const Membership> members) {
  auto& ours = static_cast<detail::DiskSnapshotWriter&>(writer);
  if (id.index != ours.index()) {
    co_return fail(Code::invalid_argument, "the snapshot was begun for entry {}, it cannot be one of entry {}", ours.index(), id.index);
  }
  KeptSnapshot kept{.id = id, .members = std::move(members)};
  kept.files = co_await io::or_return(ours.finish());
  co_return kept;
}

void DiskSnapshotStore::set_newest(std::unique_ptr<SnapshotWriter> writer, KeptSnapshot kept) {
  take(static_cast<detail::DiskSnapshotWriter&>(*writer).place(), std::move(kept));
}

void DiskSnapshotStore::take(std::shared_ptr<detail::SnapshotFolder> folder, KeptSnapshot kept) {
  folder->keep(true);
  if (newest_ != nullptr) newest_->keep(false);
  newest_ = std::move(folder);
  kept_ = std::make_shared<const KeptSnapshot>(std::move(kept));
}

std::shared_ptr<SnapshotReader> DiskSnapshotStore::open_newest() {
  if (newest_ == nullptr) return nullptr;
  return std::make_shared<detail::DiskSnapshotReader>(newest_, kept_);
}

}  // namespace

Result<void> check_file_name(std::string_view name) {
  if (is_file_name(name)) return {};
  return fail(
      Code::invalid_argument,
      "'{}' cannot be the name of a snapshot's file: it must be relative, without '..', '.', backslashes and control letters, of at most {} bytes",
      name, kMostNameBytes);
}

std::string FileSum::to_string() const { return fmt::format("crc32c:{:08x}:{}", crc32c, size); }

std::optional<FileSum> FileSum::parse(std::string_view text) {
  constexpr std::string_view kKind = "crc32c:";
  if (!text.starts_with(kKind)) return std::nullopt;
  text.remove_prefix(kKind.size());
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  uint32_t crc = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + colon, crc, 16);
  const auto size = whole_number<uint64_t>(text.substr(colon + 1));
  if (wrong != std::errc() || end != text.data() + colon || !size) return std::nullopt;
  return FileSum{.crc32c = crc, .size = *size};
}

jraft::LocalSnapshotPbMeta local_meta_of(const KeptSnapshot& snapshot) {
  jraft::LocalSnapshotPbMeta all{.meta = meta_of(snapshot.id, snapshot.members != nullptr ? *snapshot.members : Membership())};
  for (const KeptFile& file : snapshot.files) {
    auto meta = jraft::decode<jraft::LocalFileMeta>(file.meta).value_or(jraft::LocalFileMeta());
    if (!meta.checksum) meta.checksum = FileSum{.crc32c = file.crc32c, .size = static_cast<uint64_t>(file.size)}.to_string();
    all.files.push_back({.name = file.name, .meta = std::move(meta)});
  }
  return all;
}

std::unique_ptr<SnapshotStore> SnapshotStore::make(log::FileSystem& files, std::string folder) {
  return std::make_unique<DiskSnapshotStore>(files, std::move(folder));
}

}  // namespace sofa::raft
