#pragma once
// The trace context of HTTP requests (docs/protocols/http.md, section 2): read into what calls made for them pass on, and answered.

#include "sofa/base/bytes.h"
#include "sofa/http/middleware.h"

namespace sofa::rpc::detail {

/// The trace context in the form of Bolt's header map; empty without one.
Buffer trace_context(const http::Headers& request);
/// Adds SOFA-TraceId and SOFA-RpcId, as the request has them.
void add_trace_fields(const http::Headers& request, http::Headers& answer);

/// Stands before a Handler that is no part of rpc. Its requests with a trace context are a rpc::Context to the tasks of their handlers, so that calls
/// made there pass it on.
class TracedHandler final : public http::Middleware {
 public:
  using Middleware::Middleware;
  void handle(http::ExchangePtr exchange) override;
};

}  // namespace sofa::rpc::detail
