#pragma once
// The open connections of an application: GET /v1/connections, permission "connections:read".

#include "sofa/admin/part.h"
#include "sofa/boot/application.h"

namespace sofa::boot {

/// `application` outlives it, and belongs to the shard that makes this.
class ConnectionsPart final : public admin::Part {
 public:
  explicit ConnectionsPart(RunningApplication& application) : application_(application), home_(io::Shard::current()) {}
  std::string_view name() const override { return "Connections"; }
  void add_to(admin::Routes& routes) override;

 private:
  RunningApplication& application_;
  io::Shard& home_;
};

}  // namespace sofa::boot
