#pragma once
// Secrets that a person types, or a script pipes in: never on the command line, which every process of the machine can read.

#include <string>
#include <string_view>

#include "sofa/base/error.h"

namespace sofa::tool {

/// One line of standard input. Where a person types, `prompt` stands on standard error and nothing of what is typed is shown. Errors: cancelled for
/// Ctrl-C, invalid_argument when the input ends before a line. Blocks.
Result<std::string> ask_secret(std::string_view prompt);

/// The same for a secret that is chosen now: a person types it twice. invalid_argument when the two differ.
Result<std::string> ask_new_secret(std::string_view prompt);

}  // namespace sofa::tool
