#include "sofa/rpc/detail/trace_context.h"

#include <algorithm>

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kSystemPrefix = "_sys_";

/// Calls `take` with each pair "a=b" of "a=b&c=d&".
template <class F>
void each_pair(std::string_view text, F take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    if (end > 0) take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string_view parent_of(std::string_view span) { return span.substr(0, span.rfind('.') == std::string_view::npos ? 0 : span.rfind('.')); }

}  // namespace

void each_entry_of_text(std::string_view text, const TakeEntry& take) {
  const auto give = [&take](std::string_view key, std::string_view value) { take(std::string(kTracePrefix).append(key), value); };
  std::string business, system;
  each_pair(text, [&](std::string_view pair) {
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view key = pair.substr(0, equals), value = pair.substr(std::min(equals + 1, pair.size()));
    if (key == "tcid") return give("sofaTraceId", value);
    if (key == "spid") return give("sofaRpcId", value);
    if (key == "pspid") return;  // the front of the span's id
    if (key == "sample") return give("samp", value);
    const bool of_system = pair.starts_with(kSystemPrefix);
    (of_system ? system : business).append(of_system ? pair.substr(kSystemPrefix.size()) : pair).append("&");
  });
  if (!business.empty()) give("sofaPenAttrs", business);
  if (!system.empty()) give("sysPenAttrs", system);
}

std::string trace_text(const Context& served) {
  if (const auto whole = served.headers().find(kSerializedTrace)) return std::string(*whole);
  std::string trace, span, sampled = "true", business, system;
  each_trace_entry(served, [&](std::string_view key, std::string_view value) {
    key.remove_prefix(kTracePrefix.size());
    if (key == "sofaTraceId") trace = value;
    if (key == "sofaRpcId") span = value;
    if (key == "samp") sampled = value;
    if (key == "sofaPenAttrs") business = value;
    if (key == "sysPenAttrs") system = value;
  });
  if (trace.empty()) return {};
  std::string text = fmt::format("tcid={}&spid={}&pspid={}&sample={}&", trace, span, parent_of(span), sampled);
  each_pair(system, [&text](std::string_view pair) { text.append(kSystemPrefix).append(pair).append("&"); });
  each_pair(business, [&text](std::string_view pair) { text.append(pair).append("&"); });
  return text;
}

void add_trace_metadata(http::Headers& metadata, const Context& served) {
  each_trace_entry(served, [&metadata](std::string_view key, std::string_view value) {
    const auto field = std::ranges::find(kTraceFields, key, &TraceField::key);
    if (field == std::end(kTraceFields) || value.empty()) return;
    metadata.add(field->triple, value);
    if (!field->older.empty()) metadata.add(field->older, value);
  });
}

}  // namespace sofa::rpc::detail
