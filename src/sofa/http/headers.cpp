#include "sofa/http/headers.h"

#include <algorithm>

#include "sofa/http/detail/text.h"

namespace sofa::http {

Headers::Headers(std::initializer_list<HeaderField> fields) {
  for (const HeaderField& field : fields) add(field.name, field.value);
}

void Headers::add(std::string_view name, std::string_view value) {
  const size_t at = text_.size();
  const size_t size = at + name.size() + value.size();
  text_.resize_and_overwrite(size, [&](char* text, size_t) {
    std::ranges::transform(name, text + at, lower);
    std::ranges::copy(value, text + at + name.size());
    return size;
  });
  fields_.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(name.size()), static_cast<uint32_t>(value.size())});
}

void Headers::set(std::string_view name, std::string_view value) {
  // The value may lie in this object.
  const std::string kept(value);
  remove(name);
  add(name, kept);
}

void Headers::remove(std::string_view name) {
  bool found = false;
  for (const HeaderField field : *this) found = found || equal_without_case(field.name, name);
  if (!found) return;
  Headers rest;
  for (const HeaderField field : *this) {
    if (!equal_without_case(field.name, name)) rest.add(field.name, field.value);
  }
  *this = std::move(rest);
}

void Headers::clear() {
  text_.clear();
  fields_.clear();
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
  for (const HeaderField field : *this) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  for (const HeaderField field : *this) {
    if (field.name != name) continue;
    bool found = false;
    detail::for_each_item(field.value, [&](std::string_view item) { found = found || equal_without_case(item, token); });
    if (found) return true;
  }
  return false;
}

}  // namespace sofa::http
