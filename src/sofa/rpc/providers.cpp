#include "sofa/rpc/providers.h"

#include <algorithm>

namespace sofa::rpc {

namespace {

Result<void> check(const Provider& provider) {
  constexpr std::string_view kSpoken[] = {"bolt", "dubbo", "tri", "grpc", "grpcs", "http", "h2c", "h2"};
  if (std::ranges::find(kSpoken, provider.protocol) == std::end(kSpoken)) {
    return fail(Code::invalid_argument,
                "provider '{0}://{1}' speaks '{0}'; this client speaks Bolt, Dubbo, gRPC and HTTP: write bolt://host:port, dubbo://host:port, "
                "tri://host:port, http://host:port, h2c://host:port or, over TLS, grpcs://host:port and h2://host:port",
                provider.protocol, provider.address.to_string());
  }
  const std::string& wanted = provider.serialization;
  if (wanted.empty() || wanted == "hessian2") return {};
  if (provider.protocol == "dubbo") {
    return fail(Code::invalid_argument, "provider '{}' wants the serialization '{}'; over Dubbo this client has hessian2",
                provider.address.to_string(), wanted);
  }
  if (wanted != "hessian" && wanted != "hessian4" && wanted != "json" && wanted != "protobuf") {
    return fail(Code::invalid_argument,
                "provider '{}' wants the serialization '{}'; this client has hessian, hessian2, hessian4 (Dubbo's, over tri://), json and protobuf",
                provider.address.to_string(), wanted);
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Providers>> parse_providers(std::string_view urls) {
  auto list = cluster::parse_provider_list(urls);
  if (!list) return forward_error(list);
  for (const Provider& provider : *list) {
    if (auto checked = check(provider); !checked) return forward_error(checked);
  }
  return std::make_shared<StaticProviders>(std::move(*list), std::string(urls));
}

}  // namespace sofa::rpc
