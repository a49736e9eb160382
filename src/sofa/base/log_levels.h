#pragma once
// Whether a text is one of log levels, for who checks a configuration without taking it.

#include <string_view>

#include "sofa/base/error.h"

namespace sofa {

/// What set_log_levels (log.h) would say of the text; nothing changes. Any thread.
Result<void> check_log_levels(std::string_view text);

}  // namespace sofa
