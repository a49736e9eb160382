#include "sofa/wire/bolt/frame.h"

namespace sofa::bolt {

std::string_view to_string(Status status) {
  switch (status) {
    case Status::success:
      return "success";
    case Status::error:
      return "error";
    case Status::server_exception:
      return "server exception";
    case Status::unknown:
      return "unknown";
    case Status::server_busy:
      return "server busy";
    case Status::comm_error:
      return "communication error";
    case Status::no_processor:
      return "no processor";
    case Status::timeout:
      return "timeout";
    case Status::client_send_error:
      return "client send error";
    case Status::codec_exception:
      return "codec exception";
    case Status::connection_closed:
      return "connection closed";
    case Status::server_serial_exception:
      return "server could not serialize";
    case Status::server_deserial_exception:
      return "server could not deserialize";
  }
  return "unknown status";
}

FrameHead response_to(const FrameHead& request, Status status) {
  FrameHead head = request;
  head.type = FrameType::response;
  head.command = Command::response;
  head.timeout_ms = 0;
  head.status = status;
  return head;
}

FrameHead error_response_to(const FrameHead& request, Status status) {
  FrameHead head = response_to(request, status);
  head.switches = 0;
  head.codec = kCodecHessian;
  return head;
}

namespace {
FrameHead empty_request(const FrameHead& channel, Command command, uint32_t id, int32_t timeout_ms) {
  FrameHead head;
  head.protocol = channel.protocol;
  head.version = channel.version;
  head.command = command;
  head.id = id;
  head.timeout_ms = timeout_ms;
  return head;
}
}  // namespace

FrameHead heartbeat(const FrameHead& channel, uint32_t id) { return empty_request(channel, Command::heartbeat, id, -1); }

FrameHead heartbeat_ack(const FrameHead& request) {
  FrameHead head = error_response_to(request, Status::success);
  head.command = Command::heartbeat;
  return head;
}

FrameHead goaway(const FrameHead& channel, uint32_t id) { return empty_request(channel, Command::goaway, id, 0); }

}  // namespace sofa::bolt
