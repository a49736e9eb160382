#pragma once
// Metadata as header fields.

#include "sofa/base/base64.h"
#include "sofa/http/headers.h"

namespace sofa::grpc::detail {

/// The value of a name that ends with "-bin" is any bytes and travels in base64 (docs/protocols/grpc.md, section 3).
inline void add_field(http::Headers& to, std::string_view name, std::string_view value) {
  if (!name.ends_with("-bin")) return to.add(name, value);
  to.add(name, to_base64(as_bytes(value), Base64Padding::none));
}

}  // namespace sofa::grpc::detail
