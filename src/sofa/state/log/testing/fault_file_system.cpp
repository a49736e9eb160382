#include "sofa/state/log/testing/fault_file_system.h"

#include <cerrno>

namespace sofa::log::testing {

namespace {
constexpr size_t kPage = 4096;
constexpr size_t kSector = 512;

std::unexpected<Error> failure(int error, std::string_view doing, const std::string& path) {
  return std::unexpected<Error>(errno_error(error, fmt::format("Cannot {} {}", doing, path)));
}
std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}
}  // namespace

class FaultFile final : public File {
 public:
  FaultFile(FaultFileSystem& files, std::shared_ptr<FaultFileSystem::Inode> inode, std::string path)
      : files_(files), inode_(std::move(inode)), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, std::span<uint8_t> out) override {
    std::lock_guard hold(files_.mutex_);
    if (auto done = files_.plain_call("read", path_, false); !done) return forward_error(done);
    const auto& bytes = inode_->cache;
    if (offset >= bytes.size()) return size_t{0};
    const size_t n = std::min<size_t>(out.size(), bytes.size() - offset);
    if (n > 0) std::memcpy(out.data(), bytes.data() + offset, n);
    return n;
  }
  Result<size_t> write_at(uint64_t offset, ByteSpan bytes) override {
    std::lock_guard hold(files_.mutex_);
    return files_.write(*inode_, path_, offset, bytes);
  }
  Result<void> sync() override {
    std::lock_guard hold(files_.mutex_);
    return files_.sync(*inode_, path_);
  }
  Result<void> allocate(uint64_t size) override {
    std::lock_guard hold(files_.mutex_);
    if (auto done = files_.plain_call("reserve space for", path_, true); !done) return done;
    if (inode_->cache.size() < size) inode_->cache.resize(size);
    return {};
  }
  Result<void> truncate(uint64_t size) override {
    std::lock_guard hold(files_.mutex_);
    if (auto done = files_.plain_call("truncate", path_, false); !done) return done;
    inode_->cache.resize(size);
    return {};
  }
  Result<uint64_t> size() override {
    std::lock_guard hold(files_.mutex_);
    return uint64_t{inode_->cache.size()};
  }
  const std::string& path() const override { return path_; }

 private:
  FaultFileSystem& files_;
  std::shared_ptr<FaultFileSystem::Inode> inode_;
  std::string path_;
};

class FaultLock final : public FolderLock {
 public:
  FaultLock(FaultFileSystem& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~FaultLock() override {
    std::lock_guard hold(files_.mutex_);
    files_.locked_.erase(path_);
  }

 private:
  FaultFileSystem& files_;
  std::string path_;
};

void FaultFileSystem::plan(uint64_t call, Fault fault) {
  std::lock_guard hold(mutex_);
  plan_[call] = fault;
}
void FaultFileSystem::fail_next(std::string doing, std::string part) {
  std::lock_guard hold(mutex_);
  failing_ = {std::move(doing), std::move(part)};
}
uint64_t FaultFileSystem::calls() const {
  std::lock_guard hold(mutex_);
  return calls_;
}
uint64_t FaultFileSystem::syncs() const {
  std::lock_guard hold(mutex_);
  return syncs_;
}
void FaultFileSystem::free_space() {
  std::lock_guard hold(mutex_);
  full_ = false;
}
void FaultFileSystem::fill_up() {
  std::lock_guard hold(mutex_);
  full_ = true;
}
bool FaultFileSystem::stopped() const {
  std::lock_guard hold(mutex_);
  return stopped_;
}

void FaultFileSystem::judge_by(std::function<Fault(std::string_view, const std::string&, size_t)> judge) {
  std::lock_guard hold(mutex_);
  judge_ = std::move(judge);
}

Fault FaultFileSystem::next_call(std::string_view doing, const std::string& path, size_t bytes) {
  ++calls_;
  if (failing_.first == doing && path.find(failing_.second) != std::string::npos) {
    failing_ = {};
    return Fault::io_error;
  }
  auto planned = plan_.find(calls_);
  if (planned == plan_.end()) return judge_ ? judge_(doing, path, bytes) : Fault::none;
  if (planned->second == Fault::no_space) full_ = true;
  return planned->second;
}

Result<void> FaultFileSystem::plain_call(std::string_view doing, const std::string& path, bool needs_space) {
  if (stopped_) return failure(EIO, doing, path);
  const Fault fault = next_call(doing, path);
  if (fault == Fault::power_cut) {
    stopped_ = true;
    return failure(EIO, doing, path);
  }
  if (fault == Fault::io_error || fault == Fault::torn_write) return failure(EIO, doing, path);
  if (full_ && needs_space) return failure(ENOSPC, doing, path);
  return {};
}

void FaultFileSystem::write_cache(Inode& inode, uint64_t offset, ByteSpan bytes, bool lost) {
  if (bytes.empty()) return;
  if (inode.cache.size() < offset + bytes.size()) inode.cache.resize(offset + bytes.size());
  for (size_t page = offset / kPage; !lost && page <= (offset + bytes.size() - 1) / kPage; ++page) {
    if (inode.dirty.insert(page).second) continue;
    const size_t begin = page * kPage, end = std::min(begin + kPage, inode.cache.size());
    inode.older[page].assign(inode.cache.data() + begin, inode.cache.data() + end);
  }
  std::memcpy(inode.cache.data() + offset, bytes.data(), bytes.size());
}

/// Onto the disk, at another page of the file.
void FaultFileSystem::misdirect(Inode& inode, uint64_t offset, ByteSpan bytes) {
  const size_t pages = inode.disk.size() / kPage;
  if (pages < 2) return;
  const size_t at = (offset + kPage * (1 + random_() % (pages - 1))) % (pages * kPage);
  const size_t n = std::min(bytes.size(), inode.disk.size() - at);
  std::memcpy(inode.disk.data() + at, bytes.data(), n);
}

Result<size_t> FaultFileSystem::write(Inode& inode, const std::string& path, uint64_t offset, ByteSpan bytes) {
  if (stopped_) return failure(EIO, "write", path);
  const Fault fault = next_call("write", path, bytes.size());
  const size_t part = bytes.empty() ? 0 : random_() % bytes.size();
  switch (fault) {
    case Fault::io_error:
      return failure(EIO, "write", path);
    case Fault::torn_write:
    case Fault::power_cut:
      stopped_ = fault == Fault::power_cut;
      write_cache(inode, offset, bytes.first(part));
      return failure(EIO, "write", path);
    case Fault::short_write:
      write_cache(inode, offset, bytes.first((bytes.size() + 1) / 2));
      return (bytes.size() + 1) / 2;
    case Fault::no_space:
      write_cache(inode, offset, bytes.first(part));
      return failure(ENOSPC, "write", path);
    case Fault::lost_write:
    case Fault::misdirected:
      if (fault == Fault::misdirected) misdirect(inode, offset, bytes);
      write_cache(inode, offset, bytes, true);
      return bytes.size();
    case Fault::none:
      break;
  }
  if (full_ && offset + bytes.size() > inode.cache.size()) return failure(ENOSPC, "write", path);
  write_cache(inode, offset, bytes);
  return bytes.size();
}

Result<void> FaultFileSystem::sync(Inode& inode, const std::string& path) {
  if (stopped_) return failure(EIO, "sync", path);
  const Fault fault = next_call("sync", path);
  if (fault == Fault::io_error || fault == Fault::torn_write) {
    inode.dirty.clear();
    inode.older.clear();
    return failure(EIO, "sync", path);
  }
  // A power cut inside of a sync: the pages are in any state, which after_power_cut decides.
  if (fault == Fault::power_cut) {
    stopped_ = true;
    return failure(EIO, "sync", path);
  }
  ++syncs_;
  inode.disk.resize(inode.cache.size());
  for (size_t page : inode.dirty) {
    const size_t begin = page * kPage;
    if (begin >= inode.cache.size()) continue;
    std::memcpy(inode.disk.data() + begin, inode.cache.data() + begin, std::min(kPage, inode.cache.size() - begin));
  }
  inode.dirty.clear();
  inode.older.clear();
  return {};
}

Result<std::unique_ptr<File>> FaultFileSystem::open(const std::string& path, OpenMode mode) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("open", path, mode == OpenMode::create); !done) return forward_error(done);
  auto found = names_.find(path);
  if (found == names_.end() && mode != OpenMode::create) return failure(ENOENT, "open", path);
  if (mode == OpenMode::create) {
    if (!has_folder(parent_of(path))) return failure(ENOENT, "open", path);
    // A file that is emptied becomes a new one: the old pages stay what they were until the folder is synced.
    change({parent_of(path), {{path, std::make_shared<Inode>()}}});
    found = names_.find(path);
  }
  return std::make_unique<FaultFile>(*this, found->second, path);
}

Result<void> FaultFileSystem::rename(const std::string& from, const std::string& to) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("rename", from, false); !done) return done;
  auto found = names_.find(from);
  if (found == names_.end()) return failure(ENOENT, "rename", from);
  change({parent_of(from), {{to, found->second}, {from, nullptr}}});
  return {};
}

Result<void> FaultFileSystem::unlink(const std::string& path) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("delete", path, false); !done) return done;
  if (!names_.contains(path)) return failure(ENOENT, "delete", path);
  change({parent_of(path), {{path, nullptr}}});
  return {};
}

Result<void> FaultFileSystem::link(const std::string& from, const std::string& to) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("link", to, true); !done) return done;
  auto found = names_.find(from);
  if (found == names_.end() || !has_folder(parent_of(to))) return failure(ENOENT, "link", to);
  if (names_.contains(to)) return failure(EEXIST, "link", to);
  change({parent_of(to), {{to, found->second}}});
  return {};
}

Result<PathKind> FaultFileSystem::kind_of(const std::string& path) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("look at", path, false); !done) return forward_error(done);
  if (has_folder(path)) return PathKind::folder;
  return names_.contains(path) ? PathKind::file : PathKind::nothing;
}

Result<void> FaultFileSystem::remove_folder(const std::string& path) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("remove folder", path, false); !done) return done;
  if (!has_folder(path)) return failure(ENOENT, "remove folder", path);
  const auto inside = names_.upper_bound(path + "/");
  if (inside != names_.end() && parent_of(inside->first) == path) return failure(ENOTEMPTY, "remove folder", path);
  change({parent_of(path), {{path, nullptr}}});
  return {};
}

Result<void> FaultFileSystem::sync_folder(const std::string& path) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("sync folder", path, false); !done) return done;
  if (!has_folder(path)) return failure(ENOENT, "sync folder", path);
  std::erase_if(unsynced_, [&](const Change& change) {
    if (change.folder != path) return false;
    apply(change, names_on_disk_);
    return true;
  });
  return {};
}

Result<bool> FaultFileSystem::create_folder(const std::string& path) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("create folder", path, true); !done) return forward_error(done);
  if (has_folder(path)) return false;
  if (!has_folder(parent_of(path))) return failure(ENOENT, "create folder", path);
  auto folder = std::make_shared<Inode>();
  folder->folder = true;
  change({parent_of(path), {{path, std::move(folder)}}});
  return true;
}

bool FaultFileSystem::has_folder(const std::string& path) const {
  auto found = names_.find(path);
  return path == "/" || (found != names_.end() && found->second->folder);
}

void FaultFileSystem::apply(const Change& change, Names& names) {
  for (const auto& [name, inode] : change.names) {
    if (inode == nullptr) {
      names.erase(name);
      // What was in a folder goes with it, also what the disk has not heard to be gone.
      names.erase(names.lower_bound(name + "/"), names.lower_bound(name + "0"));  // '0' is the letter behind '/'
    } else {
      names[name] = inode;
    }
  }
}

void FaultFileSystem::change(Change change) {
  apply(change, names_);
  unsynced_.push_back(std::move(change));
}

Result<std::vector<std::string>> FaultFileSystem::list(const std::string& path) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("list folder", path, false); !done) return forward_error(done);
  std::vector<std::string> names;
  for (const auto& [name, inode] : names_) {
    if (parent_of(name) == path) names.push_back(name.substr(path.size() + 1));
  }
  return names;
}

Result<std::unique_ptr<FolderLock>> FaultFileSystem::lock(const std::string& path) {
  std::lock_guard hold(mutex_);
  if (auto done = plain_call("lock", path, false); !done) return forward_error(done);
  if (!locked_.insert(path).second) return fail(Code::failed_precondition, "{} is held by another process (pid 1)", path);
  return std::make_unique<FaultLock>(*this, path);
}

FaultFileSystem::Names FaultFileSystem::names_after_power_cut(Survival survival, std::mt19937_64& random) const {
  Names names = names_on_disk_;
  std::map<std::string, size_t> kept;  // changes of each folder
  for (const Change& change : unsynced_) ++kept[change.folder];
  for (auto& [folder, count] : kept) {
    if (survival == Survival::lost) count = 0;
    if (survival >= Survival::torn) count = random() % (count + 1);
  }
  for (const Change& change : unsynced_) {
    size_t& left = kept[change.folder];
    if (left == 0) continue;
    --left;
    apply(change, names);
  }
  // What is in a folder goes with it; a folder's name stands before the names in it.
  Names reachable;
  for (const auto& [name, inode] : names) {
    if (parent_of(name) == "/" || reachable.contains(parent_of(name))) reachable.emplace(name, inode);
  }
  return reachable;
}

void FaultFileSystem::cut_power(Inode& inode, Survival survival, std::mt19937_64& random) {
  const auto half = [&] { return random() % 2 == 0; };
  std::vector<uint8_t> found = inode.disk;
  if (inode.cache.size() != found.size() && (survival == Survival::kept || (survival >= Survival::torn && half()))) found.resize(inode.cache.size());
  const auto keep = [&](size_t begin, const uint8_t* bytes, size_t n) {
    if (found.size() < begin + n) found.resize(begin + n);
    std::memcpy(found.data() + begin, bytes, n);
  };
  for (const size_t page : inode.dirty) {
    const size_t begin = page * kPage, end = std::min(begin + kPage, inode.cache.size());
    if (begin >= end) continue;
    Survival of_page = survival == Survival::mixed ? static_cast<Survival>(random() % 4) : survival;
    const auto older = inode.older.find(page);
    if (of_page == Survival::mixed && older == inode.older.end()) of_page = Survival::torn;
    if (of_page == Survival::kept) keep(begin, inode.cache.data() + begin, end - begin);
    if (of_page == Survival::mixed) keep(begin, older->second.data(), std::min(older->second.size(), end - begin));
    for (size_t sector = begin; of_page == Survival::torn && sector < end; sector += kSector) {
      if (half()) keep(sector, inode.cache.data() + sector, std::min(kSector, end - sector));
    }
  }
  inode.cache = inode.disk = std::move(found);
  inode.dirty.clear();
  inode.older.clear();
}

void FaultFileSystem::cut_power(Survival survival, uint64_t seed) {
  std::lock_guard hold(mutex_);
  std::mt19937_64 random(seed);
  names_ = names_after_power_cut(survival, random);
  for (auto& [name, inode] : names_) cut_power(*inode, survival, random);
  names_on_disk_ = names_;
  unsynced_.clear();
  locked_.clear();
  plan_.clear();
  stopped_ = false;
}

std::unique_ptr<FaultFileSystem> FaultFileSystem::after_power_cut(Survival survival, uint64_t seed) const {
  auto found = after_kill();
  found->random_.seed(seed);
  found->cut_power(survival, seed);
  return found;
}

std::unique_ptr<FaultFileSystem> FaultFileSystem::after_kill() const {
  std::lock_guard hold(mutex_);
  auto found = std::make_unique<FaultFileSystem>();
  std::map<const Inode*, std::shared_ptr<Inode>> copies;
  auto copy = [&](const std::shared_ptr<Inode>& inode) {
    if (inode == nullptr) return inode;
    auto& known = copies[inode.get()];
    if (known == nullptr) known = std::make_shared<Inode>(*inode);
    return known;
  };
  for (const auto& [name, inode] : names_) found->names_[name] = copy(inode);
  for (const auto& [name, inode] : names_on_disk_) found->names_on_disk_[name] = copy(inode);
  found->unsynced_ = unsynced_;
  for (Change& change : found->unsynced_) {
    for (auto& [name, inode] : change.names) inode = copy(inode);
  }
  return found;
}

void FaultFileSystem::flip_bit(const std::string& path, uint64_t offset, int bit) {
  std::lock_guard hold(mutex_);
  auto& inode = *names_.at(path);
  inode.cache.at(offset) ^= static_cast<uint8_t>(1 << bit);
  inode.disk = inode.cache;
}

std::vector<uint8_t> FaultFileSystem::contents(const std::string& path) const {
  std::lock_guard hold(mutex_);
  auto found = names_.find(path);
  return found == names_.end() ? std::vector<uint8_t>{} : found->second->cache;
}

void FaultFileSystem::put(const std::string& path, std::vector<uint8_t> bytes) {
  std::lock_guard hold(mutex_);
  auto put_durably = [&](const std::string& name, std::shared_ptr<Inode> inode) { names_[name] = names_on_disk_[name] = std::move(inode); };
  for (std::string folder = parent_of(path); folder != "/"; folder = parent_of(folder)) {
    if (!has_folder(folder)) put_durably(folder, std::make_shared<Inode>(Inode{{}, {}, {}, {}, true}));
  }
  put_durably(path, std::make_shared<Inode>(Inode{bytes, bytes, {}, {}, false}));
}

std::vector<std::pair<std::string, uint64_t>> FaultFileSystem::files() const {
  std::lock_guard hold(mutex_);
  std::vector<std::pair<std::string, uint64_t>> files;
  for (const auto& [name, inode] : names_) {
    if (!inode->folder) files.emplace_back(name, inode->cache.size());
  }
  return files;
}

void FaultFileSystem::wipe() {
  std::lock_guard hold(mutex_);
  names_.clear();
  names_on_disk_.clear();
  unsynced_.clear();
  locked_.clear();
  full_ = stopped_ = false;
}

}  // namespace sofa::log::testing
