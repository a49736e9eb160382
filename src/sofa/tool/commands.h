#pragma once
// The commands, one file each.

#include "sofa/tool/command.h"

namespace sofa::tool {

Command call_command();
Command bench_command();
Command top_command();
Command trace_bytes_command();
Command config_check_command();
Command config_show_command();
Command config_schema_command();
Command config_explain_command();
Command context_list_command();
Command context_use_command();
Command context_add_command();
Command context_remove_command();
Command doctor_command();
Command version_command();
Command completion_command();

}  // namespace sofa::tool
