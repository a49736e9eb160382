#pragma once
// What the admin API tells of an application: its components and who is whose, where the time of its start went, its configuration with origins.
// The console shows it (console/api/openapi.json).

#include "sofa/admin/part.h"
#include "sofa/boot/application.h"

namespace sofa::boot {

/// `application` outlives it, and belongs to the shard that makes this.
class ApplicationPart final : public admin::Part {
 public:
  explicit ApplicationPart(RunningApplication& application) : application_(application), home_(io::Shard::current()) {}
  std::string_view name() const override { return "Application"; }
  void add_to(admin::Routes& routes) override;

 private:
  RunningApplication& application_;
  io::Shard& home_;
};

}  // namespace sofa::boot
