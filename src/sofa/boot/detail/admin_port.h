#pragma once
// The admin port of an application: /actuator, /metrics, /healthz, /livez, /readyz.

#include <memory>

#include "sofa/admin/admin_server.h"
#include "sofa/admin/attach.h"
#include "sofa/base/log_tail.h"
#include "sofa/boot/actuator.h"
#include "sofa/boot/application.h"
#include "sofa/boot/sampler.h"

namespace sofa::boot::detail {

/// What `admin:` must be for a start, beyond types and ranges: checks of the configuration. Messages name keys by what they are
/// called in their own mapping.
Result<void> check_admin_tls(const AdminTls& tls);
Result<void> check_admin_platform(const AdminSection& section);

class AdminPort {
 public:
  /// `application` outlives it. On the application's shard.
  AdminPort(RunningApplication& application, const AdminSection& section, std::shared_ptr<admin::Gate> gate, std::shared_ptr<MetricRegistry> metrics);
  ~AdminPort();
  io::Task<Result<void>> start();
  io::Task<Result<void>> stop();
  admin::AdminServer& server() { return server_; }
  uint16_t port() const { return server_.port(); }

 private:
  void add_actuator();
  io::Task<Result<void>> attach();
  io::Task<Result<void>> serve(http::Exchange& exchange, http::Body& body);

  const AdminSection section_;
  const bool has_gate_;
  io::Shard& home_;
  Actuator actuator_;
  const std::string name_;
  const std::shared_ptr<LogTail> log_;
  admin::AdminServer server_;
  Sampler sampler_;
  std::unique_ptr<admin::Attachment> attachment_;  // null: to no platform
};

}  // namespace sofa::boot::detail
