#pragma once
// The components that every application has, so that constructors may ask for them: Ref<Clock>, Ref<Events>, Ref<MetricRegistry>, Ref<Readiness>,
// Ref<Configuration>.

#include <memory>
#include <vector>

#include "sofa/base/clock.h"
#include "sofa/base/metrics.h"
#include "sofa/boot/component.h"
#include "sofa/boot/configuration.h"
#include "sofa/boot/events.h"
#include "sofa/boot/readiness.h"

namespace sofa::boot::detail {

struct BuiltIns {
  std::shared_ptr<Clock> clock{};  ///< the shard's
  std::shared_ptr<Events> events{};
  std::shared_ptr<MetricRegistry> metrics{};
  std::shared_ptr<Readiness> readiness{};
  std::shared_ptr<Configuration> configuration{};
};

/// The shard's clock as an object of its own. The clock outlives it.
std::shared_ptr<Clock> shared_clock(const Clock& clock);

/// Puts them before the components, as "sofa.clock" and so on; one whose place a component takes, by providing the same without a unique id, is left
/// out.
void add_built_ins(std::vector<ComponentSpec>& components, const BuiltIns& built_ins);

}  // namespace sofa::boot::detail
