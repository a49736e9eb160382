#include "sofa/tool/callee.h"

namespace sofa::tool {

bool means_java(const CallPlan& plan, std::string_view arguments) {
  const size_t first = arguments.find_first_not_of(" \t\r\n");
  return plan.method.types.has_value() || (first != std::string_view::npos && arguments[first] == '[');
}

namespace {
std::unexpected<Error> does_not_stream() { return fail(Code::unimplemented, "this method does not stream"); }
}  // namespace

io::Task<Result<void>> Callee::converse(Input&, const std::function<void(const std::string&)>&) { co_return does_not_stream(); }

Result<std::unique_ptr<MessageFlow>> Callee::flow(std::string_view, uint32_t) { return does_not_stream(); }

io::Task<Result<std::unique_ptr<Callee>>> Callee::open(const CallPlan& plan, Input& input) {
  const std::string& protocol = plan.target.protocol;
  if (protocol == "grpc" || (protocol == "tri" && !means_java(plan, plan.arguments))) co_return co_await open_grpc(plan, input);
  const std::string arguments = co_await io::or_return(input.rest());
  if (protocol == "http" && (plan.target.secure || !plan.method.types)) co_return co_await open_http(plan, arguments);
  if (protocol == "bolt" && !plan.flags.proto.empty()) co_return co_await open_bolt_proto(plan, arguments);
  co_return co_await open_generic(plan, arguments);
}

}  // namespace sofa::tool
