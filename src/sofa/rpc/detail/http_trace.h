#pragma once
// The trace context of HTTP requests (docs/protocols/http.md, section 2): read into what calls made for them pass on, and answered.

#include "sofa/base/bytes.h"
#include "sofa/http/headers.h"

namespace sofa::rpc::detail {

/// The trace context in the form of Bolt's header map; empty without one.
Buffer trace_context(const http::Headers& request);
/// Adds SOFA-TraceId and SOFA-RpcId, as the request has them.
void add_trace_fields(const http::Headers& request, http::Headers& answer);

}  // namespace sofa::rpc::detail
