#pragma once
// Names to addresses through the system's resolver (/etc/hosts, DNS), on the blocking pool.

#include <string>
#include <vector>

#include "sofa/io/address.h"
#include "sofa/io/task.h"

namespace sofa::io {

/// All addresses of `host`, in the order the system prefers; a numeric host answers at once. Code::unavailable names the host and the reason.
/// On cancellation or deadline the caller goes on at once; the look-up ends on its own.
Task<Result<std::vector<Address>>> resolve(std::string host, uint16_t port);
/// The addresses of an address: itself, or what its name resolves to.
Task<Result<std::vector<Address>>> resolve(Address address);

}  // namespace sofa::io
