#pragma once
// The run directory: where the applications of a user on this machine say that they run, so that `sofa status` finds them without a platform.
//
// It is $SOFA_RUN_DIR, else $XDG_RUNTIME_DIR/sofa, else /run/sofa for root, else /tmp/sofa-UID, made with mode 0700 when it is missing. One that
// belongs to somebody else, that others may write to, or that is a symbolic link is refused, since others could name processes in it. Each
// application has a file NAME-PID.json, written whole before it says that it is ready and removed when it has stopped. Those of processes that are
// gone are removed by whoever writes or reads next. All of it blocks.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace sofa::boot {

/// What an application says of itself.
struct RunningProcess {
  std::string name{};
  uint32_t pid = 0;
  uint64_t start_ticks = 0;  ///< when the process began, as /proc/PID/stat says it: a pid that is used again is another process
  int64_t started_at = 0;    ///< ms since 1970
  std::string admin{};       ///< HOST:PORT of its admin port
  std::string services{};    ///< HOST:PORT of its services; empty: it has none
  static void describe(Description<RunningProcess>& d);
  /// "bank-ledger-4711", as a platform names it, too.
  std::string id() const;
};

/// This process, without name and addresses.
RunningProcess this_running_process();

/// Of this user and environment. Does not make it.
std::string run_directory();

/// The file of this process; removed with the object.
class Announcement {
 public:
  /// failed_precondition when the directory may not be believed, else by errno.
  static Result<Announcement> write(const std::string& directory, const RunningProcess& process);
  Announcement(Announcement&& other) noexcept;
  Announcement& operator=(Announcement&&) = delete;
  ~Announcement();

 private:
  explicit Announcement(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// Those that run, by name and pid; none when there is no such directory. At most kMostProcesses.
Result<std::vector<RunningProcess>> running_processes(const std::string& directory);
inline constexpr size_t kMostProcesses = 4'096;

/// The one that `name` means: a name, or an id. not_found, and invalid_argument when there are several, whose ids it tells.
Result<RunningProcess> find_process(const std::vector<RunningProcess>& processes, std::string_view name);

}  // namespace sofa::boot
