#pragma once
// The process's log over the admin API: its last lines, lines as they come, and the levels of its spaces.

#include <memory>

#include "sofa/admin/part.h"
#include "sofa/base/log_tail.h"

namespace sofa::admin {

class LogsPart final : public Part {
 public:
  explicit LogsPart(std::shared_ptr<const LogTail> tail) : tail_(std::move(tail)) {}
  std::string_view name() const override { return "Logs"; }
  void add_to(Routes& routes) override;

 private:
  const std::shared_ptr<const LogTail> tail_;
};

}  // namespace sofa::admin
