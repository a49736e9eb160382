#include "journal.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace sofa::chaos {

namespace {

// System calls as they are: the functions of libc are interposed by this library.
int raw_open(const std::string& path, int flags) { return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path.c_str(), flags | O_CLOEXEC, 0644)); }
void raw_close(int fd) { ::syscall(SYS_close, fd); }

std::string parent_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

uint64_t inode_of(const std::string& path) {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

bool all_zero(std::span<const iovec> parts) {
  for (const iovec& part : parts) {
    const auto* bytes = static_cast<const uint8_t*>(part.iov_base);
    if (part.iov_len > 0 && (bytes[0] != 0 || std::memcmp(bytes, bytes + 1, part.iov_len - 1) != 0)) return false;
  }
  return true;
}

uint64_t length_of(std::span<const iovec> parts) {
  uint64_t sum = 0;
  for (const iovec& part : parts) sum += part.iov_len;
  return sum;
}

iovec part_of(const void* data, size_t size) { return {const_cast<void*>(data), size}; }

/// Reads by a descriptor of its own: the caller's may be for writing alone.
size_t read_back(int fd, uint64_t offset, std::span<uint8_t> out) {
  const int own = raw_open("/proc/self/fd/" + std::to_string(fd), O_RDONLY);
  size_t done = 0;
  for (ssize_t n = 1; n > 0 && done < out.size(); done += static_cast<size_t>(std::max<ssize_t>(n, 0)))
    n = ::pread(own, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
  raw_close(own);
  return done;
}

[[noreturn]] void give_up(const char* what) {
  static_cast<void>(::syscall(SYS_write, 2, what, std::strlen(what)));
  ::abort();
}

}  // namespace

std::mutex& Journal::mutex() {
  static std::mutex one;
  return one;
}

Journal::Journal(const std::string& folder) : folder_(folder) {
  fd_ = raw_open(folder_ + "/journal", O_RDWR | O_CREAT | O_APPEND);
  if (fd_ < 0) give_up("the journal of the power cut cannot be opened: make its folder first\n");
  load();
}

void Journal::load() {
  Header header;
  for (off_t at = 0; ::pread(fd_, &header, sizeof header, at) == static_cast<ssize_t>(sizeof header) && header.magic == kMagic;) {
    note(header);
    const bool bytes = header.kind == Kind::write && (header.flags & kZeros) == 0;
    at += static_cast<off_t>(sizeof header + header.path + header.second_path + header.old_bytes + (bytes ? header.length : 0));
  }
}

void Journal::note(const Header& header) {
  sequence_ = header.sequence;
  if ((header.flags & kKept) != 0) kept_.push_back(folder_ + "/kept-" + std::to_string(header.sequence));
  switch (header.kind) {
    case Kind::write:
    case Kind::resize:
      unsynced_[header.inode] = header.sequence;
      return;
    case Kind::synced:
      if (const auto found = unsynced_.find(header.inode); found != unsynced_.end() && found->second <= header.offset) unsynced_.erase(found);
      return;
    case Kind::sync_failed:
      doubtful_ = true;
      return;
    default:
      // What a file that goes had unsynced is of no more concern once its folder is synced.
      if (header.kind == Kind::unlink) unsynced_.erase(header.inode);
      unsynced_[header.folder] = header.sequence;
  }
}

void Journal::put(Header header, const Extra& extra) {
  header.magic = kMagic;
  header.path = static_cast<uint32_t>(extra.path.size());
  header.second_path = static_cast<uint32_t>(extra.second_path.size());
  header.old_bytes = static_cast<uint32_t>(extra.old_bytes.size());
  std::vector<iovec> parts{part_of(&header, sizeof header), part_of(extra.path.data(), extra.path.size()),
                           part_of(extra.second_path.data(), extra.second_path.size()), part_of(extra.old_bytes.data(), extra.old_bytes.size())};
  if ((header.flags & kZeros) == 0) parts.insert(parts.end(), extra.new_bytes.begin(), extra.new_bytes.end());
  const ssize_t written = ::syscall(SYS_writev, fd_, parts.data(), parts.size());
  if (written != static_cast<ssize_t>(length_of(parts))) give_up("the journal of the power cut cannot be written: is the disk full?\n");
  note(header);
}

void Journal::write(int fd, const struct stat& before, uint64_t offset, std::span<const iovec> parts) {
  Header header{.kind = Kind::write, .sequence = sequence_ + 1, .inode = before.st_ino, .offset = offset, .length = length_of(parts)};
  header.old_size = static_cast<uint64_t>(before.st_size);
  header.flags = all_zero(parts) ? kZeros : 0;
  old_.resize(offset < header.old_size ? std::min(header.length, header.old_size - offset) : 0);
  old_.resize(old_.empty() ? 0 : read_back(fd, offset, old_));
  put(header, {.old_bytes = old_, .new_bytes = parts});
}

void Journal::resize(int fd, const struct stat& before, uint64_t size) {
  Header header{.kind = Kind::resize, .sequence = sequence_ + 1, .inode = before.st_ino, .offset = size};
  header.old_size = static_cast<uint64_t>(before.st_size);
  old_.resize(size < header.old_size ? header.old_size - size : 0);
  old_.resize(old_.empty() ? 0 : read_back(fd, size, old_));
  put(header, {.old_bytes = old_});
}

uint32_t Journal::keep(const std::string& path) {
  const std::string name = folder_ + "/kept-" + std::to_string(sequence_ + 1);
  return ::syscall(SYS_linkat, AT_FDCWD, path.c_str(), AT_FDCWD, name.c_str(), 0) == 0 ? kKept : 0;
}

void Journal::created(const std::string& path) {
  put({.kind = Kind::create, .sequence = sequence_ + 1, .inode = inode_of(path), .folder = inode_of(parent_of(path))}, {.path = path});
}

void Journal::folder_made(const std::string& path) {
  put({.kind = Kind::make_folder, .sequence = sequence_ + 1, .inode = inode_of(path), .folder = inode_of(parent_of(path))}, {.path = path});
}

void Journal::unlinking(const std::string& path) {
  Header header{.kind = Kind::unlink, .sequence = sequence_ + 1, .inode = inode_of(path), .folder = inode_of(parent_of(path))};
  header.flags = keep(path);
  put(header, {.path = path});
}

void Journal::renaming(const std::string& from, const std::string& to) {
  Header header{.kind = Kind::rename, .sequence = sequence_ + 1, .inode = inode_of(from), .folder = inode_of(parent_of(to))};
  header.flags = inode_of(to) != 0 ? keep(to) : 0;
  put(header, {.path = from, .second_path = to});
}

void Journal::removing_folder(const std::string& path) {
  put({.kind = Kind::remove_folder, .sequence = sequence_ + 1, .inode = inode_of(path), .folder = inode_of(parent_of(path))}, {.path = path});
}

void Journal::synced(uint64_t inode, uint64_t through) {
  put({.kind = Kind::synced, .sequence = sequence_, .inode = inode, .offset = through}, {});
  if (unsynced_.empty() && !doubtful_) forget_all();
}

void Journal::sync_failed(uint64_t inode, uint64_t through) {
  put({.kind = Kind::sync_failed, .sequence = sequence_, .inode = inode, .offset = through}, {});
}

void Journal::forget_all() {
  ::syscall(SYS_ftruncate, fd_, 0);
  for (const std::string& path : kept_) ::syscall(SYS_unlink, path.c_str());
  kept_.clear();
}

Journal* journal() {
  static const char* const folder = std::getenv("SOFA_FAULTS_JOURNAL");
  static Journal* const one = folder == nullptr ? nullptr : new Journal(folder);
  return one;
}

}  // namespace sofa::chaos
