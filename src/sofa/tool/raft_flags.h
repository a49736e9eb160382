#pragma once
// What the commands of `sofa raft` have in common.

#include <string>

#include "sofa/state/raft/cli.h"
#include "sofa/tool/call_plan.h"
#include "sofa/tool/command.h"
#include "sofa/tool/output.h"

namespace sofa::tool {

inline constexpr CommandGroup kRaftCommands{"raft", "groups of Raft, of this project's nodes and of SOFAJRaft's"};

/// Members of a group, "ip:port[:idx[:priority]]" with commas between, "/learner" behind learners. Errors name the part that is none.
Result<jraft::Configuration> parse_members(const std::string& text, std::string_view what);

/// Flags of every command that asks a group.
struct RaftFlags : TlsFlags, OutputFlags {
  std::string group{};
  std::string peers{};
  double timeout = 10;
  static void describe(Description<RaftFlags>& d);
};

}  // namespace sofa::tool
