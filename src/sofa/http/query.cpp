#include "sofa/http/query.h"

#include "sofa/http/router.h"

namespace sofa::http {

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> found;
  while (!query.empty()) {
    const std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    const size_t equals = std::min(part.find('='), part.size());
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = percent_decode(part.substr(std::min(equals + 1, part.size())), true);
    if (!name || !value) return fail(Code::invalid_argument, "the query has '{}', which is not percent-encoded", part);
    found.emplace_back(std::move(*name), std::move(*value));
  }
  return found;
}

}  // namespace sofa::http
