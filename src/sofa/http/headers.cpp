#include "sofa/http/headers.h"

#include <algorithm>

#include "sofa/http/detail/text.h"

namespace sofa::http {

using detail::equal_without_case;
using detail::lower;

Headers::Headers(std::initializer_list<HeaderField> fields) {
  for (const HeaderField& field : fields) add(field.name, field.value);
}

void Headers::add(std::string_view name, std::string_view value) {
  const Place place{static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(name.size()), static_cast<uint32_t>(text_.size() + name.size()),
                    static_cast<uint32_t>(value.size())};
  for (const char c : name) text_ += lower(c);
  text_ += value;
  fields_.push_back(place);
}

void Headers::set(std::string_view name, std::string_view value) {
  // The value may lie in this object.
  const std::string kept(value);
  remove(name);
  add(name, kept);
}

void Headers::remove(std::string_view name) {
  const auto gone = [&](const Place& place) { return equal_without_case(std::string_view(text_).substr(place.name_at, place.name_size), name); };
  if (std::none_of(fields_.begin(), fields_.end(), gone)) return;
  Headers rest;
  for (const Place& place : fields_) {
    if (gone(place)) continue;
    rest.add(std::string_view(text_).substr(place.name_at, place.name_size), std::string_view(text_).substr(place.value_at, place.value_size));
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

HeaderField Headers::operator[](size_t i) const {
  const Place& place = fields_[i];
  const std::string_view text(text_);
  return {text.substr(place.name_at, place.name_size), text.substr(place.value_at, place.value_size)};
}

}  // namespace sofa::http
