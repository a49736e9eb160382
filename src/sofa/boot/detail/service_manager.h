#pragma once
// What a program tells the service manager that started it: systemd's notify protocol (sd_notify(3)), a datagram of lines to $NOTIFY_SOCKET.

#include <optional>
#include <string_view>

#include "sofa/base/clock.h"

namespace sofa::boot::detail {

/// Sends "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..." with line feeds between; nothing without $NOTIFY_SOCKET. Never waits: what does not go
/// through at once is dropped, with a line in the log.
void tell_service_manager(std::string_view state);

/// How often "WATCHDOG=1" is to be told, half of what the manager allows ($WATCHDOG_USEC); nothing when it does not ask.
std::optional<Duration> watchdog_period();

}  // namespace sofa::boot::detail
