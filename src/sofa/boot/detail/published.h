#pragma once
// The services that an application has published.

#include <vector>

#include "sofa/boot/application.h"

namespace sofa::boot::detail {

/// In the order of registration; none before its server listens.
std::vector<const Offer*> published(const RunningApplication& application);

}  // namespace sofa::boot::detail
