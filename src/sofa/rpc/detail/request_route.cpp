#include "sofa/rpc/detail/request_route.h"

#include "sofa/rpc/detail/request_codec.h"

namespace sofa::rpc::detail {

namespace {

std::unexpected<Refusal> unknown(const ServiceTable& services, std::string_view service, std::string_view method) {
  return std::unexpected(Refusal{false, unknown_method(services, service, method)});
}

std::expected<FoundMethod, Refusal> find_hessian(ByteSpan content, const RequestRoute& route, const ServiceTable& services,
                                                 const hessian::ClassFilter& classes) {
  RequestHead head;
  if (auto done = head.read(content, &classes); !done) return std::unexpected(Refusal{true, done.error().to_string()});
  // The header wins: a proxy rewrites it and leaves the content as it was (section 2.1).
  const std::string_view service = route.service.empty() ? head.service() : route.service;
  const std::string_view method = route.method.empty() ? head.method() : route.method;
  const MethodEntry* entry = services.find(service, method, head.signatures());
  if (entry == nullptr) return unknown(services, service, method);
  return FoundMethod{entry, head.arguments_at()};
}

}  // namespace

std::string unknown_method(const ServiceTable& services, std::string_view service, std::string_view method) {
  if (!services.has_service(service)) return fmt::format("RPC-020100010: RPC cannot find service: [{}] ", service);
  return fmt::format("RPC-020100011: Cannot find invoke method: [{}], service: [{}] ", method, service);
}

RequestRoute::RequestRoute(const bolt::HeaderMap& header) {
  std::string_view target_service;
  for (const auto& [key, value] : header) {
    switch (key.size()) {
      case 3:
        if (key == "app") app = value;
        break;
      case 7:
        if (key == "service") service = value;
        break;
      case 21:
        if (key == "sofa_head_method_name") method = value;
        break;
      case 24:
        if (key == "sofa_head_target_service") target_service = value;
        break;
      case 30:
        if (key == kRemainingTime) remaining_ms = value;
        break;
      default:
        break;
    }
  }
  if (service.empty()) service = target_service;
}

std::expected<FoundMethod, Refusal> find_method(const bolt::Frame& frame, const RequestRoute& route, const ServiceTable& services,
                                                const hessian::ClassFilter& classes) {
  if (frame.codec == bolt::kCodecHessian) return find_hessian(frame.content(), route, services, classes);
  const MethodEntry* entry = frame.codec == bolt::kCodecProtobuf
                                 ? services.find(route.service, route.method, ";;")  // the one argument has no Java signature
                                 : services.find_for_json(route.service, route.method, as_text(frame.content()));
  if (entry == nullptr) return unknown(services, route.service, route.method);
  return FoundMethod{entry, {}};
}

}  // namespace sofa::rpc::detail
