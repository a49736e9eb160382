#include "sofa/rpc/client.h"

#include "sofa/rpc/detail/caller.h"
#include "sofa/rpc/detail/mock_script.h"
#include "sofa/rpc/detail/protobuf_codec.h"

namespace sofa::rpc {

namespace detail {

Task<Result<std::shared_ptr<Caller>>> open_caller(std::shared_ptr<Providers> providers, ServiceNames names, ClientOptions options,
                                                  std::shared_ptr<ClientProtocol> in_process) {
  std::shared_ptr<io::TlsClientContext> tls;
  const ProviderList known = providers->current();
  const auto is_secure = [](const Provider& provider) { return provider.protocol == "grpcs" || provider.protocol == kSecureHttp2Scheme; };
  const bool wants_tls = options.tls || std::ranges::any_of(*known, is_secure);
  if (wants_tls) tls = co_await or_return(io::TlsClientContext::open(options.tls.value_or(io::TlsClientConfig{})));
  auto caller = std::make_shared<Caller>(std::move(providers), std::move(names), std::move(options), std::move(tls), std::move(in_process));
  co_await or_return(caller->open());
  co_return caller;
}

namespace {

Result<void> check_declaration(const Interface& interface, std::string_view name) {
  for (const MethodBase* method : interface.methods()) {
    if (auto owned = check_owned(method->shape().result, name, method->name(), "the result"); !owned) return owned;
  }
  return {};
}

/// Reads what each script gives once, so that JSON that does not fit its method ends connect(), and not the first call that no provider answers. A
/// script for all other methods is read when it is played: their results differ.
Result<void> check_scripts(const Interface& interface, const ClientOptions& options) {
  for (const auto& [name, text] : options.mock_scripts) {
    auto script = MockScript::parse(text);
    if (!script) return forward_error(script);
    for (const MethodBase* method : interface.methods()) {
      if (method->name() != name) continue;
      if (auto fits = script->check(*method->spec()); !fits) return fits;
    }
  }
  return {};
}

}  // namespace

Task<Result<void>> bind_caller(Interface& interface, ServiceNames names, std::shared_ptr<Providers> providers, ClientOptions options) {
  co_await or_return(check_declaration(interface, names.interface));
  co_await or_return(check_scripts(interface, options));
  interface.set_caller(co_await or_return(open_caller(std::move(providers), std::move(names), std::move(options))));
  co_return Result<void>();
}

Task<Result<void>> bind_caller(Interface& interface, ServiceNames names, std::string target, ClientOptions options) {
  auto providers = co_await or_return(parse_providers(target));
  co_return co_await bind_caller(interface, std::move(names), std::move(providers), std::move(options));
}

}  // namespace detail

GenericClient::GenericClient(std::shared_ptr<detail::Caller> caller) : caller_(std::move(caller)) {}
GenericClient::~GenericClient() { caller_->close(); }

Task<Result<std::shared_ptr<GenericClient>>> GenericClient::connect(std::string target, std::string interface, ClientOptions options) {
  auto providers = co_await or_return(parse_providers(target));
  auto caller = co_await or_return(detail::open_caller(std::move(providers), {interface, interface}, std::move(options)));
  co_return std::shared_ptr<GenericClient>(new GenericClient(std::move(caller)));
}

Task<Result<hessian::Document>> GenericClient::invoke(std::string method, std::vector<std::string> signatures, std::vector<hessian::Value> arguments,
                                                      CallOptions options, GenericKind kind) {
  return run(caller_, std::move(method), std::move(signatures), std::move(arguments), std::move(options), kind);
}

Task<Result<hessian::Document>> GenericClient::run(std::shared_ptr<detail::Caller> caller, std::string method, std::vector<std::string> signatures,
                                                   std::vector<hessian::Value> arguments, CallOptions options, GenericKind kind) {
  if (signatures.size() != arguments.size()) {
    co_return fail(Code::invalid_argument, "{} has {} signatures but {} arguments", method, signatures.size(), arguments.size());
  }
  for (std::string& signature : signatures) signature = detail::jvm_signature(signature);
  const std::vector<std::string_view> views(signatures.begin(), signatures.end());
  hessian::Document result;
  detail::CallSpec spec;
  spec.method = method;
  spec.signatures = views;
  spec.generic = kind;
  spec.values = arguments;
  spec.document = &result;
  co_await or_return(detail::call_from_here(std::move(caller), spec, std::move(options)));
  co_return result;
}

Task<Result<Bytes>> GenericClient::invoke_message(std::string method, Bytes message, CallOptions options) {
  return run_message(caller_, std::move(method), std::move(message), std::move(options));
}

Task<Result<Bytes>> GenericClient::run_message(std::shared_ptr<detail::Caller> caller, std::string method, Bytes message, CallOptions options) {
  const void* const arguments[] = {&message};
  Bytes result;
  detail::CallSpec spec;
  spec.method = method;
  spec.proto_method = method;
  spec.codec = bolt::kCodecProtobuf;
  spec.shape = &detail::shape_of_message_bytes();
  spec.signatures = spec.shape->signatures;
  spec.arguments = arguments;
  spec.result = &result;
  co_await or_return(detail::call_from_here(std::move(caller), spec, std::move(options)));
  co_return result;
}

}  // namespace sofa::rpc
