#include "sofa/cluster/router.h"

#include <algorithm>

namespace sofa::cluster {

namespace {

bool any_has(std::span<const Provider> providers, const std::vector<uint32_t>& among, std::string_view attribute, std::string_view value) {
  return std::ranges::any_of(among, [&](uint32_t i) { return providers[i].attribute(attribute) == value; });
}

void keep(std::span<const Provider> providers, std::vector<uint32_t>& among, std::string_view attribute, std::string_view value) {
  std::erase_if(among, [&](uint32_t i) { return providers[i].attribute(attribute) != value; });
}

bool fits(std::string_view pattern, std::string_view method) {
  return pattern.ends_with('*') ? method.starts_with(pattern.substr(0, pattern.size() - 1)) : method == pattern;
}

}  // namespace

void TagRouter::route(const RouteKey& key, std::span<const Provider> providers, std::vector<uint32_t>& among) const {
  if (!key.tag.empty() && (strict_ || any_has(providers, among, attribute_, key.tag))) return keep(providers, among, attribute_, key.tag);
  if (any_has(providers, among, attribute_, "")) keep(providers, among, attribute_, "");
}

void MethodRouter::route(const RouteKey& key, std::span<const Provider> providers, std::vector<uint32_t>& among) const {
  const auto rule = std::ranges::find_if(rules_, [&](const Rule& one) { return fits(one.method, key.pick.method); });
  if (rule != rules_.end()) keep(providers, among, rule->attribute, rule->value);
}

}  // namespace sofa::cluster
