#pragma once
// Forms with files: multipart/form-data (RFC 7578). No sockets in here.
//
//   struct Upload {
//     std::string title;
//     rest::File picture;
//     ...
//   };
//   api->post("/pictures", [](Upload upload) -> Result<Stored> { ... });
//
//   curl -F title=Sea -F picture=@sea.jpg http://host/pictures

#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace sofa::rest {

/// One file of a form: a field of a route's struct. In a body of JSON it is an object, with its content in base64.
struct File {
  std::string name;  ///< what the client calls it; never to be used as a path
  std::string type;  ///< its content type
  Bytes content;
  static auto describe(Description<File>& d) {
    d.field("name", &File::name);
    d.field("type", &File::type);
    d.field("content", &File::content).required();
  }
};

/// One part of a form. The views point into the body.
struct Part {
  std::string_view name;
  std::optional<std::string_view> file_name;  ///< of a part that is a file
  std::string_view type;                      ///< empty: none said
  std::string_view content;
};

inline constexpr size_t kMaxParts = 1000;

/// The boundary that a content type of "multipart/form-data" names; nothing for another type or without one.
std::optional<std::string_view> boundary_of(std::string_view content_type);

/// The parts in their order. invalid_argument for a body that is not what an encoder writes, or of more than kMaxParts.
Result<std::vector<Part>> parse_multipart(std::string_view body, std::string_view boundary);

}  // namespace sofa::rest
