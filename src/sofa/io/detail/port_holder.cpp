#include "sofa/io/detail/port_holder.h"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace sofa::io::detail {

namespace {
struct FileCloser {
  void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, FileCloser>;
struct FolderCloser {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, FolderCloser>;
using Inodes = std::set<unsigned long>;

constexpr unsigned kListen = 0x0A;  // TCP_LISTEN in /proc/net/tcp

void add_tcp_inodes(const std::string& table, uint16_t port, Inodes& inodes) {
  const File file(std::fopen(table.c_str(), "re"));
  if (!file) return;
  std::array<char, 512> line;
  while (std::fgets(line.data(), line.size(), file.get()) != nullptr) {
    unsigned local_port = 0;
    unsigned state = 0;
    unsigned long inode = 0;
    const int found =
        std::sscanf(line.data(), " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu", &local_port, &state, &inode);
    if (found == 3 && local_port == port && state == kListen) inodes.insert(inode);
  }
}

void add_unix_inodes(const std::string& table, const std::string& path, Inodes& inodes) {
  const File file(std::fopen(table.c_str(), "re"));
  if (!file) return;
  std::array<char, 512> line;
  while (std::fgets(line.data(), line.size(), file.get()) != nullptr) {
    unsigned long inode = 0;
    std::array<char, 256> name{};
    const int found = std::sscanf(line.data(), "%*[^:]: %*x %*x %*x %*x %*x %lu %255s", &inode, name.data());
    if (found == 2 && path == name.data()) inodes.insert(inode);
  }
}

bool holds_one_of(const std::string& process, const Inodes& inodes) {
  const std::string base = process + "/fd";
  const Folder folder(::opendir(base.c_str()));
  if (!folder) return false;
  while (const dirent* entry = ::readdir(folder.get())) {
    std::array<char, 64> target{};
    const ssize_t length = ::readlink((base + "/" + entry->d_name).c_str(), target.data(), target.size() - 1);
    unsigned long inode = 0;
    if (length > 0 && std::sscanf(target.data(), "socket:[%lu]", &inode) == 1 && inodes.contains(inode)) return true;
  }
  return false;
}

std::string name_of(const std::string& process) {
  const File file(std::fopen((process + "/comm").c_str(), "re"));
  std::array<char, 64> name{};
  if (!file || std::fgets(name.data(), name.size(), file.get()) == nullptr) return "?";
  std::string text(name.data());
  if (text.ends_with('\n')) text.pop_back();
  return text;
}
}  // namespace

std::string describe_holder(const Address& address, const std::string& proc) {
  Inodes inodes;
  if (address.is_unix()) {
    add_unix_inodes(proc + "/net/unix", address.host(), inodes);
  } else {
    add_tcp_inodes(proc + "/net/tcp", address.port(), inodes);
    add_tcp_inodes(proc + "/net/tcp6", address.port(), inodes);
  }
  const Folder processes(inodes.empty() ? nullptr : ::opendir(proc.c_str()));
  while (processes) {
    const dirent* entry = ::readdir(processes.get());
    if (entry == nullptr) break;
    const std::string pid = entry->d_name;
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::string process = fmt::format("{}/{}", proc, pid);
    if (holds_one_of(process, inodes)) return fmt::format("pid {} ({})", pid, name_of(process));
  }
  return "a process that cannot be seen from here";
}

}  // namespace sofa::io::detail
