#pragma once
// The program `sofa`: finds the command and runs it.

#include <span>

#include "sofa/tool/command.h"

namespace sofa::tool {

/// All commands, in the order of `sofa help`.
std::span<const Command> commands();

/// `arguments[0]` is the program.
Exit run(std::span<const char* const> arguments, Terminal& terminal);

}  // namespace sofa::tool
