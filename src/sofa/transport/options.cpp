#include "sofa/transport/options.h"

#include <string_view>

namespace sofa::transport {

std::string_view to_string(CloseKind kind) {
  switch (kind) {
    case CloseKind::open:
      return "open";
    case CloseKind::local:
      return "local";
    case CloseKind::peer:
      return "peer";
    case CloseKind::unknown_protocol:
      return "unknown protocol";
    case CloseKind::protocol_error:
      return "protocol error";
    case CloseKind::too_large:
      return "too large";
    case CloseKind::bad_header:
      return "bad header";
    case CloseKind::idle:
      return "idle";
    case CloseKind::half_frame:
      return "half frame";
    case CloseKind::slow_reader:
      return "slow reader";
    case CloseKind::frame_budget:
      return "frame budget";
    case CloseKind::handler_fault:
      return "handler fault";
    case CloseKind::tls_failed:
      return "TLS failed";
    case CloseKind::flood:
      return "flood";
  }
  return "?";
}

void ServerStats::add(const SessionStats& stats) {
  sessions.bytes_in += stats.bytes_in;
  sessions.bytes_out += stats.bytes_out;
  sessions.frames_in += stats.frames_in;
  sessions.frames_out += stats.frames_out;
  sessions.requests_in += stats.requests_in;
  sessions.oneways_in += stats.oneways_in;
  sessions.busy += stats.busy;
  sessions.calls_out += stats.calls_out;
  sessions.timeouts += stats.timeouts;
  sessions.late_responses += stats.late_responses;
  sessions.heartbeats_in += stats.heartbeats_in;
  sessions.heartbeats_out += stats.heartbeats_out;
}

void ServerStats::add(const ServerStats& stats) {
  accepted += stats.accepted;
  refused += stats.refused;
  open += stats.open;
  secure += stats.secure;
  for (size_t i = 0; i < kCloseKinds; ++i) closed[i] += stats.closed[i];
  add(stats.sessions);
}

CloseKind close_kind_of(const Error& stream_error) {
  switch (stream_error.code()) {
    case Code::deadline_exceeded:
    case Code::resource_exhausted:
      return CloseKind::slow_reader;
    case Code::unauthenticated:
      return CloseKind::tls_failed;
    default:
      return CloseKind::peer;
  }
}

}  // namespace sofa::transport
