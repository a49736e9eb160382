#pragma once
// Where in the code something was registered, for messages.

#include <fmt/format.h>

#include <source_location>
#include <string>
#include <string_view>

namespace sofa::boot::detail {

/// "main.cpp:12".
inline std::string place_of(const std::source_location& where) {
  const std::string_view file = where.file_name();
  return fmt::format("{}:{}", file.substr(file.rfind('/') + 1), where.line());
}

}  // namespace sofa::boot::detail
