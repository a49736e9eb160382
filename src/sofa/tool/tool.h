#pragma once
// The program `sofa`: finds the command and runs it.

#include <span>

#include "sofa/tool/command.h"

namespace sofa::tool {

/// All commands, in the order of `sofa help`; those of a group stand together.
std::span<const Command> commands();
/// The groups, in the same order.
std::vector<const CommandGroup*> command_groups();
/// The commands of a group, or those that have none (null).
std::vector<const Command*> commands_of(const CommandGroup* group);

/// `arguments[0]` is the program.
Exit run(std::span<const char* const> arguments, Terminal& terminal);

}  // namespace sofa::tool
