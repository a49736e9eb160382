#include "sofa/boot/run_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <tuple>

#include "sofa/admin/attach.h"
#include "sofa/base/file.h"
#include "sofa/base/json.h"

namespace sofa::boot {

void RunningProcess::describe(Description<RunningProcess>& d) {
  d.field("name", &RunningProcess::name).required();
  d.field("pid", &RunningProcess::pid).required();
  d.field("start_ticks", &RunningProcess::start_ticks);
  d.field("started_at", &RunningProcess::started_at);
  d.field("admin", &RunningProcess::admin);
  d.field("services", &RunningProcess::services);
}

std::string RunningProcess::id() const { return fmt::format("{}-{}", name, pid); }

namespace {

constexpr std::string_view kEnding = ".json";
constexpr size_t kMostBytes = size_t{16} << 10;  // of a file
constexpr size_t kMostName = 128;                // of an application, in the name of its file

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

/// Field 22 of proc(5), in ticks; nothing for a process that is not there.
std::optional<uint64_t> start_ticks_of(uint32_t pid) {
  const auto text = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  if (!text) return std::nullopt;
  const size_t after_name = text->rfind(')');
  if (after_name == std::string::npos) return std::nullopt;
  size_t at = after_name + 1;
  for (int field = 3; field <= 22 && at != std::string::npos; ++field) at = text->find(' ', at + (field > 3 ? 1 : 0));
  uint64_t ticks = 0;
  if (at == std::string::npos) return std::nullopt;
  std::from_chars(text->data() + at + 1, text->data() + text->size(), ticks);
  return ticks;
}

/// The pid of "bank-ledger-4711.json", or of the file that it is written as first; nothing for another file.
std::optional<uint32_t> pid_of(std::string_view file) {
  if (const size_t ending = file.find(kEnding); ending != std::string_view::npos) {
    const std::string_view stem = file.substr(0, ending);
    const size_t dash = stem.rfind('-');
    uint32_t pid = 0;
    if (dash == std::string_view::npos) return std::nullopt;
    const auto [end, failed] = std::from_chars(stem.data() + dash + 1, stem.data() + stem.size(), pid);
    if (failed == std::errc() && end == stem.data() + stem.size() && pid > 0) return pid;
  }
  return std::nullopt;
}

bool is_gone(uint32_t pid) { return ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH; }

std::string file_name(const RunningProcess& process) {
  std::string name = process.name.substr(0, kMostName);
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.') c = '_';
  }
  if (name.starts_with('.')) name.front() = '_';
  return fmt::format("{}-{}{}", name, process.pid, kEnding);
}

/// Opens the directory when what stands in it can be believed.
Result<Descriptor> open_directory(const std::string& path) {
  Descriptor opened(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (opened.get() < 0 && (errno == ELOOP || errno == ENOTDIR)) {
    return fail(Code::failed_precondition, "the run directory {} is a symbolic link or no directory; remove it, or name another one by SOFA_RUN_DIR",
                path);
  }
  if (opened.get() < 0) return std::unexpected(errno_error(errno, fmt::format("cannot open the run directory {}", path)));
  struct stat seen{};
  if (::fstat(opened.get(), &seen) != 0) return std::unexpected(errno_error(errno, fmt::format("cannot look at the run directory {}", path)));
  if (seen.st_uid != ::geteuid() && seen.st_uid != 0) {
    return fail(Code::failed_precondition, "the run directory {} belongs to uid {}, not to this user; remove it, or name another one by SOFA_RUN_DIR",
                path, seen.st_uid);
  }
  if ((seen.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(Code::failed_precondition, "the run directory {} has mode {:o}, so others may write to it; run 'chmod go-w {}'", path,
                seen.st_mode & 07777, path);
  }
  return opened;
}

/// What the directory holds, the entries of processes that are gone removed.
Result<std::vector<std::string>> living_files(const Descriptor& directory, const std::string& path) {
  const int again = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // a DIR takes its descriptor with it
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(again < 0 ? nullptr : ::fdopendir(again), ::closedir);
  if (listing == nullptr) return std::unexpected(errno_error(errno, fmt::format("cannot read the run directory {}", path)));
  std::vector<std::string> files;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string name = entry->d_name;
    const auto pid = pid_of(name);
    if (!pid) continue;
    if (is_gone(*pid)) {
      (void)::unlinkat(directory.get(), name.c_str(), 0);
    } else if (name.ends_with(kEnding) && files.size() < kMostProcesses) {
      files.push_back(name);
    }
  }
  return files;
}

/// The process that a file tells of; nothing when it is not there any more, or the file is none that could be believed.
std::optional<RunningProcess> read_process(const Descriptor& directory, const std::string& name) {
  const Descriptor file(::openat(directory.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat seen{};
  if (file.get() < 0 || ::fstat(file.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return std::nullopt;
  if (seen.st_uid != ::geteuid() && seen.st_uid != 0) return std::nullopt;
  std::string text(kMostBytes, '\0');
  const ssize_t size = ::read(file.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  text.resize(static_cast<size_t>(size));
  auto process = from_json<RunningProcess>(text, {.source = name, .ignore_unknown = true});
  if (!process || file_name(*process) != name) return std::nullopt;
  if (start_ticks_of(process->pid) == process->start_ticks) return *process;
  (void)::unlinkat(directory.get(), name.c_str(), 0);
  return std::nullopt;
}

Result<void> write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(file, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return std::unexpected(errno_error(errno, "cannot write"));
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

/// The file, whole or not at all.
Result<void> put_file(const Descriptor& directory, const std::string& name, std::string_view text) {
  const std::string first = name + ".new";
  (void)::unlinkat(directory.get(), first.c_str(), 0);  // of a former process with this pid
  const Descriptor file(::openat(directory.get(), first.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return std::unexpected(errno_error(errno, fmt::format("cannot make {}", name)));
  auto written = write_all(file.get(), text);
  if (written && ::renameat(directory.get(), first.c_str(), directory.get(), name.c_str()) != 0) {
    written = std::unexpected(errno_error(errno, fmt::format("cannot rename {}", first)));
  }
  if (!written) (void)::unlinkat(directory.get(), first.c_str(), 0);
  return written;
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? nullptr : value;
}

}  // namespace

RunningProcess this_running_process() {
  const admin::ProcessHello own = admin::this_process();
  return {.pid = own.pid, .start_ticks = start_ticks_of(own.pid).value_or(0), .started_at = own.started_at};
}

std::string run_directory() {
  if (const char* own = environment("SOFA_RUN_DIR")) return own;
  if (const char* of_login = environment("XDG_RUNTIME_DIR")) return fmt::format("{}/sofa", of_login);
  return ::geteuid() == 0 ? "/run/sofa" : fmt::format("/tmp/sofa-{}", ::geteuid());
}

Result<Announcement> Announcement::write(const std::string& directory, const RunningProcess& process) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return std::unexpected(errno_error(errno, fmt::format("cannot make the run directory {}", directory)));
  }
  auto opened = open_directory(directory);
  if (!opened) return forward_error(opened);
  if (auto swept = living_files(*opened, directory); !swept) return forward_error(swept);
  auto text = to_json(process);
  if (!text) return forward_error(text);
  const std::string name = file_name(process);
  if (auto put = put_file(*opened, name, *text + "\n"); !put) {
    return std::unexpected(std::move(put.error()).wrap(fmt::format("the run directory {} cannot be used", directory)));
  }
  return Announcement(fmt::format("{}/{}", directory, name));
}

Announcement::Announcement(Announcement&& other) noexcept : path_(std::exchange(other.path_, {})) {}

Announcement::~Announcement() {
  if (!path_.empty()) (void)::unlink(path_.c_str());
}

Result<std::vector<RunningProcess>> running_processes(const std::string& directory) {
  std::vector<RunningProcess> processes;
  if (::access(directory.c_str(), F_OK) != 0 && errno == ENOENT) return processes;
  auto opened = open_directory(directory);
  if (!opened) return forward_error(opened);
  auto files = living_files(*opened, directory);
  if (!files) return forward_error(files);
  for (const std::string& file : *files) {
    if (auto process = read_process(*opened, file)) processes.push_back(std::move(*process));
  }
  std::ranges::sort(processes, {}, [](const RunningProcess& process) { return std::tie(process.name, process.pid); });
  return processes;
}

Result<RunningProcess> find_process(const std::vector<RunningProcess>& processes, std::string_view name) {
  std::vector<const RunningProcess*> found;
  for (const RunningProcess& process : processes) {
    if (process.name == name || process.id() == name) found.push_back(&process);
  }
  if (found.empty()) return fail(Code::not_found, "no process \"{}\" runs here; 'sofa status' lists those that do", name);
  if (found.size() == 1) return *found.front();
  std::vector<std::string> ids;
  for (const RunningProcess* process : found) ids.push_back(process->id());
  return fail(Code::invalid_argument, "{} processes are named \"{}\": say which one of {}", found.size(), name, fmt::join(ids, ", "));
}

}  // namespace sofa::boot
