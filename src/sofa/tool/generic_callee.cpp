#include "sofa/grpc_services/java_names.h"
#include "sofa/rpc/client.h"
#include "sofa/tool/callee.h"
#include "sofa/tool/json_tree.h"
#include "sofa/tool/proto_source.h"

namespace sofa::tool {

namespace {

/// The arguments as values, in the order of the signature.
struct JavaArguments {
  std::shared_ptr<Arena> arena = std::make_shared<Arena>();
  std::vector<std::string> signatures;
  std::vector<hessian::Value> values;
};

Result<std::vector<TextNode>> parse_list(const CallPlan& plan, std::string_view json) {
  if (json.empty()) return std::vector<TextNode>();
  auto tree = JsonTree::parse(json, "arguments");
  if (!tree) return forward_error(tree);
  if (tree->root.form == TextNode::Form::list) return std::move(tree->root.items);
  const bool may_be_message = tree->root.form == TextNode::Form::map && plan.target.protocol == "bolt";
  return fail(Code::invalid_argument, "the arguments are a JSON list, one item for each parameter, as in '[\"x\", 2]'; found {}{}",
              tree->root.shown(), may_be_message ? ". Is it a message of a .proto? --proto names that" : "");
}

Result<JavaArguments> java_arguments(const CallPlan& plan, std::string_view json, const JavaFlavour& flavour) {
  auto items = parse_list(plan, json);
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

/// Over Triple the target says which family the server is of, as a provider's URL does.
bool is_of_dubbo(const Target& target) { return target.protocol == "dubbo" || target.address.ends_with("?serialization=hessian4"); }

io::Task<Result<std::shared_ptr<rpc::GenericClient>>> connect(const CallPlan& plan, std::string interface) {
  const Duration timeout = plan.flags.call_timeout();
  rpc::ClientOptions options{.version = plan.method.version.value_or(is_of_dubbo(plan.target) ? "" : "1.0"),
                             .unique_id = plan.method.unique_id,
                             .app = plan.flags.app,
                             .timeout = timeout,
                             .connect_timeout = timeout};
  options.tls = plan.flags.tls_for(plan.target);
  co_return co_await rpc::GenericClient::connect(plan.target.to_string(), std::move(interface), std::move(options));
}

/// What the calls of rpc's client have in common, whatever their arguments are.
class ClientCallee : public Callee {
 public:
  explicit ClientCallee(const CallPlan& plan) {
    options_.headers.assign(plan.flags.header.begin(), plan.flags.header.end());
    options_.baggage.assign(plan.flags.baggage.begin(), plan.flags.baggage.end());
  }

  io::Task<Result<void>> call(Answer* answer) final {
    if (answer == nullptr) co_return co_await invoke(options_, nullptr);
    rpc::CallResponse response;
    rpc::CallOptions options = options_;
    options.response = &response;
    auto done = co_await invoke(std::move(options), &answer->json);
    answer->headers = std::move(response.headers);
    answer->baggage = std::move(response.baggage);
    co_return done;
  }

 private:
  /// `json` takes the result; null: nothing is made of it.
  virtual io::Task<Result<void>> invoke(rpc::CallOptions options, std::string* json) = 0;
  rpc::CallOptions options_;
};

class JavaCallee final : public ClientCallee {
 public:
  JavaCallee(const CallPlan& plan, std::shared_ptr<rpc::GenericClient> client, JavaArguments arguments, const JavaFlavour& flavour)
      : ClientCallee(plan),
        client_(std::move(client)),
        method_(plan.method.method),
        flavour_(flavour),
        arguments_(std::move(arguments)),
        types_guessed_(!plan.method.types) {}

 private:
  io::Task<Result<void>> invoke(rpc::CallOptions options, std::string* json) override {
    const auto result = co_await client_->invoke(method_, arguments_.signatures, arguments_.values, std::move(options));
    if (!result) co_return std::unexpected(with_signature(result.error()));
    if (json != nullptr) *json = *result ? to_json_text(**result, flavour_) : "null";
    co_return Result<void>();
  }

  /// A method that is not there may be one of other types than its arguments look like.
  Error with_signature(Error error) const {
    if (!types_guessed_ || arguments_.signatures.empty() || (error.code() != Code::unimplemented && error.code() != Code::not_found)) return error;
    return std::move(error).wrap(fmt::format("called as '{0}({1})', as its arguments look; if it takes others name them, as in '{0}(long)'", method_,
                                             fmt::join(arguments_.signatures, ",")));
  }

  const std::shared_ptr<rpc::GenericClient> client_;
  const std::string method_;
  const JavaFlavour flavour_;
  const JavaArguments arguments_;
  const bool types_guessed_;
};

class BoltProtoCallee final : public ClientCallee {
 public:
  explicit BoltProtoCallee(const CallPlan& plan) : ClientCallee(plan), plan_(plan) {}

  io::Task<Result<void>> open(std::string_view arguments) {
    auto files = co_await io::or_return(read_proto_files(plan_.flags.proto, plan_.flags.import));
    co_await io::or_return(proto_.find(std::move(files), plan_.method.service, plan_.method.method));
    if (proto_.streams()) {
      co_return fail(Code::invalid_argument, "{}.{} streams, which Bolt cannot: call it over grpc://{}", plan_.method.service, plan_.method.method,
                     plan_.target.address);
    }
    message_ = co_await io::or_return(proto_.request(arguments));
    method_ = grpc::java_method_name(proto_.descriptor().name());
    client_ = co_await io::or_return(connect(plan_, grpc::java_interface_name(*proto_.descriptor().service())));
    co_return Result<void>();
  }

 private:
  io::Task<Result<void>> invoke(rpc::CallOptions options, std::string* json) override {
    const Bytes answer = co_await io::or_return(client_->invoke_message(method_, message_, std::move(options)));
    if (json != nullptr) *json = co_await io::or_return(proto_.response(answer));
    co_return Result<void>();
  }

  const CallPlan plan_;
  ProtoMethod proto_;
  std::shared_ptr<rpc::GenericClient> client_;
  std::string method_;  // Java's
  Bytes message_;
};

}  // namespace

io::Task<Result<std::unique_ptr<Callee>>> open_generic(const CallPlan& plan, std::string_view json) {
  const JavaFlavour flavour = is_of_dubbo(plan.target) ? JavaFlavour{hessian::Dialect::h4, hessian::Family::dubbo} : JavaFlavour();
  auto arguments = co_await io::or_return(java_arguments(plan, json, flavour));
  auto client = co_await io::or_return(connect(plan, plan.method.service));
  co_return std::make_unique<JavaCallee>(plan, std::move(client), std::move(arguments), flavour);
}

io::Task<Result<std::unique_ptr<Callee>>> open_bolt_proto(const CallPlan& plan, std::string_view arguments) {
  auto callee = std::make_unique<BoltProtoCallee>(plan);
  co_await io::or_return(callee->open(arguments));
  co_return callee;
}

}  // namespace sofa::tool
