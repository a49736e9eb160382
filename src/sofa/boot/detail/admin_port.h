#pragma once
// The admin port of an application: /actuator, /metrics, /healthz, /livez, /readyz.

#include <memory>

#include "sofa/admin/admin_server.h"
#include "sofa/boot/actuator.h"
#include "sofa/boot/application.h"

namespace sofa::boot::detail {

class AdminPort {
 public:
  /// `application` outlives it. On the application's shard.
  AdminPort(RunningApplication& application, const AdminSection& section, std::shared_ptr<admin::Gate> gate, std::shared_ptr<MetricRegistry> metrics);
  io::Task<Result<void>> start();
  io::Task<Result<void>> stop() { return server_.stop(); }
  uint16_t port() const { return server_.port(); }

 private:
  void add_actuator();
  io::Task<Result<void>> serve(http::Exchange& exchange, http::Body& body);

  const AdminSection section_;
  const bool has_gate_;
  io::Shard& home_;
  Actuator actuator_;
  admin::AdminServer server_;
};

}  // namespace sofa::boot::detail
