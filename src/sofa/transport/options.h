#pragma once
// The named bounds of connections, and what each side counts.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "sofa/base/clock.h"
#include "sofa/io/stream.h"
#include "sofa/wire/bolt/frame_parser.h"

namespace sofa::transport {

/// Rules of one Bolt connection. The defaults are a client's; `server()` gives those of an accepting side.
/// Heartbeat and idle rules: docs/protocols/bolt.md, section 2. A zero duration turns a rule off.
struct SessionOptions {
  bolt::Limits limits;

  Duration heartbeat_interval = std::chrono::seconds(15);  ///< no byte received for so long: send a heartbeat
  uint32_t heartbeat_misses = 3;                           ///< so many heartbeats in a row unanswered: close at the next interval
  Duration idle_timeout{0};                                ///< no byte received for so long: close
  Duration half_frame_timeout = std::chrono::seconds(10);  ///< a head that is not whole after so long, or a body that stands still: close
  size_t min_frame_rate = size_t{16} << 10;  ///< bytes a second that a body comes with at least, on average and after half_frame_timeout of grace:
                                             ///< else close. 32 MiB may so take 34 minutes, but a drip ends after the grace. Zero: no rule

  uint32_t max_in_flight = 8192;              ///< requests of the peer that wait for their answer; over it: status 4 (nothing for oneway)
  uint32_t max_pending_calls = 1u << 17;      ///< own calls that wait for their answer; over it: Code::resource_exhausted
  size_t max_write_queue = size_t{64} << 20;  ///< bytes that the peer has not taken; over it own calls fail, and an answer closes the connection
  size_t write_high_water = size_t{1} << 20;  ///< with more waiting, requests are left unread until half is gone ...
  Duration read_pause = std::chrono::milliseconds(100);  ///< ... or the peer has taken nothing for so long: it may be waiting for us in the same way
  Duration linger = std::chrono::seconds(1);             ///< after the last answer of a drain: how long the peer may take to close its side
  size_t read_size = size_t{64} << 10;                   ///< most bytes of one read
  uint8_t protocol = 1;                                  ///< Bolt version of own requests before the peer has sent anything: 1 or 2
  uint8_t version = 1;                                   ///< of v2: 1 = no CRC, 2 = own requests carry a CRC
  bool send_goaway = false;      ///< GoAway in a drain whoever the peer is. Java closes on it: only where all peers know it (MOSN). A peer that
                                 ///< has announced that it knows it gets it in any case
  bool announce_goaway = false;  ///< say by a first heartbeat that this side knows GoAway

  static SessionOptions client() { return {}; }
  static SessionOptions server() {
    SessionOptions options;
    options.heartbeat_interval = Duration::zero();
    options.idle_timeout = std::chrono::seconds(90);
    return options;
  }
};

/// Socket options of Bolt connections. Its write queue is a second wall: max_write_queue of the session is reached first.
inline io::StreamOptions bolt_stream_options() {
  io::StreamOptions options;
  options.max_write_queue = size_t{128} << 20;
  options.write_stall_timeout = std::chrono::seconds(30);  // a peer that takes no byte for so long is closed
  return options;
}

/// Why connections ended, as counters have it.
enum class CloseKind : uint8_t {
  open,              ///< not closed
  local,             ///< closed by this side on purpose (close, drain, shutdown)
  peer,              ///< the peer closed or reset
  unknown_protocol,  ///< first bytes that no protocol of the port claims
  protocol_error,    ///< bad version, type, CRC, length
  too_large,         ///< content over max_frame
  bad_header,        ///< a broken header map
  idle,              ///< idle_timeout, or heartbeats not answered
  half_frame,        ///< half_frame_timeout or min_frame_rate, or first bytes that decide nothing in time
  slow_reader,       ///< max_write_queue or write_stall_timeout
  frame_budget,      ///< max_half_frame_bytes of the server
  handler_fault,     ///< a handler threw an exception, which none may
  tls_failed,        ///< the TLS handshake did not succeed, or the peer refused our certificate after it
  flood,             ///< too much of what costs the peer nothing (HTTP/2: resets, empty frames, header blocks without end)
};
inline constexpr size_t kCloseKinds = 14;
std::string_view to_string(CloseKind kind);
/// Whether it is worth a line in the log above debug.
inline bool is_fault(CloseKind kind) { return kind != CloseKind::local && kind != CloseKind::peer; }
/// What the failure of a stream means for its connection.
CloseKind close_kind_of(const Error& stream_error);

/// Counters of one connection. Belongs to its shard.
struct SessionStats {
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint64_t frames_in = 0;
  uint64_t frames_out = 0;
  uint64_t requests_in = 0;  ///< with oneway ones
  uint64_t oneways_in = 0;
  uint64_t busy = 0;            ///< requests refused over a limit
  uint64_t calls_out = 0;       ///< with oneway ones
  uint64_t timeouts = 0;        ///< own calls not answered in time
  uint64_t late_responses = 0;  ///< answers that came after their call had ended
  uint64_t heartbeats_in = 0;
  uint64_t heartbeats_out = 0;
};

/// Counters of a port, summed over its shards.
struct ServerStats {
  uint64_t accepted = 0;
  uint64_t refused = 0;  ///< over max_connections, closed at once
  uint64_t open = 0;
  uint64_t secure = 0;  ///< of the accepted ones: over TLS, and a protocol was found
  uint64_t closed[kCloseKinds] = {};
  SessionStats sessions;  ///< summed over all connections, open and closed

  uint64_t closed_as(CloseKind kind) const { return closed[static_cast<size_t>(kind)]; }
  void add(const SessionStats& stats);
  void add(const ServerStats& stats);
};

}  // namespace sofa::transport
