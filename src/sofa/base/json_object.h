#pragma once
// JSON that is put together as text, where names are known at run time only.

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "sofa/base/json.h"

namespace sofa {

class JsonObject {
 public:
  JsonObject& add(std::string_view name, std::string_view json) {
    if (!text_.empty()) text_ += ',';
    text_.append(json_quoted(name)).append(":").append(json);
    return *this;
  }
  /// Nothing for an empty text.
  JsonObject& add_text(std::string_view name, std::string_view text) { return text.empty() ? *this : add_quoted(name, text); }
  /// An empty text, too.
  JsonObject& add_quoted(std::string_view name, std::string_view text) { return add(name, json_quoted(text)); }
  JsonObject& add_number(std::string_view name, int64_t value) { return add(name, fmt::format("{}", value)); }
  JsonObject& add_boolean(std::string_view name, bool value) { return add(name, value ? "true" : "false"); }
  bool empty() const { return text_.empty(); }
  std::string text() const { return "{" + text_ + "}"; }

  /// The members of `body` and behind them these, so that the places in the body stay as they are for its reader's errors. A body that is no object
  /// stays as it is.
  std::string behind(std::string_view body) const;

 private:
  std::string text_;
};

class JsonArray {
 public:
  JsonArray& add(std::string_view json) {
    if (!text_.empty()) text_ += ',';
    text_.append(json);
    return *this;
  }
  JsonArray& add_quoted(std::string_view text) { return add(json_quoted(text)); }
  bool empty() const { return text_.empty(); }
  std::string text() const { return "[" + text_ + "]"; }

 private:
  std::string text_;
};

/// A list of texts.
template <class Texts>
std::string json_texts(const Texts& texts) {
  JsonArray all;
  for (const auto& text : texts) all.add_quoted(text);
  return all.text();
}

}  // namespace sofa
