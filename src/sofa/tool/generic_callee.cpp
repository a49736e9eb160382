#include "sofa/rpc/client.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/json_tree.h"

namespace sofa::tool {

namespace {

/// The arguments as values, in the order of the signature.
struct JavaArguments {
  std::shared_ptr<Arena> arena = std::make_shared<Arena>();
  std::vector<std::string> signatures;
  std::vector<hessian::Value> values;
};

Result<std::vector<TextNode>> parse_list(std::string_view json) {
  if (json.empty()) return std::vector<TextNode>();
  auto tree = JsonTree::parse(json, "arguments");
  if (!tree) return forward_error(tree);
  if (tree->root.form == TextNode::Form::list) return std::move(tree->root.items);
  return fail(Code::invalid_argument, "the arguments are a JSON list, one item for each parameter, as in '[\"x\", 2]'; found {}", tree->root.shown());
}

Result<JavaArguments> java_arguments(const CallPlan& plan, std::string_view json, const JavaFlavour& flavour) {
  auto items = parse_list(json);
  if (!items) return forward_error(items);
  const auto& types = plan.method.types;
  if (types && types->size() != items->size()) {
    return fail(Code::invalid_argument, "{}.{} takes {} arguments by its signature and {} are given: they are one JSON list, as in '[\"x\", 2]'",
                plan.method.service, plan.method.method, types->size(), items->size());
  }
  JavaArguments arguments;
  for (size_t i = 0; i < items->size(); ++i) {
    auto type = types ? Result<JavaType>((*types)[i]) : guess_type((*items)[i]);
    if (!type) return forward_error(type);
    auto value = to_java((*items)[i], *type, flavour, fmt::format("argument {}", i + 1), *arguments.arena);
    if (!value) return forward_error(value);
    arguments.signatures.push_back(type->erased());
    arguments.values.push_back(*value);
  }
  return arguments;
}

class GenericCallee final : public Callee {
 public:
  GenericCallee(std::shared_ptr<rpc::GenericClient> client, const CallPlan& plan, JavaArguments arguments, const JavaFlavour& flavour)
      : client_(std::move(client)), method_(plan.method.method), flavour_(flavour), arguments_(std::move(arguments)) {
    options_.headers.assign(plan.flags.header.begin(), plan.flags.header.end());
    options_.baggage.assign(plan.flags.baggage.begin(), plan.flags.baggage.end());
  }

  io::Task<Result<void>> call(Answer* answer) override {
    rpc::CallResponse response;
    rpc::CallOptions options = options_;
    if (answer != nullptr) options.response = &response;
    auto result = co_await client_->invoke(method_, arguments_.signatures, arguments_.values, std::move(options));
    if (answer != nullptr) {
      answer->headers = std::move(response.headers);
      answer->baggage = std::move(response.baggage);
    }
    if (!result) co_return forward_error(result);
    if (answer != nullptr) answer->json = *result ? to_json_text(**result, flavour_) : "null";
    co_return Result<void>();
  }

 private:
  const std::shared_ptr<rpc::GenericClient> client_;
  const std::string method_;
  const JavaFlavour flavour_;
  const JavaArguments arguments_;
  rpc::CallOptions options_;
};

}  // namespace

io::Task<Result<std::unique_ptr<Callee>>> open_generic(const CallPlan& plan, std::string_view json) {
  // Over Triple the target says which family the server is of, as a provider's URL does.
  const bool dubbo = plan.target.protocol == "dubbo" || plan.target.address.ends_with("?serialization=hessian4");
  const JavaFlavour flavour = dubbo ? JavaFlavour{hessian::Dialect::h4, hessian::Family::dubbo} : JavaFlavour();
  auto arguments = co_await io::or_return(java_arguments(plan, json, flavour));
  const Duration timeout = plan.flags.call_timeout();
  rpc::ClientOptions options{.version = plan.method.version.value_or(dubbo ? "" : "1.0"),
                             .unique_id = plan.method.unique_id,
                             .app = plan.flags.app,
                             .timeout = timeout,
                             .connect_timeout = timeout};
  options.tls = plan.flags.tls_for(plan.target);
  auto client = co_await io::or_return(rpc::GenericClient::connect(plan.target.to_string(), plan.method.service, std::move(options)));
  co_return std::make_unique<GenericCallee>(std::move(client), plan, std::move(arguments), flavour);
}

}  // namespace sofa::tool
