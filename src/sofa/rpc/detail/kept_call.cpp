#include "sofa/rpc/detail/kept_call.h"

namespace sofa::rpc::detail {

bool copy_value(const ValueShape& shape, void* to, const void* from) {
  if (shape.protobuf != nullptr) {
    std::string bytes(shape.protobuf->size(from), '\0');
    return shape.protobuf->write(from, bytes.data(), bytes.size()) && shape.protobuf->parse(to, bytes.data(), bytes.size());
  }
  if (shape.type->assign == nullptr || shape.type->has_links()) return false;
  shape.type->assign(to, from);
  return true;
}

std::unique_ptr<KeptCall> KeptCall::copy_of(const CallSpec& call, const CallOptions& how) {
  if (call.shape == nullptr) return nullptr;
  auto kept = std::make_unique<KeptCall>(call, how);
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    if (!copy_value(call.shape->arguments[i], kept->values.arguments()[i], call.arguments[i])) return nullptr;
    kept->arguments.push_back(kept->values.arguments()[i]);
  }
  kept->spec.arguments = kept->arguments;
  kept->spec.result = kept->values.result();
  kept->options.response = nullptr;
  return kept;
}

}  // namespace sofa::rpc::detail
