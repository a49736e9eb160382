#include "sofa/rpc/detail/kept_call.h"

namespace sofa::rpc::detail {

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
