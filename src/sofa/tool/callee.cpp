#include "sofa/tool/callee.h"

namespace sofa::tool {

io::Task<Result<std::unique_ptr<Callee>>> Callee::open(const CallPlan& plan) { co_return co_await open_generic(plan); }

}  // namespace sofa::tool
