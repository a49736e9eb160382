#pragma once
// What a failed call means in Bolt's own words.

#include "sofa/base/error.h"
#include "sofa/wire/bolt/frame.h"

namespace sofa::transport {

/// Attached to every Error of a call: the status that the original's client would have raised locally (docs/protocols/bolt.md, section 1.3).
///
///     if (const auto* status = error.detail<TransportStatus>()) ... status->status
///
/// | Code | status | what happened |
/// |---|---|---|
/// | deadline_exceeded | timeout | no answer in time |
/// | unavailable | connection_closed | the connection ended while the call was pending, or had ended before |
/// | unavailable | comm_error | no connection could be made |
/// | resource_exhausted | client_send_error | max_pending_calls or max_write_queue |
/// | invalid_argument | client_send_error | class name, header or content do not fit a frame |
struct TransportStatus : ErrorDetail {
  explicit TransportStatus(bolt::Status s) : status(s) {}
  bolt::Status status;
};

/// The same error with the status attached; one shared detail for each status, so that no allocation is made for it.
Error with_status(Error error, bolt::Status status);

}  // namespace sofa::transport
