#pragma once
// Where a request goes: what its header map and the head of its content say, and the method of the service table that they name. Pure: bytes and a
// table in, an entry or a refusal out (docs/protocols/sofarpc.md, section 2.1).

#include <expected>
#include <string>
#include <string_view>

#include "sofa/rpc/detail/request_codec.h"
#include "sofa/rpc/detail/service_table.h"
#include "sofa/wire/bolt/frame.h"
#include "sofa/wire/bolt/header_map.h"

namespace sofa::rpc::detail {

/// The header entries that say where a call goes and until when, found in one walk. Views of the header.
struct RequestRoute {
  explicit RequestRoute(const bolt::HeaderMap& header);
  std::string_view service, method, remaining_ms, app;
};

struct FoundMethod {
  const MethodEntry* entry;  // of the table
  ArgumentsAt at;
};
/// Why there is no method. `unreadable`: the content could not be read (status 0x12); else no such service or method (an error answer).
struct Refusal {
  bool unreadable;
  std::string text;
};

/// Says what is not there: the service, or its method. Clients show the text.
std::string unknown_method(const ServiceTable& services, std::string_view service, std::string_view method);

/// The method that a request asks for. `classes` says which classes may stand in the head of a Hessian content.
std::expected<FoundMethod, Refusal> find_method(const bolt::Frame& frame, const RequestRoute& route, const ServiceTable& services,
                                                const hessian::ClassFilter& classes);

}  // namespace sofa::rpc::detail
