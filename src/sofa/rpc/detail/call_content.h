#pragma once
// A call and its answer in SOFARPC's serializers 1, 11 and 12 (docs/protocols/sofarpc.md, sections 2.2 to 2.4): the contents of Bolt's frames and of
// HTTP's bodies.

#include "sofa/rpc/detail/attempt.h"
#include "sofa/rpc/detail/request_codec.h"

namespace sofa::rpc::detail {

/// What travels with a call. `left`: until its deadline, sent when there is one. The result views the attempt and the client.
OutgoingHead outgoing_head(const Attempt& attempt, const ClientIdentity& client, Duration left);

Result<void> write_call_content(Buffer& out, const CallSpec& spec, const OutgoingHead& head);
/// Reads the answer into the spec. Errors: as read_response (response_codec.h); what a framework says by framework_error().
Result<void> read_call_content(const CallSpec& spec, const bolt::HeaderMap& header, ByteSpan content, const hessian::ClassFilter& classes);

/// What the framework of a server says in place of the service.
std::unexpected<Error> framework_error(std::string text);

}  // namespace sofa::rpc::detail
