#include "sofa/rpc/detail/trace_context.h"

#include <algorithm>

namespace sofa::rpc::detail {

void add_trace_metadata(http::Headers& metadata, const Context& served) {
  each_trace_entry(served, [&metadata](std::string_view key, std::string_view value) {
    const auto field = std::ranges::find(kTraceFields, key, &TraceField::key);
    if (field == std::end(kTraceFields) || value.empty()) return;
    metadata.add(field->triple, value);
    if (!field->older.empty()) metadata.add(field->older, value);
  });
}

}  // namespace sofa::rpc::detail
