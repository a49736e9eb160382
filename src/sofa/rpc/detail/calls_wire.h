#pragma once
// The messages of sofa.rpc.v1.Calls (rpc/proto/sofa_rpc/v1/calls.proto) in the bytes of protobuf. Written here by hand, so that a server needs no
// protobuf library to answer it. Pure.

#include "sofa/base/bytes.h"
#include "sofa/rpc/calls.h"

namespace sofa::rpc::detail {

/// WatchRequest: the interval that it asks for, within its bounds. Errors: invalid_argument.
Result<Duration> read_watch_request(ByteSpan message);
/// SlowestRequest.
Result<size_t> read_slowest_request(ByteSpan message);

/// Snapshot: what has come since `before`, `interval` long.
void write_snapshot(Buffer& out, const CallsSnapshot& now, const CallsSnapshot& before, Duration interval);
/// SlowestResponse.
void write_slowest(Buffer& out, const CallsSnapshot& now, size_t most);

}  // namespace sofa::rpc::detail
