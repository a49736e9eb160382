#pragma once
// Base64 (RFC 4648, sections 4 and 5).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/bytes.h"

namespace sofa {

/// Whether the text is filled up with '=' to a multiple of four.
enum class Base64Padding : uint8_t { required, none };

std::string to_base64(ByteSpan bytes, Base64Padding padding = Base64Padding::required);
/// With Base64Padding::none padded text is taken, too. Nothing when the text is not what an encoder writes.
std::optional<std::vector<uint8_t>> from_base64(std::string_view text, Base64Padding padding = Base64Padding::required);

/// The alphabet of URLs and file names, padded or not.
std::optional<std::vector<uint8_t>> from_base64url(std::string_view text);

}  // namespace sofa
