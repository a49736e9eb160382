#pragma once
// The text form of a type that is not written as its kind is: a date, a decimal number, a value whose type only the data tells.
//
//   constinit const TextForm kUuidText{"a UUID", [](const void* at, TextSink& sink) { return sink.text(static_cast<const Uuid*>(at)->to_string()); },
//                                      [](const TextNode& node, void* at, TextSource&) { return parse_into(node, at); }};
//   d.text_form(kUuidText);  // in describe; a TypeTraits sets type.text_form

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"

namespace sofa {

/// A value as a text format has it.
struct TextNode {
  enum class Form : uint8_t {
    null,
    boolean,
    number,      // `number`, and its digits in `text`
    typed_text,  // cannot be a number: JSON strings, quoted YAML scalars
    plain_text,  // a number, a boolean or text, as the type wants it
    list,
    map,
  };
  Form form = Form::null;
  bool boolean = false;
  uint32_t line = 0;
  uint32_t column = 0;  // both from 1; what they mean before the parser resolves them is the parser's affair
  long double number = 0;
  std::string text;
  std::vector<TextNode> items;  // elements of a list; key, value, key, value of a map

  bool is_text() const { return form == Form::typed_text || form == Form::plain_text; }
  /// For "found ...": null, a quoted text, a number, "a list".
  std::string shown() const;
};

/// Where a form writes its value: exactly one call. The writer keeps the bounds.
class TextSink {
 public:
  virtual Result<void> token(std::string_view json) = 0;  // null, true, false or a number, as JSON has it
  virtual Result<void> text(std::string_view utf8) = 0;
  virtual Result<void> value(const Type& type, const void* at) = 0;  // as a value of another type; `at` must live for the call alone

 protected:
  ~TextSink() = default;
};

/// What a form reads from beside its node.
class TextSource {
 public:
  virtual Arena* arena() const = 0;                                         // of the reader; may be null
  virtual void fill(const TextNode& node, const Type& type, void* at) = 0;  // as a value of another type; problems are told by the reader

 protected:
  ~TextSource() = default;
};

struct TextForm {
  std::string_view expected;  // "a date: milliseconds since 1970 or ISO 8601"
  Result<void> (*write)(const void* at, TextSink& sink);
  /// Answers with what was found when that is not what is expected. A map's key comes as a text node.
  std::optional<std::string> (*read)(const TextNode& node, void* at, TextSource& source);
};

}  // namespace sofa
