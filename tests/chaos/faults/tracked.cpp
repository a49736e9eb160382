#include "tracked.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace sofa::chaos {

namespace {

enum class Belongs : uint8_t { unknown, no, yes };
constexpr int kDescriptors = 65536;  // of a higher one the answer is looked up each time
std::array<std::atomic<Belongs>, kDescriptors> known;

const std::string& root() {
  static const char* const set = std::getenv("SOFA_FAULTS_ROOT");
  static const std::string* const path = new std::string(set == nullptr ? "" : set);
  return *path;
}

std::string path_of(int fd) {
  char target[PATH_MAX];
  const ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
  return {target, n > 0 ? static_cast<size_t>(n) : 0};
}

}  // namespace

bool in_data_folder(const std::string& path) {
  return !root().empty() && path.size() > root().size() && path.starts_with(root()) && path[root().size()] == '/';
}

bool tracked(int fd) {
  if (fd < 0 || root().empty()) return false;
  if (fd < kDescriptors && known[fd].load() != Belongs::unknown) return known[fd].load() == Belongs::yes;
  const std::string path = path_of(fd);
  const bool yes = path == root() || in_data_folder(path);
  if (fd < kDescriptors) known[fd].store(yes ? Belongs::yes : Belongs::no);
  return yes;
}

void forget(int fd) {
  if (fd >= 0 && fd < kDescriptors) known[fd].store(Belongs::unknown);
}

std::string absolute(int folder, const char* path) {
  if (path == nullptr || *path == '\0') return {};
  std::string whole = path;
  if (*path != '/') {
    char here[PATH_MAX];
    const std::string base = folder != AT_FDCWD ? path_of(folder) : ::getcwd(here, sizeof here) != nullptr ? here : "";
    whole = base + "/" + path;
  }
  while (whole.size() > 1 && whole.back() == '/') whole.pop_back();
  return whole;
}

}  // namespace sofa::chaos
