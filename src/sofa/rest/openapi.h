#pragma once
// The routes of an Api as OpenAPI 3.1, made from their descriptions.

#include <string>

#include "sofa/rest/api.h"

namespace sofa::rest {

/// The document as JSON. A struct with a Java name stands once under components/schemas, by that name; others where they are used.
std::string openapi(const Api& api);

/// The page that shows "/openapi.json" and tries its routes.
std::string_view docs_page();

}  // namespace sofa::rest
