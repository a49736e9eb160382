#pragma once
// The query of a request's target.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/error.h"

namespace sofa::http {

/// Names and values of "a=1&b=2" in their order, decoded; a name without '=' has an empty value. invalid_argument with the part that is not
/// percent-encoded.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

}  // namespace sofa::http
