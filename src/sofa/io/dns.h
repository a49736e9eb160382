#pragma once
// Names to addresses through the system's resolver (/etc/hosts, DNS), on the blocking pool; and the addresses of this machine.

#include <string>
#include <vector>

#include "sofa/io/address.h"
#include "sofa/io/task.h"

namespace sofa::io {

/// Attached to the error of a name that has no address, as the resolver knows for sure. Without it a look-up may succeed later.
struct NoAddress : ErrorDetail {};

/// All addresses of `host`, in the order the system prefers; a numeric host answers at once. Code::unavailable names the host and the reason.
/// On cancellation or deadline the caller goes on at once; the look-up ends on its own.
Task<Result<std::vector<Address>>> resolve(std::string host, uint16_t port);
/// The addresses of an address: itself, or what its name resolves to.
Task<Result<std::vector<Address>>> resolve(Address address);

/// The hosts of all addresses that this machine's interfaces have, those of loopback too.
std::vector<std::string> own_hosts();

}  // namespace sofa::io
