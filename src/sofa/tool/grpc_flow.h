#pragma once
// A method of a .proto that streams, message by message: what `sofa bench` counts.

#include <string>

#include "sofa/grpc/client.h"
#include "sofa/tool/callee.h"

namespace sofa::tool {

struct GrpcFlowOptions {
  std::string path;
  http::Headers metadata;
  Duration timeout;  ///< of one message
  Bytes message;     ///< sent over and over
  bool client_streams = false, server_streams = false;
  uint32_t messages = 1;  ///< of a call where the client alone streams
};

/// `channel` must outlive it.
std::unique_ptr<MessageFlow> grpc_flow(grpc::Channel& channel, GrpcFlowOptions options);

}  // namespace sofa::tool
