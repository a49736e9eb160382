#pragma once
// Bolt on a Port: every connection becomes a Session with the same handlers.

#include "sofa/transport/protocol.h"
#include "sofa/transport/session.h"

namespace sofa::transport {

struct BoltServerOptions {
  SessionOptions session = SessionOptions::server();
  uint32_t max_in_flight = 65536;                 ///< requests of all connections that wait for their answer; over it: status 4 (nothing for oneway)
  size_t max_half_frame_bytes = size_t{1} << 30;  ///< received bytes of frames that are not whole, over all connections; the one that exceeds it
                                                  ///< is closed. Frames below 16 KiB are not counted
  std::shared_ptr<UnsentAnswers> unsent{};        ///< what answers that wait for their peers may take, over all connections; null: no bound
  uint32_t log_lines_per_second = 50;             ///< about closed connections; more are counted, not written
};

class BoltProtocol : public Protocol {
 public:
  /// `handlers` outlive it and are fixed before the port opens.
  explicit BoltProtocol(const Handlers& handlers, BoltServerOptions options = {});

  std::string_view name() const override { return "bolt"; }
  Detected detect(ByteSpan first_bytes) const override;
  io::Task<void> serve(io::Stream stream, Buffer prefix, Connection& connection) override;

 private:
  const Handlers& handlers_;
  const BoltServerOptions options_;
  SessionShared shared_;
};

}  // namespace sofa::transport
