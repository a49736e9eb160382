#include "sofa/wire/dubbo/descriptor.h"

#include <algorithm>

namespace sofa::dubbo {

namespace {

struct Primitive {
  char letter;
  std::string_view name;
};
constexpr Primitive kPrimitives[] = {{'Z', "boolean"}, {'B', "byte"}, {'C', "char"},  {'S', "short"},
                                     {'I', "int"},     {'J', "long"}, {'F', "float"}, {'D', "double"}};
constexpr size_t kMaxDimensions = 255;

const Primitive* by_letter(char letter) {
  const auto* found = std::ranges::find(kPrimitives, letter, &Primitive::letter);
  return found == std::end(kPrimitives) ? nullptr : found;
}

/// Bytes of the descriptor's first type, or 0 when it is none.
size_t type_size(std::string_view descriptor) {
  const size_t dimensions = std::min(descriptor.find_first_not_of('['), descriptor.size());
  if (dimensions == descriptor.size() || dimensions > kMaxDimensions) return 0;
  if (by_letter(descriptor[dimensions]) != nullptr) return dimensions + 1;
  if (descriptor[dimensions] != 'L') return 0;
  const size_t end = descriptor.find(';', dimensions);
  return end == std::string_view::npos || end == dimensions + 1 ? 0 : end + 1;
}

std::string class_name(std::string_view type) {
  if (type.front() != '[') {
    if (const Primitive* primitive = by_letter(type.front())) return std::string(primitive->name);
    type = type.substr(1, type.size() - 2);
  }
  std::string name(type);
  std::ranges::replace(name, '/', '.');
  return name;
}

/// Gives each type of the descriptor to `take`; their number.
template <class Take>
Result<size_t> for_each_type(std::string_view descriptor, Take&& take) {
  size_t count = 0;
  for (size_t at = 0; at < descriptor.size(); ++count) {
    const size_t size = type_size(descriptor.substr(at));
    if (size == 0) return fail(Code::invalid_argument, "parameter types '{}' are no JVM descriptor from character {} on", descriptor, at);
    if (count == kMaxParameters) return fail(Code::invalid_argument, "parameter types name more than {} parameters", kMaxParameters);
    take(descriptor.substr(at, size));
    at += size;
  }
  return count;
}

}  // namespace

Result<std::vector<std::string>> parse_descriptor(std::string_view descriptor) {
  std::vector<std::string> names;
  auto walked = for_each_type(descriptor, [&](std::string_view type) { names.push_back(class_name(type)); });
  if (!walked) return forward_error(walked);
  return names;
}

Result<size_t> count_parameters(std::string_view descriptor) {
  return for_each_type(descriptor, [](std::string_view) {});
}

void append_descriptor(std::string& out, std::string_view class_name) {
  while (class_name.ends_with("[]")) {
    out += '[';
    class_name.remove_suffix(2);
  }
  const auto* primitive = std::ranges::find(kPrimitives, class_name, &Primitive::name);
  if (primitive != std::end(kPrimitives)) {
    out += primitive->letter;
    return;
  }
  const bool array = class_name.starts_with('[');
  const size_t begin = out.size();
  if (!array) out += 'L';
  out += class_name;
  if (!array) out += ';';
  std::replace(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), '.', '/');
}

}  // namespace sofa::dubbo
