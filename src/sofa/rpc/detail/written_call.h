#pragma once
// A call whose arguments and answer are JSON, made in the server's own process (Inspector::call).

#include "sofa/grpc/web.h"
#include "sofa/rpc/detail/shard_server.h"
#include "sofa/rpc/inspector.h"

namespace sofa::rpc::detail {

/// On the shard. `messages` reads and writes JSON of protobuf methods; null: there is no such JSON.
Task<Result<WrittenAnswer>> run_written_call(ShardServer& shard, WrittenCall call, const grpc::JsonCodec* messages);

}  // namespace sofa::rpc::detail
