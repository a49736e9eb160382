#pragma once
// Checks for texts of JSON that another library reads.

#include <cstddef>
#include <string_view>

#include "sofa/base/error.h"

namespace sofa {

/// Whether the text is one document of RFC 8259 in which no object has a key twice, at most `max_depth` deep. invalid_argument names the key, or the
/// place where the text is wrong.
Result<void> check_json(std::string_view text, size_t max_depth = 64);

}  // namespace sofa
