#pragma once
// The headers that say over Triple and gRPC which of several providers of one interface is meant (docs/protocols/triple.md, section 3).

#include <string_view>

namespace sofa::rpc {

/// Views of what they were made of. An empty one is not sent.
struct TripleId {
  static constexpr std::string_view kVersionHeader = "tri-service-version", kGroupHeader = "tri-service-group";
  std::string_view version, group;
};

/// As SOFARPC's servers know it, by the unique id alone; a version other than 1.0, which they do not know, is told as Dubbo tells it.
constexpr TripleId triple_id(std::string_view version, std::string_view unique_id) {
  if (version.empty() || version == "1.0") return {.version = unique_id, .group = {}};
  return {.version = version, .group = unique_id};
}

}  // namespace sofa::rpc
