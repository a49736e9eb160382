#pragma once
// Serializer 12 (docs/protocols/sofarpc.md, section 2.4): one argument is its JSON, several are a JSON array.

#include <span>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/rpc/detail/shape.h"

namespace sofa::rpc::detail {

/// The texts of an array's elements, the first 256 of them; an error when the text is no array.
Result<std::vector<std::string_view>> split_json_array(std::string_view text);
struct JsonMember {
  std::string name;
  std::string_view value;
};
/// The members of an object, the first 256 of them, their values as texts; an error when the text is no object.
Result<std::vector<JsonMember>> split_json_object(std::string_view text);
/// One value, named `source` in errors. Graphs own what they reach.
Result<void> read_json_value(std::string_view content, std::string_view source, const Type& type, void* into);
/// The arguments of a method: one stands alone, several in an array.
Result<void> read_json_arguments(std::string_view content, const MethodShape& shape, void* const* into);
Result<void> write_json_arguments(Buffer& out, const MethodShape& shape, std::span<const void* const> arguments);

/// The result of a method; null for void.
Result<void> write_json_result(Buffer& out, const ValueShape& shape, const void* result);

}  // namespace sofa::rpc::detail
