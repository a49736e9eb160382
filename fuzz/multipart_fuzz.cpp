// Forms: the first line is a content type, the rest a body with the boundary that it names, or with "x".
#include "must.h"
#include "sofa/rest/multipart.h"

namespace {

using namespace sofa;
using fuzz::must;
using fuzz::must_lie_inside;

/// As an encoder writes the parts.
std::string write(const std::vector<rest::Part>& parts, std::string_view boundary) {
  std::string text;
  for (const rest::Part& part : parts) {
    text += fmt::format("--{}\r\ncontent-disposition: form-data; name=\"{}\"", boundary, part.name);
    if (part.file_name) text += fmt::format("; filename=\"{}\"", *part.file_name);
    if (!part.type.empty()) text += fmt::format("\r\ncontent-type: {}", part.type);
    text += fmt::format("\r\n\r\n{}\r\n", part.content);
  }
  return fmt::format("{}--{}--\r\n", text, boundary);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view type = input.substr(0, input.find('\n'));
  const std::string_view body = input.substr(std::min(type.size() + 1, size));
  const std::string_view boundary = rest::boundary_of(type).value_or("x");
  const auto parts = rest::parse_multipart(body, boundary);
  if (!parts) return 0;
  must(parts->size() <= rest::kMaxParts);
  for (const rest::Part& part : *parts) {
    for (const std::string_view text : {part.name, part.content, part.type, part.file_name.value_or("")}) must_lie_inside(text, body);
    if (part.name.contains('"') || part.file_name.value_or("").contains('"')) return 0;  // written without quotes by the sender
  }
  const std::string again = write(*parts, boundary);
  const auto reread = rest::parse_multipart(again, boundary);
  must(reread && reread->size() == parts->size());
  for (size_t i = 0; i < parts->size(); ++i) {
    must((*reread)[i].name == (*parts)[i].name && (*reread)[i].content == (*parts)[i].content);
  }
  return 0;
}
