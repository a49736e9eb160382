#include "sofa/state/log/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace sofa::log {

namespace {

std::unexpected<Error> system_failure(std::string_view doing, const std::string& path) {
  const int saved = errno;
  return std::unexpected<Error>(errno_error(saved, fmt::format("Cannot {} {}", doing, path)));
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }

  Result<size_t> read_at(uint64_t offset, std::span<uint8_t> out) override {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_failure("read", path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }
  Result<size_t> write_at(uint64_t offset, ByteSpan bytes) override {
    ssize_t n;
    do n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    while (n < 0 && errno == EINTR);
    if (n < 0) return system_failure("write", path_);
    return static_cast<size_t>(n);
  }
  Result<void> sync() override {
    if (::fdatasync(fd_) != 0) return system_failure("sync", path_);
    return {};
  }
  void begin_sync(uint64_t offset, uint64_t size) override {
    ::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
  }
  Result<void> allocate(uint64_t size) override {
    const int error = ::posix_fallocate(fd_, 0, static_cast<off_t>(size));
    errno = error;
    if (error != 0) return system_failure("reserve space for", path_);
    return {};
  }
  Result<void> truncate(uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return system_failure("truncate", path_);
    return {};
  }
  Result<uint64_t> size() override {
    struct stat status;
    if (::fstat(fd_, &status) != 0) return system_failure("look at", path_);
    return static_cast<uint64_t>(status.st_size);
  }
  const std::string& path() const override { return path_; }

 private:
  int fd_;
  std::string path_;
};

class PosixLock final : public FolderLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}
  ~PosixLock() override { ::close(fd_); }

 private:
  int fd_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC | (mode == OpenMode::read ? O_RDONLY : O_RDWR);
    if (mode == OpenMode::create) flags |= O_CREAT | O_TRUNC;
    const int fd = ::open(path.c_str(), flags, 0644);
    if (fd < 0) return system_failure(mode == OpenMode::create ? "create" : "open", path);
    return std::make_unique<PosixFile>(fd, path);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_failure("rename", from);
    return {};
  }
  Result<void> unlink(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return system_failure("delete", path);
    return {};
  }
  Result<void> link(const std::string& from, const std::string& to) override {
    if (::link(from.c_str(), to.c_str()) != 0) return system_failure(fmt::format("link {} to", from), to);
    return {};
  }
  Result<PathKind> kind_of(const std::string& path) override {
    struct stat status;
    if (::lstat(path.c_str(), &status) == 0) return S_ISDIR(status.st_mode) ? PathKind::folder : PathKind::file;
    if (errno == ENOENT || errno == ENOTDIR) return PathKind::nothing;
    return system_failure("look at", path);
  }
  Result<void> sync_folder(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_failure("open folder", path);
    const int status = ::fsync(fd);
    const int saved = errno;
    ::close(fd);
    errno = saved;
    if (status != 0) return system_failure("sync folder", path);
    return {};
  }
  Result<bool> create_folder(const std::string& path) override {
    std::error_code error;
    const bool fresh = std::filesystem::create_directory(path, error);
    if (error) return std::unexpected<Error>(errno_error(error.value(), fmt::format("Cannot create folder {}", path)));
    return fresh;
  }
  Result<void> remove_folder(const std::string& path) override {
    if (::rmdir(path.c_str()) != 0) return system_failure("remove folder", path);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& path) override {
    std::error_code error;
    std::filesystem::directory_iterator entries(path, error);
    std::vector<std::string> names;
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) names.push_back(entries->path().filename());
    if (error) return std::unexpected<Error>(errno_error(error.value(), fmt::format("Cannot list folder {}", path)));
    std::sort(names.begin(), names.end());
    return names;
  }
  Result<std::unique_ptr<FolderLock>> lock(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return system_failure("create", path);
    auto lock = std::make_unique<PosixLock>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return in_use(fd, path);
    if (auto told = tell_holder(fd, path); !told) return forward_error(told);
    return lock;
  }

 private:
  /// Whose the lock is stands in it for whoever finds it taken. A full disk, which may have no room for that, keeps nobody from the lock.
  static Result<void> tell_holder(int fd, const std::string& path) {
    const std::string pid = fmt::format("{}\n", ::getpid());
    const ssize_t written = ::pwrite(fd, pid.data(), pid.size(), 0);
    if (written < 0) {
      auto failure = system_failure("write", path);
      if (!is_disk_full(failure.error())) return failure;
    }
    if (::ftruncate(fd, std::max<ssize_t>(written, 0)) != 0) return system_failure("write", path);
    return {};
  }
  static std::unexpected<Error> in_use(int fd, const std::string& path) {
    char text[32] = {};
    const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
    std::string holder(text, n > 0 ? static_cast<size_t>(n) : 0);
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return fail(Code::failed_precondition, "{} is held by another process (pid {}); stop that process or give this one a folder of its own", path,
                holder.empty() ? "unknown" : holder);
  }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem files;
  return files;
}

Result<void> write_all(File& file, uint64_t offset, ByteSpan bytes) {
  while (!bytes.empty()) {
    auto written = file.write_at(offset, bytes);
    if (!written) return forward_error(written);
    if (*written == 0) return fail(Code::unavailable, "Writing {} at offset {} made no progress", file.path(), offset);
    offset += *written;
    bytes = bytes.subspan(*written);
  }
  return {};
}

Result<void> write_all_early(File& file, uint64_t offset, ByteSpan bytes) {
  constexpr size_t kPiece = size_t{1} << 20;
  while (bytes.size() > kPiece) {
    if (auto done = write_all(file, offset, bytes.first(kPiece)); !done) return done;
    file.begin_sync(offset, kPiece);
    offset += kPiece;
    bytes = bytes.subspan(kPiece);
  }
  return write_all(file, offset, bytes);
}

Result<Bytes> read_all(File& file) {
  auto size = file.size();
  if (!size) return forward_error(size);
  Buffer buffer(*size + 1);
  auto read = file.read_at(0, {buffer.extend(*size), *size});
  if (!read) return forward_error(read);
  buffer.truncate(*read);
  return buffer.take();
}

namespace {

Result<void> create_each(FileSystem& files, const std::filesystem::path& whole) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : whole) {
    const std::filesystem::path parent = made;
    if (part.empty()) continue;
    made /= part;
    if (parent.empty()) continue;
    auto fresh = files.create_folder(made.string());
    if (!fresh) return forward_error(fresh);
    // A folder is on disk only when its parent knows it: else a power cut takes it away with all that is in it. So too for one that is there already:
    // whoever made it may have been killed before this. A parent that may not be opened is somebody else's affair.
    auto synced = files.sync_folder(parent.string());
    if (!synced && (*fresh || synced.error().code() != Code::permission_denied)) return synced;
  }
  return {};
}

}  // namespace

Result<void> create_folders(FileSystem& files, const std::string& path) {
  if (path.empty()) return fail(Code::invalid_argument, "There is no folder to make: its path is empty; name a folder");
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return std::unexpected<Error>(errno_error(error.value(), fmt::format("Cannot create folder {}", path)));
  auto made = create_each(files, whole);
  if (made) return made;
  return std::unexpected<Error>(
      std::move(made.error()).wrap(fmt::format("The folder {} cannot be made; let this user write the folder above it, or name another one", path)));
}

Result<void> remove_tree(FileSystem& files, const std::string& path) {
  auto kind = files.kind_of(path);
  if (!kind) return forward_error(kind);
  if (*kind == PathKind::nothing) return {};
  if (*kind == PathKind::file) return files.unlink(path);
  auto names = files.list(path);
  if (!names) return forward_error(names);
  for (const std::string& name : *names) {
    if (auto removed = remove_tree(files, path + "/" + name); !removed) return removed;
  }
  return files.remove_folder(path);
}

Result<void> replace_file(FileSystem& files, const std::string& folder, const std::string& name, std::initializer_list<ByteSpan> parts) {
  const std::string path = folder + "/" + name, temporary = path + ".tmp";
  auto file = files.open(temporary, OpenMode::create);
  if (!file) return forward_error(file);
  uint64_t offset = 0;
  for (const ByteSpan part : parts) {
    if (auto done = write_all(**file, offset, part); !done) return done;
    offset += part.size();
  }
  if (auto done = (*file)->sync(); !done) return done;
  if (auto done = files.rename(temporary, path); !done) return done;
  return files.sync_folder(folder);
}

}  // namespace sofa::log
