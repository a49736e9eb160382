#pragma once
// The documentation of a service, made from its declaration: `std::string page = rpc::service_markdown<bank::Gateway>();`

#include <string>
#include <string_view>

#include "sofa/rpc/interface.h"

namespace sofa::rpc {

/// "## name", a table of the methods (parameters with names where MethodOptions::parameters gives them, result, Java signature, timeout, doc) and a
/// section for every described type that they use (describe_markdown). Needs no implementation and no connection.
std::string service_markdown(const Interface& service, std::string_view name);

template <ServiceInterface T>
std::string service_markdown() {
  return service_markdown(T(), T::kName);
}

}  // namespace sofa::rpc
