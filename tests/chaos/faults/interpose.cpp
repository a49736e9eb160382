// The functions of libc that stand between a program and its disk, clock and peers, for LD_PRELOAD: each does what libc's does, unless the control
// block (control.h) says otherwise, and tells the journal (journal.h) what a power cut could take away. It works for any dynamically linked
// program, Java's too. What it does not see: stdio's own calls, mmap, io_uring.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <span>

#include "control.h"
#include "journal.h"
#include "tracked.h"

namespace sofa::chaos {

namespace {

template <typename Function>
Function* libc_function(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// libc's function of the same name, looked up once.
#define NEXT(name)                                                                       \
  ([]() -> auto {                                                                        \
    static auto* const function = ::sofa::chaos::libc_function<decltype(::name)>(#name); \
    return function;                                                                     \
  }())

int failed(uint64_t error) {
  control().failed.fetch_add(1);
  errno = static_cast<int>(error);
  return -1;
}

void pause_for(uint64_t microseconds) {
  if (microseconds > 0) ::usleep(static_cast<useconds_t>(microseconds));
}

struct stat status_of(int fd) {
  struct stat status{};
  ::fstat(fd, &status);
  return status;
}

bool is_file(const std::string& path, struct stat& status) { return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode); }

/// Whether steps are counted or remembered, so that they must come one after the other.
bool ordered() { return journal() != nullptr || control().calls_until_kill.load() > 0; }

/// What a change does around the call: `tell` the journal, take a step, call, take another one; with the order kept where it matters.
template <typename Tell, typename Call>
auto change(Tell tell, Call call) {
  std::unique_lock lock(Journal::mutex(), std::defer_lock);
  if (ordered()) lock.lock();
  if (journal() != nullptr) tell(*journal());
  step();
  auto result = call();
  const int saved = errno;
  step();
  errno = saved;
  return result;
}

uint64_t length_of(std::span<const iovec> parts) {
  uint64_t sum = 0;
  for (const iovec& part : parts) sum += part.iov_len;
  return sum;
}

/// Where a write without an offset goes.
off_t place_of(int fd, const struct stat& status) { return (::fcntl(fd, F_GETFL) & O_APPEND) != 0 ? status.st_size : ::lseek(fd, 0, SEEK_CUR); }

template <typename Call>
ssize_t write_to(int fd, off_t offset, std::span<const iovec> parts, Call call) {
  if (!tracked(fd)) return call();
  Control& block = control();
  pause_for(block.write_delay_us.load());
  if (const uint64_t error = block.write_errno.load(); error != 0) return failed(error);
  const struct stat status = status_of(fd);
  if (offset < 0) offset = place_of(fd, status);
  if (block.disk_full.load() != 0 && offset + static_cast<off_t>(length_of(parts)) > status.st_size) return failed(ENOSPC);
  return change([&](Journal& journal) { journal.write(fd, status, static_cast<uint64_t>(offset), parts); }, call);
}

template <typename Call>
ssize_t write_bytes(int fd, const void* data, size_t size, off_t offset, Call call) {
  const iovec part{const_cast<void*>(data), size};
  return write_to(fd, offset, {&part, 1}, call);
}

template <typename Call>
int sync_of(int fd, Call call) {
  if (!tracked(fd)) return call();
  Control& block = control();
  pause_for(block.sync_delay_us.load());
  if (block.syncs_lie.load() != 0) return 0;
  const uint64_t inode = status_of(fd).st_ino;
  uint64_t through = 0;
  {
    const std::lock_guard lock(Journal::mutex());
    step();
    if (journal() != nullptr) through = journal()->last();
  }
  const uint64_t error = block.sync_errno.load();
  const int result = error != 0 ? failed(error) : call();
  const int saved = errno;
  const std::lock_guard lock(Journal::mutex());
  if (journal() != nullptr) result == 0 ? journal()->synced(inode, through) : journal()->sync_failed(inode, through);
  step();
  errno = saved;
  return result;
}

/// `size` is the size that the file gets; `call` gives an error number or -1, as libc's functions do.
template <typename Call>
int resize(int fd, uint64_t size, int full, Call call) {
  if (!tracked(fd)) return call();
  const struct stat status = status_of(fd);
  if (control().disk_full.load() != 0 && size > static_cast<uint64_t>(status.st_size)) {
    failed(ENOSPC);
    return full;
  }
  return change(
      [&](Journal& journal) {
        if (size != static_cast<uint64_t>(status.st_size)) journal.resize(fd, status, size);
      },
      call);
}

template <typename Call>
int allocate(int fd, off_t offset, off_t length, int full, Call call) {
  if (!tracked(fd)) return call();
  const auto end = static_cast<uint64_t>(offset + length), now = static_cast<uint64_t>(status_of(fd).st_size);
  return resize(fd, end > now ? end : now, full, call);
}

/// The journal hears of a new file after it is there, of one that is emptied before.
template <typename Call>
int open_at(int folder, const char* name, int flags, Call call) {
  const std::string path = (flags & (O_CREAT | O_TRUNC)) != 0 ? absolute(folder, name) : "";
  if (!in_data_folder(path)) {
    const int fd = call();
    forget(fd);
    return fd;
  }
  std::unique_lock lock(Journal::mutex(), std::defer_lock);
  if (ordered()) lock.lock();
  step();
  struct stat before{};
  const bool there = is_file(path, before);
  if (journal() != nullptr && there && (flags & O_TRUNC) != 0 && before.st_size > 0) {
    const int old = NEXT(open)(path.c_str(), O_RDONLY | O_CLOEXEC);
    journal()->resize(old, before, 0);
    NEXT(close)(old);
  }
  const int fd = call();
  const int saved = errno;
  forget(fd);
  if (journal() != nullptr && fd >= 0 && !there) journal()->created(path);
  step();
  errno = saved;
  return fd;
}

mode_t mode_of(int flags, va_list arguments) { return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0; }

template <typename Tell, typename Call>
int change_name(const std::string& path, Tell tell, Call call) {
  return in_data_folder(path) ? change(tell, call) : call();
}

/// A new name, of a folder or a second one of a file: the journal hears of it when it is there.
template <typename Tell, typename Call>
int make_name(int folder, const char* name, Tell tell, Call call) {
  const std::string path = absolute(folder, name);
  if (!in_data_folder(path)) return call();
  const std::lock_guard lock(Journal::mutex());
  step();
  const int result = call();
  const int saved = errno;
  if (result == 0 && journal() != nullptr) tell(*journal(), path);
  step();
  errno = saved;
  return result;
}

void tell_folder(Journal& journal, const std::string& path) { journal.folder_made(path); }
void tell_file(Journal& journal, const std::string& path) { journal.created(path); }

template <typename Call>
int unlink_at(int folder, const char* name, bool is_folder, Call call) {
  const std::string path = absolute(folder, name);
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode) != is_folder) return call();
  return change_name(path, [&](Journal& journal) { is_folder ? journal.removing_folder(path) : journal.unlinking(path); }, call);
}

template <typename Call>
int rename_at(int from_folder, const char* from, int to_folder, const char* to, Call call) {
  const std::string source = absolute(from_folder, from), target = absolute(to_folder, to);
  struct stat status{};
  if (::lstat(source.c_str(), &status) != 0) return call();
  return change_name(target, [&](Journal& journal) { journal.renaming(source, target); }, call);
}

void shift(timespec& time) {
  constexpr int64_t kSecond = 1'000'000'000;
  const int64_t offset = control().clock_offset_ns.load();
  if (offset == 0) return;
  const int64_t nanoseconds = time.tv_nsec + offset % kSecond;
  const int64_t carry = nanoseconds < 0 ? -1 : nanoseconds / kSecond;
  time.tv_sec += offset / kSecond + carry;
  time.tv_nsec = nanoseconds - carry * kSecond;
}

}  // namespace

}  // namespace sofa::chaos

// NOLINTBEGIN(bugprone-reserved-identifier): libc's names, with libc's signatures.
namespace chaos = sofa::chaos;

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
  return chaos::write_bytes(fd, data, size, -1, [&] { return NEXT(write)(fd, data, size); });
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  return chaos::write_bytes(fd, data, size, offset, [&] { return NEXT(pwrite)(fd, data, size, offset); });
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) { return pwrite(fd, data, size, offset); }
ssize_t writev(int fd, const iovec* parts, int count) {
  return chaos::write_to(fd, -1, {parts, static_cast<size_t>(count)}, [&] { return NEXT(writev)(fd, parts, count); });
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  return chaos::write_to(fd, offset, {parts, static_cast<size_t>(count)}, [&] { return NEXT(pwritev)(fd, parts, count, offset); });
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) { return pwritev(fd, parts, count, offset); }

int fsync(int fd) {
  return chaos::sync_of(fd, [&] { return NEXT(fsync)(fd); });
}
int fdatasync(int fd) {
  return chaos::sync_of(fd, [&] { return NEXT(fdatasync)(fd); });
}

int ftruncate(int fd, off_t size) noexcept {
  return chaos::resize(fd, static_cast<uint64_t>(size), -1, [&] { return NEXT(ftruncate)(fd, size); });
}
int ftruncate64(int fd, off64_t size) noexcept { return ftruncate(fd, size); }
int posix_fallocate(int fd, off_t offset, off_t length) {
  return chaos::allocate(fd, offset, length, ENOSPC, [&] { return NEXT(posix_fallocate)(fd, offset, length); });
}
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }
int fallocate(int fd, int mode, off_t offset, off_t length) {
  // Only the plain mode makes a file longer; none of the others is used on a log.
  if (mode != 0) return NEXT(fallocate)(fd, mode, offset, length);
  return chaos::allocate(fd, offset, length, -1, [&] { return NEXT(fallocate)(fd, mode, offset, length); });
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = chaos::mode_of(flags, arguments);
  va_end(arguments);
  return chaos::open_at(folder, path, flags, [&] { return NEXT(openat)(folder, path, flags, mode); });
}
int openat64(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = chaos::mode_of(flags, arguments);
  va_end(arguments);
  return openat(folder, path, flags, mode);
}
int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = chaos::mode_of(flags, arguments);
  va_end(arguments);
  return openat(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = chaos::mode_of(flags, arguments);
  va_end(arguments);
  return openat(AT_FDCWD, path, flags, mode);
}
int creat(const char* path, mode_t mode) { return openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char* path, mode_t mode) { return creat(path, mode); }
int close(int fd) {
  chaos::forget(fd);
  return NEXT(close)(fd);
}

int mkdir(const char* path, mode_t mode) noexcept {
  return chaos::make_name(AT_FDCWD, path, chaos::tell_folder, [&] { return NEXT(mkdir)(path, mode); });
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
  return chaos::make_name(folder, path, chaos::tell_folder, [&] { return NEXT(mkdirat)(folder, path, mode); });
}
int link(const char* from, const char* to) noexcept {
  return chaos::make_name(AT_FDCWD, to, chaos::tell_file, [&] { return NEXT(link)(from, to); });
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return chaos::make_name(to_folder, to, chaos::tell_file, [&] { return NEXT(linkat)(from_folder, from, to_folder, to, flags); });
}
int rmdir(const char* path) noexcept {
  return chaos::unlink_at(AT_FDCWD, path, true, [&] { return NEXT(rmdir)(path); });
}
int unlink(const char* path) noexcept {
  return chaos::unlink_at(AT_FDCWD, path, false, [&] { return NEXT(unlink)(path); });
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return chaos::unlink_at(folder, path, (flags & AT_REMOVEDIR) != 0, [&] { return NEXT(unlinkat)(folder, path, flags); });
}
int remove(const char* path) noexcept {
  struct stat status;
  return ::lstat(path, &status) == 0 && S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path);
}
int rename(const char* from, const char* to) noexcept {
  return chaos::rename_at(AT_FDCWD, from, AT_FDCWD, to, [&] { return NEXT(rename)(from, to); });
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return chaos::rename_at(from_folder, from, to_folder, to, [&] { return NEXT(renameat)(from_folder, from, to_folder, to); });
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const int result = NEXT(clock_gettime)(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) chaos::shift(*time);
  return result;
}
int gettimeofday(timeval* time, void*) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}
time_t time(time_t* out) noexcept {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
