#pragma once
// How an application does, in few numbers: GET /v1/figures. The console's overview shows it for each process.

#include "sofa/admin/part.h"
#include "sofa/boot/sampler.h"

namespace sofa::boot {

/// Application and sampler outlive it, and belong to the shard that makes this.
class FiguresPart final : public admin::Part {
 public:
  FiguresPart(RunningApplication& application, const Sampler& sampler) : application_(application), sampler_(sampler), home_(io::Shard::current()) {}
  std::string_view name() const override { return "Figures"; }
  void add_to(admin::Routes& routes) override;

 private:
  RunningApplication& application_;
  const Sampler& sampler_;
  io::Shard& home_;
};

}  // namespace sofa::boot
