#include "sofa/rpc/filter.h"

namespace sofa::rpc {

Task<Result<void>> Next::operator()(Invocation& call) const {
  if (rest_.empty()) return last_(context_, call);
  return rest_.front()->invoke(call, Next(rest_.subspan(1), last_, context_));
}

}  // namespace sofa::rpc
