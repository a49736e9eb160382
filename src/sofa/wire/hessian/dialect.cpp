#include "sofa/wire/hessian/dialect.h"

#include <algorithm>

namespace sofa::hessian {

bool ClassFilter::admits(std::string_view name) const {
  name.remove_prefix(std::min(name.find_first_not_of('['), name.size()));
  if (!name.contains('.') || std::ranges::find(always_, name) != always_.end()) return true;
  auto matches = [name](const std::string& prefix) { return name.starts_with(prefix); };
  if (std::ranges::any_of(deny_, matches)) return false;
  return allow_.empty() || std::ranges::any_of(allow_, matches);
}

}  // namespace sofa::hessian
