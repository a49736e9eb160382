#pragma once
// The tracer's context of a call that is served, as the calls made for it pass it on, whichever protocols the two speak (docs/protocols/sofarpc.md,
// section 2.1; docs/protocols/triple.md, section 5; docs/protocols/dubbo.md, section 11).

#include <functional>
#include <string>
#include <string_view>

#include "sofa/grpc/server.h"
#include "sofa/http/headers.h"
#include "sofa/rpc/context.h"
#include "sofa/rpc/detail/request_codec.h"

namespace sofa::rpc::detail {

/// One entry: its key over Bolt, and its header over Triple; `older`, where there is one, is sent as well and read first.
struct TraceField {
  std::string_view key, triple, older;
};
inline constexpr TraceField kTraceFields[] = {{"rpc_trace_context.sofaTraceId", "tri-trace-traceid", "sofa-traceid"},
                                              {"rpc_trace_context.sofaRpcId", "tri-trace-rpcid", "sofa-rpcid"},
                                              {"rpc_trace_context.sofaPenAttrs", "tri-trace-biz-baggage", {}},
                                              {"rpc_trace_context.sysPenAttrs", "tri-trace-sys-baggage", {}},
                                              {"rpc_trace_context.samp", "tri-trace-samp", {}}};

/// Where SOFATracer's plugin for Dubbo puts all of it in one text: an attachment, and a header of Dubbo's Triple.
inline constexpr std::string_view kDubboTrace = "dubbo.rpc.sofa.tracer";

using TakeEntry = std::function<void(std::string_view key, std::string_view value)>;
/// The entries of such a text, "tcid=...&spid=...&pspid=...&sample=true&_sys_a=b&c=d&", keys as over Bolt.
void each_entry_of_text(std::string_view text, const TakeEntry& take);

/// Calls `take(key, value)` for each entry, keys as over Bolt.
template <class F>
void each_trace_entry(const Context& served, F take) {
  for (const auto& [key, value] : served.headers()) {
    if (key.starts_with(kTracePrefix)) take(key, value);
  }
  if (served.grpc() == nullptr) return;
  const http::Headers& metadata = served.grpc()->metadata();
  bool found = false;
  for (const TraceField& field : kTraceFields) {
    auto value = metadata.get(field.older);
    if (!value) value = metadata.get(field.triple);
    if (!value) continue;
    take(field.key, *value);
    found = true;
  }
  if (const auto text = metadata.get(kDubboTrace); text && !found) each_entry_of_text(*text, take);
}

/// All of it in one text; empty without a context.
std::string trace_text(const Context& served);

/// The same entries as headers of a call over Triple; those without a value are left out, as SOFARPC does.
void add_trace_metadata(http::Headers& metadata, const Context& served);

}  // namespace sofa::rpc::detail
