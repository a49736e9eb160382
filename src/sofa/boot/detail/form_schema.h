#pragma once
// JSON Schemas of what a method takes and gives, written out in place, so that a form can be made from them without looking anything up. Types that
// hold themselves end after some levels.

#include <string>

#include "sofa/rpc/interface.h"

namespace sofa::boot::detail {

/// {"type":"array","prefixItems":[...]}: the arguments by position; "title" is the name of one that has it. A protobuf message is {"type":"object"}.
std::string arguments_schema(const rpc::detail::MethodBase& method);
/// Of the result; {"type":"null"} for nothing.
std::string result_schema(const rpc::detail::MethodBase& method);

}  // namespace sofa::boot::detail
