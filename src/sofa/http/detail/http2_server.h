#pragma once
// The server's side of one HTTP/2 connection, for the protocol of a port and for upgrades from HTTP/1.1.

#include "sofa/http/detail/http2_connection.h"
#include "sofa/transport/protocol.h"

namespace sofa::http::detail {

/// Serves the connection to its end. `prefix`: bytes read so far, from the preface on. `upgrade`: the request of HTTP/1.1 that asked for HTTP/2; it
/// is answered as stream 1, and the client's preface follows. All references outlive it; `close_log` may be null.
io::Task<void> serve_http2(io::Stream stream, Buffer prefix, transport::Connection& connection, Handler& handler, const Http2Options& options,
                           LogRate* close_log, std::optional<Http2Upgrade> upgrade = {});

}  // namespace sofa::http::detail
