#include "sofa/rpc/filter.h"

#include <algorithm>

#include "sofa/rpc/detail/shape.h"

namespace sofa::rpc {

detail::InvocationValues::InvocationValues(const MethodShape* shape, const void* const* at, void* result_at) {
  if (shape == nullptr) return;
  for (const ValueShape& argument : shape->arguments) arguments.push_back({argument.type, const_cast<void*>(*at++)});
  result = {shape->result.type, result_at};
}

Filters in_order(Filters filters) {
  Filters sorted;
  for (std::shared_ptr<Filter>& filter : filters) {
    const auto behind = std::ranges::upper_bound(sorted, filter->order(), {}, [](const auto& placed) { return placed->order(); });
    sorted.insert(behind, std::move(filter));
  }
  return sorted;
}

Task<Result<void>> Next::operator()(Invocation& call) const {
  if (rest_.empty()) return last_(context_, call);
  return rest_.front()->invoke(call, Next(rest_.subspan(1), last_, context_));
}

}  // namespace sofa::rpc
