#include "sofa/tool/callee.h"

namespace sofa::tool {

bool means_java(const CallPlan& plan, std::string_view arguments) {
  const size_t first = arguments.find_first_not_of(" \t\r\n");
  return plan.method.types.has_value() || (first != std::string_view::npos && arguments[first] == '[');
}

io::Task<Result<void>> Callee::converse(Input&, const std::function<void(const std::string&)>&) {
  co_return fail(Code::unimplemented, "this method does not stream");
}

io::Task<Result<std::unique_ptr<Callee>>> Callee::open(const CallPlan& plan, Input& input) {
  const std::string& protocol = plan.target.protocol;
  if (protocol == "grpc" || (protocol == "tri" && !means_java(plan, plan.arguments))) co_return co_await open_proto(plan, input);
  const std::string arguments = co_await io::or_return(input.rest());
  if (protocol == "http") co_return co_await open_http(plan, arguments);
  co_return co_await open_generic(plan, arguments);
}

}  // namespace sofa::tool
