#pragma once
// JSON of protobuf messages, as protobuf maps it (proto3, "JSON Mapping"), for the methods of a server:
//
//   auto server = rpc::Server{}.port(12200).add(ledger).json(grpc::protobuf_json());
//
//   curl -H 'content-type: application/json' -d '{"from":"a","to":"b","cents":100}' http://127.0.0.1:12200/bank.Ledger/Transfer

#include <memory>

#include "sofa/grpc/web.h"

namespace sofa::grpc {

/// Knows the methods of every .proto that is generated into the program. A field that the message does not have, and a key that stands twice, are
/// errors; fields of the answer with their default values are left out, as protobuf does.
std::shared_ptr<const JsonCodec> protobuf_json();

}  // namespace sofa::grpc
