#include "sofa/rpc/detail/http_trace.h"

#include "sofa/rpc/detail/request_codec.h"

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kTraceId = "sofa-traceid", kRpcId = "sofa-rpcid";
constexpr std::string_view kTraceIdKey = "sofaTraceId", kRpcIdKey = "sofaRpcId";

/// The key of a trace entry, which HTTP carries in lower case.
std::string_view with_case(std::string_view lower) {
  static constexpr std::pair<std::string_view, std::string_view> kKeys[] = {{"sofatraceid", kTraceIdKey},       {"sofarpcid", kRpcIdKey},
                                                                            {"sofapenattrs", "sofaPenAttrs"},   {"syspenattrs", "sysPenAttrs"},
                                                                            {"sofacallerapp", "sofaCallerApp"}, {"sofacallerzone", "sofaCallerZone"},
                                                                            {"sofacalleridc", "sofaCallerIdc"}, {"sofacallerip", "sofaCallerIp"}};
  for (const auto& [known, key] : kKeys) {
    if (known == lower) return key;
  }
  return lower;
}

}  // namespace

Buffer trace_context(const http::Headers& request) {
  Buffer trace;
  const auto add = [&trace](std::string_view key, std::string_view value) {
    bolt::append_header_pair(trace, std::string(kTracePrefix).append(key), value);
  };
  for (const auto [name, value] : request) {
    if (name == kTraceId) add(kTraceIdKey, value);
    if (name == kRpcId) add(kRpcIdKey, value);
    if (name.starts_with(kTracePrefix)) add(with_case(name.substr(kTracePrefix.size())), value);
    if (name == kSerializedTrace) bolt::append_header_pair(trace, name, value);
  }
  return trace;
}

void add_trace_fields(const http::Headers& request, http::Headers& answer) {
  for (const std::string_view name : {kTraceId, kRpcId}) {
    if (const auto value = request.get(name)) answer.set(name, *value);
  }
}

}  // namespace sofa::rpc::detail
