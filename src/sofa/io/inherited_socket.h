#pragma once
// Sockets that listen already when the program starts: systemd's socket activation (sd_listen_fds(3)). Listener::bind looks here first, so that every
// port of a program can be handed to it by a .socket unit with the same ListenStream=.

#include <optional>

#include "sofa/io/address.h"

namespace sofa::io {

/// A descriptor of its own for the inherited socket at this address, close-on-exec and not blocking; nothing when there is none. The socket goes on
/// listening when the descriptor is closed: it belongs to who handed it over. Any thread; reads LISTEN_PID and LISTEN_FDS.
std::optional<int> inherited_socket(const Address& address);

}  // namespace sofa::io
