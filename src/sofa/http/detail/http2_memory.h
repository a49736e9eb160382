#pragma once
// nghttp2's memory: a call makes it allocate seven small pieces.

#include <nghttp2/nghttp2.h>

namespace sofa::http::detail {

/// Recycled memory (base/recycled.h), which each session is made with.
nghttp2_mem* http2_memory();

}  // namespace sofa::http::detail
