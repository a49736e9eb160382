#include "sofa/http/headers.h"

#include <algorithm>

namespace sofa::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_without_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

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
  const auto gone = [&](const Place& place) { return same_without_case(std::string_view(text_).substr(place.name_at, place.name_size), name); };
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
    for (size_t at = 0; at <= field.value.size();) {
      const size_t end = std::min(field.value.find(',', at), field.value.size());
      if (same_without_case(trimmed(field.value.substr(at, end - at)), token)) return true;
      at = end + 1;
    }
  }
  return false;
}

HeaderField Headers::operator[](size_t i) const {
  const Place& place = fields_[i];
  const std::string_view text(text_);
  return {text.substr(place.name_at, place.name_size), text.substr(place.value_at, place.value_size)};
}

}  // namespace sofa::http
