#pragma once
// JSON written by hand, where keys are known at run time only.

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "sofa/base/json.h"

namespace sofa::boot::detail {

class JsonObject {
 public:
  JsonObject& raw(std::string_view key, std::string_view json) {
    text_ += fmt::format("{}{}:{}", text_.empty() ? "" : ",", json_quoted(key), json);
    return *this;
  }
  JsonObject& text(std::string_view key, std::string_view value) { return raw(key, json_quoted(value)); }
  JsonObject& number(std::string_view key, int64_t value) { return raw(key, fmt::format("{}", value)); }
  JsonObject& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  bool empty() const { return text_.empty(); }
  std::string str() const { return fmt::format("{{{}}}", text_); }

 private:
  std::string text_;
};

class JsonArray {
 public:
  JsonArray& raw(std::string_view json) {
    text_ += fmt::format("{}{}", text_.empty() ? "" : ",", json);
    return *this;
  }
  JsonArray& text(std::string_view value) { return raw(json_quoted(value)); }
  bool empty() const { return text_.empty(); }
  std::string str() const { return fmt::format("[{}]", text_); }

 private:
  std::string text_;
};

/// Of texts.
template <class Texts>
std::string json_texts(const Texts& texts) {
  JsonArray all;
  for (const auto& text : texts) all.text(text);
  return all.str();
}

}  // namespace sofa::boot::detail
