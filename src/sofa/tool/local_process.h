#pragma once
// The processes that run on this machine, as they say in the run directory (boot/run_directory.h), for commands that take a name in place of an
// address.

#include <optional>
#include <string_view>
#include <vector>

#include "sofa/boot/run_directory.h"
#include "sofa/tool/admin_client.h"

namespace sofa::tool {

/// All of them. Blocks.
Result<std::vector<boot::RunningProcess>> local_processes();

/// The one that the name means; nothing when none has it, or the flags name a server or a context, where the name means something else. Errors: of
/// several that have it, of a run directory that is not to be believed. Blocks.
Result<std::optional<boot::RunningProcess>> local_process(std::string_view name, const AdminFlags& flags = {});

/// The flags that ask a process's own admin port.
template <class Flags>
Flags asked_at(const boot::RunningProcess& process, Flags flags) {
  flags.server = process.admin;
  return flags;
}

/// Whether neither the flags nor the contexts name a server, and no platform answers where one would be looked for.
bool is_without_platform(const AdminFlags& flags);

}  // namespace sofa::tool
