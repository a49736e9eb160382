#pragma once
// Who holds a listening socket: read from /proc, as far as this process may.

#include <string>

#include "sofa/io/address.h"

namespace sofa::io::detail {

/// "pid 1234 (java)", or "a process that cannot be seen from here". `proc` is where the process file system is mounted.
std::string describe_holder(const Address& address, const std::string& proc = "/proc");

}  // namespace sofa::io::detail
