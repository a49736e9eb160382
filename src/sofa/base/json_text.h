#pragma once
// JSON of any shape as one value of a described struct: what only its reader and its writer know.

#include <string>

#include "sofa/base/description.h"
#include "sofa/base/text_form.h"

namespace sofa {

/// A JSON text, written as it stands. Read from JSON it is the same value, in its shortest form.
struct JsonText {
  std::string json = "null";
};

/// A value of a text format as JSON.
std::string to_json_text(const TextNode& node);

template <>
struct TypeTraits<JsonText> {
  static constexpr bool kKnown = true;
  static void fill(Type& type);
};

}  // namespace sofa
