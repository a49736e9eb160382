#pragma once
// Dubbo 2 on a Port: every connection becomes a DubboSession with the same handler, or on a port of its own also one of text commands.

#include "sofa/transport/dubbo_session.h"
#include "sofa/transport/protocol.h"

namespace sofa::transport {

struct DubboServerOptions {
  DubboSessionOptions session = DubboSessionOptions::server();
  uint32_t max_in_flight = 65536;                 ///< requests of all connections that wait for their answer; over it: status 100
  size_t max_half_frame_bytes = size_t{1} << 30;  ///< received bytes of frames that are not whole, over all connections; over it: close
  std::shared_ptr<UnsentAnswers> unsent{};        ///< what answers that wait for their peers may take, over all connections; null: no bound
  uint32_t log_lines_per_second = 50;             ///< about closed connections; more are counted, not written
  bool text_commands = false;  ///< also take connections that begin with anything else: lines of text. Only where it is the port's one
                               ///< protocol, since it claims every connection
  size_t max_line = 4096;      ///< bytes of a text line; over it: close
};

class DubboProtocol : public Protocol {
 public:
  /// `handler` outlives it.
  explicit DubboProtocol(DubboHandler& handler, DubboServerOptions options = {});

  std::string_view name() const override { return "dubbo"; }
  Detected detect(ByteSpan first_bytes) const override;
  io::Task<void> serve(io::Stream stream, Buffer prefix, Connection& connection) override;

 private:
  io::Task<void> serve_text(io::Stream stream, Buffer in, Connection& connection);

  DubboHandler& handler_;
  const DubboServerOptions options_;
  SessionShared shared_;
};

}  // namespace sofa::transport
