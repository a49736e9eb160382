#pragma once
// Profiles of this process, over the admin API: where its processors are, and what memory its allocator has.
//
//   server.add(std::make_shared<ProfilesPart>());      // /v1/profiles/cpu, /v1/profiles/heap, /v1/shards
//   add_profile_pages(server);                         // /debug/pprof/profile?seconds=N, for `go tool pprof` and those who know its format;
//                                                      // /debug/pprof/folded?seconds=N, for flame graphs
//
// Permission "profiles:read". One CPU profile at a time; it costs the process 1 % or less while it is taken, and nothing otherwise.

#include <string>
#include <vector>

#include "sofa/admin/admin_server.h"
#include "sofa/base/bytes.h"
#include "sofa/base/clock.h"

namespace sofa::admin {

struct ProfileStack {
  std::vector<int64_t> frames{};  ///< indexes of functions, outermost first
  int64_t count = 0;
  static void describe(Description<ProfileStack>& d);
};

struct Profile {
  std::string process{};
  std::string kind{};  ///< "cpu", "heap"
  std::string unit{};  ///< "samples", "bytes"
  int64_t period_us = 0;
  double seconds = 0;
  int64_t at_ms = 0;
  int64_t lost = 0;
  std::vector<std::string> functions{};
  std::vector<ProfileStack> stacks{};
  static void describe(Description<Profile>& d);
};

struct CpuProfileOptions {
  Duration length = std::chrono::seconds(5);  ///< at most a minute
  unsigned hertz = 99;                        ///< samples of each busy thread a second, 1 to 1,000
};

/// Waits for its length, on a thread of the blocking pool; ends at once when its scope is cancelled. The outermost frame of a shard's sample is its
/// task, "[task NAME]". Fails with unavailable while another one runs.
io::Task<Result<Profile>> cpu_profile(CpuProfileOptions options);
/// The profile that runs ends now, with what it has: so that it holds up no stop. Any thread.
void end_cpu_profile();
/// What the allocator has taken of the system, and what of it is in use. It knows no callers.
Profile heap_profile();

/// "main;serve;read 12", a line for each stack.
std::string folded(const Profile& profile);
/// perftools.profiles.Profile in gzip (github.com/google/pprof, proto/profile.proto).
Result<Bytes> pprof(const Profile& profile);

class ProfilesPart final : public Part {
 public:
  std::string_view name() const override { return "Profiles"; }
  void add_to(Routes& routes) override;
};

void add_profile_pages(AdminServer& server);

}  // namespace sofa::admin
