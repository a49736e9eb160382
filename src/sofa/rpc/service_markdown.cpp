#include "sofa/rpc/service_markdown.h"

#include "sofa/base/markdown.h"

namespace sofa::rpc {

namespace {

std::string type_name(const detail::ValueShape& value) {
  if (value.type != nullptr) return markdown_type_name(*value.type);
  return value.protobuf != nullptr ? "a protobuf message" : "void";
}

void write_method(std::string& out, const detail::MethodBase& method) {
  const detail::MethodShape& shape = method.shape();
  const MethodOptions& options = method.spec()->options;
  std::string parameters, signature;
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    if (i > 0) parameters += ", ";
    if (i < options.parameters.size()) parameters += fmt::format("{}: ", options.parameters[i]);
    parameters += type_name(shape.arguments[i]);
    const bool named = i < method.signatures().size() && shape.arguments[i].protobuf == nullptr;
    signature += fmt::format("{}{}", i > 0 ? ", " : "", named ? method.signatures()[i] : "");
  }
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options.timeout).count();
  out += fmt::format("| `{}` | {} | {} | `{}({})` | {} | {} |\n", method.name(), markdown_cell(parameters), markdown_cell(type_name(shape.result)),
                     method.name(), signature, ms > 0 ? fmt::format("{} ms", ms) : "", markdown_cell(options.doc));
}

}  // namespace

std::string service_markdown(const Interface& service, std::string_view name) {
  std::string out = fmt::format("## {}\n\n| method | parameters | result | Java signature | timeout | doc |\n|---|---|---|---|---|---|\n", name);
  std::vector<const Type*> types;
  for (const detail::MethodBase* method : service.methods()) {
    write_method(out, *method);
    for (const detail::ValueShape& argument : method->shape().arguments) {
      if (argument.type != nullptr) types.push_back(argument.type);
    }
    if (const Type* result = method->shape().result.type; result != nullptr) types.push_back(result);
  }
  const std::string sections = describe_markdown(types);
  return sections.empty() ? out : out + "\n" + sections;
}

}  // namespace sofa::rpc
