#pragma once
// The named bounds of HTTP connections.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "sofa/base/clock.h"
#include "sofa/transport/byte_budget.h"
#include "sofa/transport/unsent_answers.h"

namespace sofa::http {

/// Bounds that hold for both versions.
struct MessageLimits {
  size_t max_header_list = size_t{64} << 10;               ///< names and values of one message's head or trailers, +32 a field: 431, or REFUSED
  size_t max_target = size_t{16} << 10;                    ///< bytes of a request's path and query: 414
  size_t max_headers = 256;                                ///< fields of one head
  size_t max_exchange_write_queue = size_t{64} << 20;      ///< bytes of one message that wait for the peer; an answer that is larger at once: 500, or
                                                           ///< RESOURCE_EXHAUSTED of gRPC
  size_t write_high_water = size_t{256} << 10;             ///< on_writable comes after pending_bytes was above this ...
  size_t write_low_water = size_t{64} << 10;               ///< ... and has fallen to this
  Duration head_timeout = std::chrono::seconds(10);        ///< from the first byte of a head until it is whole (slow loris)
  Duration body_stall_timeout = std::chrono::seconds(30);  ///< a body of which no byte comes although its window is open: 408, or RST_STREAM; over
                                                           ///< HTTP/2 not a stream of messages (Exchange::let_body_rest)
  size_t min_body_rate = 1024;                             ///< bytes a second that a request's body comes with at least, whether or not it has said
                                                           ///< its length, on average and after body_stall_timeout of grace, while its window is
                                                           ///< open: likewise; not a stream of messages; 0: any
  Duration idle_timeout = std::chrono::seconds(90);        ///< no exchange runs and no byte comes
  Duration linger = std::chrono::seconds(1);               ///< how long a closing connection may take the last bytes
};

struct Http1Options {
  MessageLimits limits{};
  uint32_t max_pipelined = 64;        ///< requests read ahead of their answers; more stay unread
  uint32_t max_requests = 1'000'000;  ///< of one connection, then "connection: close"
  uint64_t max_body = UINT64_MAX;     ///< bytes of one body, 413: none by default, since a body streams through its window
  size_t initial_window = 1u << 20;   ///< bytes of a body that are read before the user gives some back (Exchange::consumed)
  size_t max_discard = 256u << 10;    ///< bytes of a request that come after its answer; with more the connection closes
  /// What its requests' heads, until they are answered, and bodies that are not whole (Exchange::hold) may take: 503 over it; null: no bound.
  std::shared_ptr<transport::ByteBudget> half_bodies{};
  std::shared_ptr<transport::UnsentAnswers> unsent{};  ///< what answers that wait for their peers may take, over all connections; null: no bound
  uint32_t log_lines_per_second = 50;                  ///< of refused messages; more are counted, not written
  bool half_close_cancels = false;  ///< a peer that has closed its side of the connection counts as gone (MessageSink::on_hang_up): most have
                                    ///< closed both. false: its requests run on, for peers that half-close and wait for their answers
};

/// How often a peer may PING while it is sent nothing, as gRPC's servers have it (docs/protocols/grpc.md, section 7). A PING that comes sooner is a
/// strike; DATA and HEADERS of ours forgive all. Past the strikes: GOAWAY with ENHANCE_YOUR_CALM and the text "too_many_pings", and the end.
struct PingPolicy {
  Duration min_interval = std::chrono::minutes(5);  ///< between two PINGs while an exchange runs, 2 hours at most
  bool permit_without_calls = false;                ///< the same while none runs; false: 2 hours then
  uint32_t max_strikes = 2;                         ///< forgiven ones; zero: no rule
};

struct Http2Options {
  MessageLimits limits{};
  uint32_t max_concurrent_streams = 1000;                  ///< SETTINGS_MAX_CONCURRENT_STREAMS of ours; over it: REFUSED_STREAM
  uint32_t initial_window = 1u << 20;                      ///< of a stream
  uint32_t connection_window = 4u << 20;                   ///< of the connection
  uint32_t max_frame_size = 16384;                         ///< SETTINGS_MAX_FRAME_SIZE of ours
  Duration keep_alive_interval{0};                         ///< no byte received for so long: PING; zero: none
  Duration keep_alive_timeout = std::chrono::seconds(20);  ///< a PING unanswered for so long: close
  bool keep_alive_when_idle = true;                        ///< PING also while no exchange runs
  Duration max_age{0};                                     ///< of a connection: GOAWAY after so long (plus up to a tenth, at random); zero: none
  Duration max_age_grace = std::chrono::seconds(30);       ///< after that GOAWAY, until what still runs is reset
  Duration send_stall_timeout = std::chrono::seconds(60);  ///< a message of which the peer's window takes less than 4 KiB in so long: reset
  size_t max_write_queue = size_t{256} << 20;              ///< bytes of all messages that wait for the peer; past it send_data fails
  /// What its requests' heads, until they are answered, and bodies that are not whole (Exchange::hold) may take: 503 over it; null: no bound.
  std::shared_ptr<transport::ByteBudget> half_bodies{};
  std::shared_ptr<transport::UnsentAnswers> unsent{};  ///< what answers that wait for their peers may take, over all connections; null: no bound
  // Floods: GOAWAY with ENHANCE_YOUR_CALM, its debug text says which. A bucket of `burst` that refills with `per_second`, for each of: resets that
  // the peer sends or causes, empty DATA, SETTINGS, PING, PRIORITY, frames of unknown types, WINDOW_UPDATE that no DATA of ours calls for.
  uint32_t flood_burst = 1000;
  uint32_t flood_per_second = 100;
  uint32_t max_continuations = 16;     ///< frames of one header block after its HEADERS; a header list over 4 times max_header_list is a flood too
  uint32_t log_lines_per_second = 50;  ///< about closed connections; more are counted, not written
};

}  // namespace sofa::http
