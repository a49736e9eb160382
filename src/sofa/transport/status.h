#pragma once
// What a failed call means in Bolt's own words.

#include "sofa/base/error.h"
#include "sofa/wire/bolt/frame.h"

namespace sofa::transport {

/// Whether the peer can have seen anything of a call that failed.
enum class Sent : uint8_t {
  maybe,      ///< the peer may have carried it out
  no,         ///< not a byte has left
  no_closed,  ///< likewise, and the peer had said before that it closes: it may be back soon
};

/// Attached to every Error of a call: the status that the original's client would have raised locally (docs/protocols/bolt.md, section 1.3).
///
///     if (const auto* status = error.detail<TransportStatus>()) ... status->status
///
/// | Code | status | what happened |
/// |---|---|---|
/// | deadline_exceeded | timeout | no answer in time |
/// | unavailable | connection_closed | the connection ended while the call was pending |
/// | unavailable | comm_error | no connection could be made, or it takes no new calls any more |
/// | resource_exhausted | client_send_error | max_pending_calls or max_write_queue |
/// | invalid_argument | client_send_error | class name, header or content do not fit a frame |
struct TransportStatus : ErrorDetail {
  explicit TransportStatus(bolt::Status s, Sent of = Sent::maybe) : status(s), sent(of) {}
  bolt::Status status;
  Sent sent;
};

/// The same error with the status attached; one shared detail for each, so that no allocation is made for it.
Error with_status(Error error, bolt::Status status, Sent sent = Sent::maybe);

/// Of an error of whatever protocol; maybe for one that says nothing.
Sent sent_of(const Error& error);

}  // namespace sofa::transport
