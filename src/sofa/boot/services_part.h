#pragma once
// The services of an application and their calls: GET /v1/services, /v1/services/{service}, /v1/latency, /v1/slowest, /v1/errors, /v1/calls,
// permission "services:read"; POST /v1/calls, which calls any method, permission "calls:write".

#include "sofa/admin/part.h"
#include "sofa/boot/sampler.h"

namespace sofa::boot {

/// Application and sampler outlive it, and belong to the shard that makes this.
class ServicesPart final : public admin::Part {
 public:
  ServicesPart(RunningApplication& application, const Sampler& sampler) : application_(application), sampler_(sampler), home_(io::Shard::current()) {}
  std::string_view name() const override { return "Services"; }
  void add_to(admin::Routes& routes) override;

 private:
  RunningApplication& application_;
  const Sampler& sampler_;
  io::Shard& home_;
};

}  // namespace sofa::boot
