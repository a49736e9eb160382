#include "sofa/rpc/filter.h"

#include "sofa/rpc/detail/shape.h"

namespace sofa::rpc {

detail::InvocationValues::InvocationValues(const MethodShape* shape, const void* const* at, void* result_at) {
  if (shape == nullptr) return;
  for (const ValueShape& argument : shape->arguments) arguments.push_back({argument.type, const_cast<void*>(*at++)});
  result = {shape->result.type, result_at};
}

Task<Result<void>> Next::operator()(Invocation& call) const {
  if (rest_.empty()) return last_(context_, call);
  return rest_.front()->invoke(call, Next(rest_.subspan(1), last_, context_));
}

}  // namespace sofa::rpc
