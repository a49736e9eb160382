#pragma once
// Messages of protobuf as bytes, for every protocol that carries them: Bolt with serializer 11, gRPC, HTTP.

#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/rpc/detail/shape.h"

namespace sofa::rpc::detail {

/// A message in the bytes of protobuf, appended. `method` is for errors.
Result<void> write_message(Buffer& out, const ProtobufOps& protobuf, const void* message, std::string_view method);
/// Reads into a default-made message.
Result<void> read_message(ByteSpan bytes, const ProtobufOps& protobuf, void* into, std::string_view method);

/// A method that takes and gives a message whose bytes are known and whose type is not: its argument and result are Bytes.
const MethodShape& shape_of_message_bytes();

}  // namespace sofa::rpc::detail
