#include "sofa/http/headers.h"

#include <algorithm>
#include <functional>

#include "sofa/http/detail/byte_set.h"
#include "sofa/http/detail/text.h"

namespace sofa::http {

namespace {

bool holds(const Headers& headers, std::string_view name) {
  for (const HeaderField field : headers) {
    if (equal_without_case(field.name, name)) return true;
  }
  return false;
}

}  // namespace

Headers::Headers(std::initializer_list<HeaderField> fields) {
  for (const HeaderField& field : fields) add(field.name, field.value);
}

void Headers::add(std::string_view name, std::string_view value) {
  const size_t at = text_.size();
  const size_t size = at + name.size() + value.size();
  text_.resize_and_overwrite(size, [&](char* text, size_t) {
    if (detail::is_plain_name(name)) {
      std::ranges::copy(name, text + at);
    } else {
      std::ranges::transform(name, text + at, lower);
    }
    std::ranges::copy(value, text + at + name.size());
    return size;
  });
  fields_.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(name.size()), static_cast<uint32_t>(value.size())});
}

void Headers::set(std::string_view name, std::string_view value) {
  const std::less<> before;
  const bool own = !before(value.data(), text_.data()) && before(value.data(), text_.data() + text_.size());
  if (!own && !holds(*this, name)) return add(name, value);
  const std::string kept(value);
  remove(name);
  add(name, kept);
}

void Headers::remove(std::string_view name) {
  if (!holds(*this, name)) return;
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
  const char* const text = text_.data();
  for (const Place& place : fields_) {
    if (std::string_view(text + place.at, place.name_size) != name) continue;
    return std::string_view(text + place.at + place.name_size, place.value_size);
  }
  return std::nullopt;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  const char* const text = text_.data();
  for (const Place& place : fields_) {
    if (std::string_view(text + place.at, place.name_size) != name) continue;
    const std::string_view value(text + place.at + place.name_size, place.value_size);
    bool found = value == token;  // most often
    if (!found) detail::for_each_item(value, [&](std::string_view item) { found = found || equal_without_case(item, token); });
    if (found) return true;
  }
  return false;
}

}  // namespace sofa::http
