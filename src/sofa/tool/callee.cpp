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
  const bool told_by_arguments = protocol == "tri" && !plan.method.types;
  if (protocol == "grpc" || (told_by_arguments && !means_java(plan, co_await io::or_return(input.peek())))) co_return co_await open_grpc(plan, input);
  const std::string arguments = co_await io::or_return(input.rest());
  if (protocol == "http" && plan.target.secure && plan.method.types) {
    co_return fail(Code::invalid_argument, "{} carries no Java types: leave out the ones in parentheses, or write h2://{}", plan.target.to_string(),
                   plan.target.address);
  }
  if (protocol == "http" && !plan.method.types) co_return co_await open_http(plan, arguments);
  if (protocol == "bolt" && !plan.flags.proto.empty()) co_return co_await open_bolt_proto(plan, arguments);
  co_return co_await open_generic(plan, arguments);
}

namespace {

/// Why a server of that protocol may have services and not tell them.
std::string_view who_knows(std::string_view protocol) {
  if (protocol == "bolt")
    return "Bolt cannot ask a server for its services, and SOFARPC's Java servers have no other way: its interfaces are in its code";
  if (protocol == "dubbo") return "a Dubbo server that is reached by a terminal lists them itself: 'ls' behind 'telnet HOST PORT'";
  if (protocol == "http") return "it has no /openapi.json either: its routes are in its code";
  return "";
}

}  // namespace

io::Task<Result<std::vector<ServiceMethods>>> list_services(const Target& target, const CallFlags& flags) {
  std::vector<ServiceMethods> all;
  if (target.protocol == "http") all = co_await io::or_return(list_routes(target, flags));
  auto services = co_await list_by_reflection(target, flags);
  if (services) all.insert(all.end(), std::make_move_iterator(services->begin()), std::make_move_iterator(services->end()));
  if (services || !all.empty()) co_return all;
  const std::string_view hint = who_knows(target.protocol);
  if (hint.empty()) co_return forward_error(services);
  co_return std::unexpected(Error(services.error().code(), fmt::format("{}; {}", services.error().to_string(), hint)));
}

}  // namespace sofa::tool
