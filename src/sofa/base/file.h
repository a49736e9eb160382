#pragma once
// Small files read whole: configuration, secrets.

#include <cstddef>
#include <string>

#include "sofa/base/error.h"

namespace sofa {

/// What the file holds. An error names it: by errno when it cannot be read, resource_exhausted when it has more than `most` bytes. Blocks.
Result<std::string> read_file(const std::string& path, size_t most);

}  // namespace sofa
