#pragma once
// Tasks of this process that wait: through which functions, how many in the same place, and how long. What runs is in a profile (profiles.h).

#include "sofa/admin/part.h"

namespace sofa::admin {

/// /v1/tasks. Permission "profiles:read".
class TasksPart final : public Part {
 public:
  std::string_view name() const override { return "Tasks"; }
  void add_to(Routes& routes) override;
};

}  // namespace sofa::admin
