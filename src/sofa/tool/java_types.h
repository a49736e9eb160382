#pragma once
// The JDK classes that have a JSON of their own (dates, decimal numbers, UUIDs), through our types of them (wire/hessian/java_types.h).

#include <optional>
#include <string>
#include <string_view>

#include "sofa/tool/java_json.h"

namespace sofa::tool {

/// Our type of a JDK class, by its Java name; null when it has none.
const Type* java_value_type(std::string_view java_name);

/// The value that a peer of this flavour has for it: it may be of another class on the wire (docs/protocols/hessian.md, section 3).
Result<hessian::Value> read_java_value(const Type& type, std::string_view json, const JavaFlavour& flavour, Arena& arena);

struct JavaValueJson {
  std::string_view type;
  std::string json;
};
/// The other way round; nothing for an object of any other class.
std::optional<JavaValueJson> java_value_json(const hessian::Object& object, const JavaFlavour& flavour);

/// "2000-01-31T10:15:30.500Z" of milliseconds since 1970.
std::string iso_date(int64_t milliseconds);

}  // namespace sofa::tool
