#pragma once
// The commands, one file each.

#include "sofa/tool/command.h"

namespace sofa::tool {

Command call_command();
Command bench_command();

}  // namespace sofa::tool
