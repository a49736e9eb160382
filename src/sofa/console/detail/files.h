#pragma once
// The files of console/dist, as CMake has put them into the library.

#include <span>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/http/content_coding.h"

namespace sofa::console::detail {

struct EmbeddedFile {
  std::string_view path;  ///< below console/dist: "assets/index-BVVo1CyY.js"
  http::ContentCoding coding;
  ByteSpan content;  ///< in that coding
};

std::span<const EmbeddedFile> embedded_files();

}  // namespace sofa::console::detail
