#pragma once
// The events of nghttp2 as members of Http2Connection.

#include <nghttp2/nghttp2.h>

namespace sofa::http::detail {

/// The table that every session is made with.
const nghttp2_session_callbacks* http2_callbacks();
/// Reads the body of a message; its source is the Http2Stream.
ssize_t http2_read_body(nghttp2_session* session, int32_t id, uint8_t* into, size_t max, uint32_t* flags, nghttp2_data_source* source, void* self);

}  // namespace sofa::http::detail
