#include "sofa/boot/detail/published.h"

namespace sofa::boot::detail {

std::vector<const Offer*> published(const RunningApplication& application) {
  std::vector<const Offer*> all;
  if (application.server() == nullptr) return all;
  for (const ComponentSpec& component : application.lifecycle().components()) {
    for (const Offer& offer : component.offers) {
      if (!offer.protocols.empty()) all.push_back(&offer);
    }
  }
  return all;
}

}  // namespace sofa::boot::detail
