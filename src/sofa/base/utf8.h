#pragma once
// UTF-8 (RFC 3629).

#include <string_view>

namespace sofa {

/// To the letter: no overlong forms, no surrogates, nothing behind U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace sofa
