#include <algorithm>
#include <cctype>

#include "sofa/tool/java_json.h"

namespace sofa::tool {

namespace {

/// Names that people write without their package.
std::string written_out(std::string_view name) {
  static constexpr std::string_view kLang[] = {"Boolean", "Byte",   "Character", "Double", "Float", "Integer",
                                               "Long",    "Number", "Object",    "Short",  "String"};
  static constexpr std::string_view kUtil[] = {"ArrayList", "Collection", "Date", "HashMap", "HashSet", "LinkedHashMap", "LinkedList",
                                               "List",      "Locale",     "Map",  "Set",     "TreeMap", "UUID"};
  static constexpr std::string_view kMath[] = {"BigDecimal", "BigInteger"};
  if (std::ranges::find(kLang, name) != std::end(kLang)) return fmt::format("java.lang.{}", name);
  if (std::ranges::find(kUtil, name) != std::end(kUtil)) return fmt::format("java.util.{}", name);
  if (std::ranges::find(kMath, name) != std::end(kMath)) return fmt::format("java.math.{}", name);
  return std::string(name);
}

class TypeParser {
 public:
  explicit TypeParser(std::string_view text) : text_(text) {}

  Result<JavaType> parse() {
    auto type = one();
    skip_spaces();
    if (type && at_ != text_.size()) return wrong("the end");
    return type;
  }

 private:
  static constexpr size_t kDepth = 32;

  Result<JavaType> one() {
    if (++depth_ > kDepth) return wrong(fmt::format("at most {} types inside each other", kDepth));
    skip_spaces();
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '.' || text_[at_] == '_' || text_[at_] == '$'))
      ++at_;
    JavaType type{.name = written_out(text_.substr(begin, at_ - begin))};
    if (type.name.empty()) return wrong("the name of a Java type");
    if (take('<')) {
      do {
        auto parameter = one();
        if (!parameter) return parameter;
        type.parameters.push_back(std::move(*parameter));
      } while (take(','));
      if (!take('>')) return wrong("'>'");
    }
    while (take('[')) {
      if (!take(']')) return wrong("']'");
      ++type.dimensions;
    }
    --depth_;
    return type;
  }

  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char wanted) {
    skip_spaces();
    const bool there = at_ < text_.size() && text_[at_] == wanted;
    at_ += there ? 1 : 0;
    return there;
  }
  std::unexpected<Error> wrong(std::string_view expected) const {
    return fail(Code::invalid_argument,
                "'{}' is no Java type: expected {} at character {}; write it as in 'java.util.List<java.lang.Long>' or 'int[]'", text_, expected,
                at_ + 1);
  }

  std::string_view text_;
  size_t at_ = 0, depth_ = 0;
};

}  // namespace

Result<JavaType> JavaType::parse(std::string_view text) { return TypeParser(text).parse(); }

std::string JavaType::erased() const {
  std::string text = name;
  for (size_t i = 0; i < dimensions; ++i) text += "[]";
  return text;
}

JavaType JavaType::element() const {
  JavaType type = *this;
  --type.dimensions;
  return type;
}

}  // namespace sofa::tool
