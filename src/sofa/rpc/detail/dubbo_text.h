#pragma once
// Text commands on a Dubbo port: `ls`, `ls SERVICE`, `invoke SERVICE.method(arguments as JSON)`, `help` (docs/protocols/dubbo.md, section 6).

#include <string>

#include "sofa/rpc/detail/shard_server.h"

namespace sofa::rpc::detail {

/// The answer to one line, without a prompt; lines in it end with CR LF. Never fails: what is wrong is the answer.
Task<std::string> run_text_command(ShardServer& server, std::string line, io::Address peer);

}  // namespace sofa::rpc::detail
