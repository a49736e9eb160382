#pragma once
// JSON to Java values by a method's signature, and Java values to JSON.
//
// | Java type | JSON |
// |---|---|
// | byte, short, int, long, float, double and their boxes | a number in the type's range |
// | boolean, Boolean; char, Character; String | true or false; one character; text |
// | byte[] | base64 text |
// | T[]; List<T>, Set<T>, Collection<T>; Map<String, T> | a list; a list; a mapping. Without <T> items are taken as they look |
// | java.util.Date | ISO 8601 text, or milliseconds |
// | BigDecimal, BigInteger, UUID, Locale, java.time | as Java prints them |
// | an enum | its name |
// | any other class | a mapping of its fields, with "class" where it is another class than the declared one |
// | Object, or a field of a class | as it looks: text is a String; a whole number an int, or a long where it is too large for one; another number a
// double; a mapping
//   with "class" an object of it, without a HashMap; a list an ArrayList; {"class": T, "value": V} what V is as a T |
//
// The other way round an object has its "class" first, what has no JSON of its own is {"class": T, "value": V}, and a value inside itself is
// {"cycle": its class}: what comes out (cycles apart) can go in again.

#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/base/text_form.h"
#include "sofa/wire/hessian/dialect.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::tool {

/// A type of a signature: "java.util.List<java.lang.Long>[]".
struct JavaType {
  std::string name;  ///< without parameters and []: "java.util.List". Short names of java.lang, java.util and java.math are written out
  std::vector<JavaType> parameters{};  ///< of List<T>, Map<K, V>
  size_t dimensions = 0;               ///< of arrays
  /// Errors: invalid_argument with the text.
  static Result<JavaType> parse(std::string_view text);
  /// As a signature has it, parameters left out: "java.util.List[]".
  std::string erased() const;
  JavaType element() const;
};

/// What the values are for: the two Java libraries name some classes differently.
struct JavaFlavour {
  hessian::Dialect dialect = hessian::Dialect::h3;
  hessian::Family family = hessian::Family::sofa;
};

/// Errors: invalid_argument with the place ("argument 2, [3].name"), what was expected and what was found. Nodes belong to `arena`.
Result<hessian::Value> to_java(const TextNode& json, const JavaType& type, const JavaFlavour& flavour, std::string_view place, Arena& arena);

/// The type that a value would have in a signature that nobody wrote: String, int, long, double, boolean, List, Map, or the object's class.
/// Errors: null has none.
Result<JavaType> guess_type(const TextNode& json);

/// One line. Ends in an error text in place of the value when more than hessian::kVisitLimit values were met.
std::string to_json_text(const hessian::Value& value, const JavaFlavour& flavour);

}  // namespace sofa::tool
