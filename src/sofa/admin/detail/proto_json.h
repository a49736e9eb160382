#pragma once
// Messages of protobuf from and to the JSON of described types (base/json.h), by the shapes of proto_shape.h. Pure.

#include <string>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace sofa::admin::detail {

/// The JSON of a message of the type, for from_json, which checks what the fields may be. Fields that the type does not have are skipped. Fails with
/// invalid_argument for bytes that are no such message, and resource_exhausted past the bounds of from_json.
Result<std::string> json_of_message(const Type& type, ByteSpan message);

/// The message of what to_json has written of the type. Fails with internal for other JSON.
Result<Bytes> message_of_json(const Type& type, std::string_view json);

}  // namespace sofa::admin::detail
