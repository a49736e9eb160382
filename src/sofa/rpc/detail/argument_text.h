#pragma once
// The text of a call's first argument, by which the hashing balancers send equal ones to one provider (docs/protocols/sofarpc.md, section 4.1).

#include <string>
#include <string_view>

#include "sofa/rpc/detail/shape.h"
#include "sofa/wire/hessian/value.h"

namespace sofa::rpc::detail {

/// As Java's toString for texts, whole numbers, booleans and names of enums; JSON for anything else described; the bytes of a message. Empty for what
/// is absent. The view is of the argument or of `scratch`, which is kept for its memory.
std::string_view argument_text(const ValueShape& shape, const void* argument, std::string& scratch);
std::string_view argument_text(const hessian::Value& argument, std::string& scratch);

}  // namespace sofa::rpc::detail
