#include "sofa/transport/bolt_protocol.h"

namespace sofa::transport {

BoltProtocol::BoltProtocol(const Handlers& handlers, BoltServerOptions options)
    : handlers_(handlers),
      options_(options),
      shared_(options.max_in_flight, options.log_lines_per_second, options.max_half_frame_bytes, options.unsent) {}

// The first byte is the version of the protocol, and no other protocol of a port begins with 1 or 2.
Detected BoltProtocol::detect(ByteSpan first_bytes) const { return first_bytes[0] == 1 || first_bytes[0] == 2 ? Detected::yes : Detected::no; }

io::Task<void> BoltProtocol::serve(io::Stream stream, Buffer prefix, Connection& connection) {
  SessionRef session = Session::create(std::move(stream), options_.session, &handlers_, &shared_, std::move(prefix));
  connection.live_stats = &session->stats();
  connection.on_drain([](void* context) { static_cast<Session*>(context)->drain(); }, session.get());
  [[maybe_unused]] const auto why = co_await session->run();
  connection.on_drain(nullptr, nullptr);
  connection.live_stats = nullptr;
  connection.final_stats = session->stats();
  connection.close_kind = session->close_kind();
}

}  // namespace sofa::transport
