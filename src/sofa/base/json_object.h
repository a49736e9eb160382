#pragma once
// A JSON object that is put together as text.

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
  JsonObject& add_text(std::string_view name, std::string_view text) { return text.empty() ? *this : add(name, json_quoted(text)); }
  bool empty() const { return text_.empty(); }
  std::string text() const { return "{" + text_ + "}"; }

  /// The members of `body` and behind them these, so that the places in the body stay as they are for its reader's errors. A body that is no object
  /// stays as it is.
  std::string behind(std::string_view body) const;

 private:
  std::string text_;
};

}  // namespace sofa
