#pragma once
// Metadata and the status of a call as header fields.

#include "sofa/base/error.h"
#include "sofa/http/headers.h"

namespace sofa::grpc::detail {

/// The value of a name that ends with "-bin" is any bytes and travels in base64 (docs/protocols/grpc.md, section 3).
void add_field(http::Headers& to, std::string_view name, std::string_view value);

/// "grpc-status", and of an error "grpc-message" and "grpc-status-details-bin".
void add_status(http::Headers& to, const Result<void>& status);
/// What those fields tell: success, or the error with its message and details. Code::unknown for a status that is missing or none of gRPC's.
Result<void> read_status(const http::Headers& fields);
/// Whether it is one of those fields.
bool is_status_field(std::string_view name);

}  // namespace sofa::grpc::detail
