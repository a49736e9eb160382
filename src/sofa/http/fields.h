#pragma once
// What the fields of a message may hold.

#include "sofa/base/error.h"
#include "sofa/http/headers.h"

namespace sofa::http {

/// Code::invalid_argument, with a sentence that names the field, when one cannot be sent: its name is no token (RFC 9110, 5.6.2), or its value holds
/// a control character, which another reader might take for the end of the field. Every send of fields checks this.
Result<void> check_fields(const Headers& headers);

}  // namespace sofa::http
