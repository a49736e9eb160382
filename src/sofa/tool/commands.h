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
Command user_list_command();
Command user_show_command();
Command user_add_command();
Command user_change_command();
Command user_password_command();
Command user_remove_command();
Command key_list_command();
Command key_add_command();
Command key_remove_command();
Command token_list_command();
Command token_add_command();
Command token_remove_command();
Command role_list_command();
Command role_put_command();
Command role_remove_command();
Command new_app_command();
Command namespace_list_command();
Command namespace_add_command();
Command namespace_remove_command();
Command audit_command();
Command dev_command();
Command server_command();
Command status_command();
Command logs_command();
Command profile_command();
Command tasks_command();
Command connections_command();
Command raft_status_command();
Command raft_describe_command();
Command raft_peers_command();
Command raft_add_command();
Command raft_remove_command();
Command raft_change_command();
Command raft_reset_command();
Command raft_learners_command();
Command raft_transfer_command();
Command raft_snapshot_command();
Command raft_lab_command();
Command explain_command();
Command doctor_command();
Command version_command();
Command completion_command();

}  // namespace sofa::tool
