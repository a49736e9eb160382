#pragma once
// Small files read and written whole: configuration, secrets.

#include <cstddef>
#include <string>
#include <string_view>

#include "sofa/base/error.h"

namespace sofa {

/// What the file holds. An error names it: by errno when it cannot be read, resource_exhausted when it has more than `most` bytes. Blocks.
Result<std::string> read_file(const std::string& path, size_t most);

/// A new file that only its owner may read (mode 600), in place of what is there, with the text on the disk when it returns; its folder is not
/// synced. To replace a file whole or not at all, write another one and rename it. Blocks.
Result<void> write_private_file(const std::string& path, std::string_view text);

}  // namespace sofa
