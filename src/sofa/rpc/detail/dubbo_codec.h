#pragma once
// The bodies of a client's Dubbo calls and of their answers (docs/protocols/dubbo.md, sections 2, 3 and 9).

#include "sofa/rpc/detail/attempt.h"
#include "sofa/wire/dubbo/frame.h"

namespace sofa::rpc::detail {

/// The body of a call. `left`: how long its caller waits. Errors: an argument that cannot be written, by its number; protobuf messages.
Result<void> write_dubbo_call(Buffer& out, const ClientIdentity& client, const Attempt& attempt, Duration left);

/// The answer's result into the spec's, its attachments into `response` (null: nobody asks). Errors: what the service threw (with a JavaException);
/// the sentence of another status than OK (with a TransportStatus); data_loss for bytes that are no answer; permission_denied for a class that
/// `classes` refuses.
Result<void> read_dubbo_answer(const dubbo::Frame& frame, const CallSpec& spec, const hessian::ClassFilter& classes, CallResponse* response);

}  // namespace sofa::rpc::detail
