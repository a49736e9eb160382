#pragma once
// Texts from places that know no types (a query, a form, a path) as JSON.

#include <string>
#include <string_view>

#include "sofa/base/description.h"

namespace sofa {

/// JSON of a scalar type: a number or a boolean stands bare where the text is one; anything else is a quoted text, which the reader of JSON takes
/// or names.
std::string text_to_json(std::string_view text, const Type& type);

}  // namespace sofa
