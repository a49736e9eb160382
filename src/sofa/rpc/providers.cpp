#include "sofa/rpc/providers.h"

namespace sofa::rpc {

namespace {

Result<void> check(const Provider& provider) {
  if (provider.protocol != "bolt" && provider.protocol != "tri" && provider.protocol != "grpc") {
    return fail(Code::invalid_argument,
                "provider '{0}://{1}' speaks '{0}'; this client speaks bolt and gRPC: write bolt://host:port or tri://host:port", provider.protocol,
                provider.address.to_string());
  }
  const std::string& wanted = provider.serialization;
  if (!wanted.empty() && wanted != "hessian" && wanted != "hessian2" && wanted != "json" && wanted != "protobuf") {
    return fail(Code::invalid_argument, "provider '{}' wants the serialization '{}'; this client has hessian, hessian2, json and protobuf",
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
