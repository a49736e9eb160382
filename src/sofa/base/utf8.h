#pragma once
// UTF-8 (RFC 3629).

#include <cstddef>
#include <string_view>

namespace sofa {

/// To the letter: no overlong forms, no surrogates, nothing behind U+10FFFF.
bool is_utf8(std::string_view text);

/// The first `bytes` of it at most, without a part of a character at the end.
std::string_view cut_utf8(std::string_view text, size_t bytes);

}  // namespace sofa
