// sofa doctor

#include "sofa/tool/doctor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <thread>

#include "sofa/base/error.h"
#include "sofa/base/file.h"
#include "sofa/base/text.h"
#include "sofa/tool/commands.h"

namespace sofa::tool {

using namespace std::chrono_literals;

void describe(EnumDescription<Verdict>& d) { d.value("ok", Verdict::ok).value("warn", Verdict::warn).value("fail", Verdict::fail); }

void Finding::describe(Description<Finding>& d) {
  d.field("check", &Finding::check);
  d.field("verdict", &Finding::verdict);
  d.field("found", &Finding::found);
  d.field("advice", &Finding::advice);
}

std::vector<PlatformPort> platform_ports() {
  return {{9900, "admin API and console", "admin.port"}, {12200, "services of applications", "server.port"}};
}

Finding judge_port(const PlatformPort& port, std::optional<std::string> problem) {
  const std::string check = fmt::format("port {}", port.port);
  if (!problem) return {check, Verdict::ok, fmt::format("free, for {}", port.use)};
  return {check, Verdict::warn, fmt::format("{} ({})", *problem, port.use),
          fmt::format("if it is not the platform itself, stop what holds it ('ss -ltnp sport = :{}' names it), or set {}", port.port, port.key)};
}

Finding judge_open_files(uint64_t limit) {
  constexpr uint64_t kEnough = 65'536, kLeast = 4096;
  const Verdict verdict = limit >= kEnough ? Verdict::ok : limit >= kLeast ? Verdict::warn : Verdict::fail;
  Finding finding{"open files", verdict, fmt::format("{} descriptors", limit)};
  if (limit < kEnough) finding.advice = fmt::format("'ulimit -n {0}', or LimitNOFILE={0} in the systemd unit: each connection takes one", kEnough);
  return finding;
}

Finding judge_clock(bool synchronized, Duration step) {
  constexpr Duration kMost = 10ms;
  const auto milliseconds = std::chrono::duration<double, std::milli>(step).count();
  if (step > kMost || step < -kMost) {
    return {"clock", Verdict::fail, fmt::format("it moved by {:.0f} ms within 100 ms", milliseconds),
            "let chrony or systemd-timesyncd slew it in place of stepping it: leases and timeouts count on it"};
  }
  if (!synchronized) return {"clock", Verdict::warn, "not synchronized", "install chrony, or 'timedatectl set-ntp true'"};
  return {"clock", Verdict::ok, "synchronized"};
}

Finding judge_disk(const std::string& folder, Duration median) {
  const double milliseconds = std::chrono::duration<double, std::milli>(median).count();
  Finding finding{"disk", Verdict::ok, fmt::format("{:.2f} ms to sync 4 KiB in {}", milliseconds, folder)};
  if (median <= 5ms) return finding;
  finding.verdict = median <= 50ms ? Verdict::warn : Verdict::fail;
  finding.advice = "put the data on an SSD of its own: each commit waits for one sync";
  return finding;
}

Finding judge_somaxconn(const std::optional<std::string>& text) {
  constexpr uint64_t kEnough = 1024;
  const auto number = text ? whole_number(trimmed(*text, " \n")) : std::nullopt;
  if (!number) return {"somaxconn", Verdict::warn, "unknown", "'sysctl net.core.somaxconn' should be at least 1024"};
  if (*number >= kEnough) return {"somaxconn", Verdict::ok, fmt::format("{} connections may wait", *number)};
  return {"somaxconn", Verdict::warn, fmt::format("{} connections may wait", *number),
          "'sysctl -w net.core.somaxconn=4096': a burst of clients is refused"};
}

Finding judge_huge_pages(const std::optional<std::string>& text) {
  if (!text) return {"huge pages", Verdict::ok, "the kernel has no transparent ones"};
  if (!text->contains("[always]")) return {"huge pages", Verdict::ok, std::string(trimmed(*text, " \n"))};
  return {"huge pages", Verdict::warn, "always",
          "'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled': merging pages stalls threads and costs memory"};
}

namespace {

constexpr size_t kMostOfAFile = size_t{64} << 10;  // of the kernel's settings

std::optional<std::string> read_small(const char* path) {
  auto text = read_file(path, kMostOfAFile);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

/// Why nobody could listen there now; nothing when somebody could.
std::optional<std::string> taken(const std::string& host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return fmt::format("{} is no IPv4 address", host);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno_error(errno, "no socket can be made").to_string();
  const int yes = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);  // connections that linger from a former server do not count
  const int code = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(fd, 1) == 0 ? 0 : errno;
  close(fd);
  if (code == 0) return std::nullopt;
  return code == EADDRINUSE ? "taken" : errno_error(code, "not to be had").to_string();
}

uint64_t open_files() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

Duration since_boot_of(clockid_t id) {
  timespec at{};
  clock_gettime(id, &at);
  return std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec);
}

Finding examine_clock() {
  const auto distance = [] { return since_boot_of(CLOCK_REALTIME) - since_boot_of(CLOCK_MONOTONIC); };
  const Duration before = distance();
  std::this_thread::sleep_for(100ms);
  const Duration step = distance() - before;
  timex state{};
  const int code = adjtimex(&state);
  return judge_clock(code != -1 && code != TIME_ERROR && (state.status & STA_UNSYNC) == 0, step);
}

/// The median of some syncs, or what prevents them.
Result<Duration> sync_time(const std::string& folder) {
  std::string path = folder + "/.sofa-doctor-XXXXXX";
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) return std::unexpected<Error>(errno_error(errno, fmt::format("no file can be made in {}", folder)));
  unlink(path.c_str());
  const std::array<char, 4096> block{};
  std::vector<Duration> times;
  int code = 0;
  for (int i = 0; i < 15 && code == 0; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    if (write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()) || fdatasync(fd) != 0) code = errno == 0 ? EIO : errno;
    times.push_back(std::chrono::steady_clock::now() - begun);
  }
  close(fd);
  if (code != 0) return std::unexpected<Error>(errno_error(code, fmt::format("a file in {} cannot be written", folder)));
  std::ranges::nth_element(times, times.begin() + 7);
  return times[7];
}

Finding examine_disk(const std::string& folder) {
  const auto time = sync_time(folder);
  if (time) return judge_disk(folder, *time);
  return {"disk", Verdict::fail, time.error().to_string(), "make the folder, or let this user write there; --data names another one"};
}

}  // namespace

std::vector<Finding> examine(const std::string& folder, const std::string& host) {
  std::vector<Finding> all;
  for (const PlatformPort& port : platform_ports()) all.push_back(judge_port(port, taken(host, port.port)));
  all.push_back(judge_open_files(open_files()));
  all.push_back(examine_clock());
  all.push_back(examine_disk(folder));
  all.push_back(judge_somaxconn(read_small("/proc/sys/net/core/somaxconn")));
  all.push_back(judge_huge_pages(read_small("/sys/kernel/mm/transparent_hugepage/enabled")));
  return all;
}

namespace {

struct DoctorOptions : OutputFlags {
  std::string data = ".";
  std::string host = "127.0.0.1";
  static void describe(Description<DoctorOptions>& d) {
    d.inherit<OutputFlags>();
    d.field("data", &DoctorOptions::data).alias("d").doc("folder whose disk is tried");
    d.field("host", &DoctorOptions::host).doc("address whose ports are tried");
  }
};

Exit doctor(Arguments<DoctorOptions>& given, Terminal& terminal) {
  const std::vector<Finding> findings = examine(given.options.data, given.options.host);
  const auto colour = [](std::string_view column, std::string_view cell) -> std::optional<Colour> {
    if (column != "verdict") return std::nullopt;
    return cell == "ok" ? Colour::green : cell == "warn" ? Colour::yellow : Colour::red;
  };
  print_rows<Finding>(findings, given.options.output, terminal, {.columns = {"verdict", "check", "found", "advice"}, .colour = colour});
  return std::ranges::find(findings, Verdict::fail, &Finding::verdict) != findings.end() ? Exit::refused : Exit::ok;
}

constexpr std::string_view kAbout =
    R"(Looks at the machine as the platform will need it, and says what to mend: ports, open files, the clock, the time that a disk takes to sync, and settings
of the kernel. Ends with 1 when something would not work.

  sofa doctor --data /var/lib/sofa)";

}  // namespace

Command doctor_command() {
  return command<DoctorOptions, doctor>({.name = "doctor", .summary = "looks at the machine, and says what to mend", .about = kAbout});
}

}  // namespace sofa::tool
