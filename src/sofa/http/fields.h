#pragma once
// What the head of a message may hold.

#include "sofa/base/error.h"
#include "sofa/http/headers.h"

namespace sofa::http {

struct RequestHead;

/// Code::invalid_argument, with a sentence that names the field, when one cannot be sent: its name is no token (RFC 9110, 5.6.2), or its value holds
/// a control character, which another reader might take for the end of the field. Every send of fields checks this.
Result<void> check_fields(const Headers& headers);
/// The same of a request that is sent: its fields, method, target and authority.
Result<void> check_to_send(const RequestHead& head);

}  // namespace sofa::http
