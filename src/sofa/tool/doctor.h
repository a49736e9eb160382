#pragma once
// What `sofa doctor` looks at, and what it thinks of what it finds. The judging is pure; the looking reads /proc, /sys and the folder that is named.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/description.h"

namespace sofa::tool {

enum class Verdict : uint8_t { ok, warn, fail };
void describe(EnumDescription<Verdict>& d);

/// One line of its answer.
struct Finding {
  std::string check{};
  Verdict verdict = Verdict::ok;
  std::string found{};
  std::string advice{};  ///< what to do; empty when all is well
  static void describe(Description<Finding>& d);
};

/// A port that the platform listens on unless its configuration says otherwise.
struct PlatformPort {
  uint16_t port;
  std::string_view use;
  std::string_view key;  ///< of the configuration that changes it
};
/// All of them; a role adds a line.
std::vector<PlatformPort> platform_ports();

Finding judge_port(const PlatformPort& port, std::optional<std::string> problem);
Finding judge_open_files(uint64_t limit);
/// `step`: how far the wall clock moved away from the steady one while it was looked at.
Finding judge_clock(bool synchronized, Duration step);
/// `median` of writes of 4 KiB that were brought to the disk.
Finding judge_disk(const std::string& folder, Duration median);
/// Texts of /proc/sys/net/core/somaxconn and /sys/kernel/mm/transparent_hugepage/enabled; nothing where they cannot be read.
Finding judge_somaxconn(const std::optional<std::string>& text);
Finding judge_huge_pages(const std::optional<std::string>& text);

/// Looks at everything. `folder` is where data is to lie; a file in it is written and removed. Takes about 200 ms; the calling thread waits.
std::vector<Finding> examine(const std::string& folder, const std::string& host);

}  // namespace sofa::tool
