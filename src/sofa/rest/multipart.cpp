#include "sofa/rest/multipart.h"

#include <algorithm>

#include "sofa/base/text.h"

namespace sofa::rest {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

/// The value of `name=value` or `name="value"` among the parameters behind the first ';'. Quoted values end at the next quote: browsers write a
/// quote inside as %22.
std::optional<std::string_view> parameter(std::string_view field, std::string_view name) {
  field.remove_prefix(std::min(field.find(';'), field.size()));
  while (!field.empty()) {
    field = trimmed(field.substr(1));
    const size_t equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view own = trimmed(field.substr(0, equals));
    field.remove_prefix(equals + 1);
    const bool quoted = field.starts_with('"');
    if (quoted) field.remove_prefix(1);
    const size_t end = field.find(quoted ? '"' : ';');
    if (quoted && end == std::string_view::npos) return std::nullopt;
    const std::string_view value = field.substr(0, end);
    if (equal_without_case(own, name)) return quoted ? value : trimmed(value);
    field.remove_prefix(std::min(field.find(';', value.size()), field.size()));
  }
  return std::nullopt;
}

/// The head of a part, line by line; false when it has no name.
bool read_head(std::string_view head, Part& part) {
  bool named = false;
  while (!head.empty()) {
    const std::string_view line = head.substr(0, head.find(kLineEnd));
    head.remove_prefix(std::min(head.size(), line.size() + kLineEnd.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (equal_without_case(line.substr(0, colon), "content-type")) part.type = value;
    if (!equal_without_case(line.substr(0, colon), "content-disposition")) continue;
    const auto name = parameter(value, "name");
    if (!name || !value.starts_with("form-data")) return false;
    named = true;
    part.name = *name;
    part.file_name = parameter(value, "filename");
  }
  return named;
}

}  // namespace

std::optional<std::string_view> boundary_of(std::string_view content_type) {
  if (!equal_without_case(trimmed(content_type.substr(0, content_type.find(';'))), "multipart/form-data")) return std::nullopt;
  constexpr size_t kMaxBoundary = 70;  // RFC 2046, 5.1.1
  const auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundary) return std::nullopt;
  return boundary;
}

Result<std::vector<Part>> parse_multipart(std::string_view body, std::string_view boundary) {
  const std::string line = fmt::format("--{}", boundary);
  const std::string between = fmt::format("\r\n{}", line);
  std::vector<Part> parts;
  if (!body.starts_with(line)) return fail(Code::invalid_argument, "the form does not begin with its boundary '{}'", boundary);
  body.remove_prefix(line.size());
  while (!body.starts_with("--")) {
    if (!body.starts_with(kLineEnd))
      return fail(Code::invalid_argument, "part {} of the form does not begin with a line of its own", parts.size() + 1);
    if (parts.size() == kMaxParts) return fail(Code::invalid_argument, "the form has more than {} parts", kMaxParts);
    body.remove_prefix(kLineEnd.size());
    const size_t head = body.find("\r\n\r\n");
    const size_t end = head == std::string_view::npos ? head : body.find(between, head + kLineEnd.size());
    if (end == std::string_view::npos) return fail(Code::invalid_argument, "part {} of the form has no end", parts.size() + 1);
    Part part;
    if (!read_head(body.substr(0, head), part)) return fail(Code::invalid_argument, "part {} of the form has no name", parts.size() + 1);
    const size_t content = head + 2 * kLineEnd.size();
    if (end > content) part.content = body.substr(content, end - content);
    parts.push_back(part);
    body.remove_prefix(end + between.size());
  }
  return parts;
}

}  // namespace sofa::rest
