#pragma once
// Actuator: the endpoints of SOFABoot and Spring Boot below /actuator, as dashboards, probes and Spring Boot Admin read them (sofaboot.md 1.3). An
// application that has an admin port (admin_port.h) serves them there.
//
//   /actuator                              an index of all (HAL)
//   readiness [?showDetail=false]          may traffic come in: 200; 503 DOWN; 500 OUT_OF_SERVICE, or UNKNOWN while it starts
//   health, health/NAME, health/liveness, health/readiness
//   components, isle, beans, rpc           what the application is made of
//   startup [?format=trace]                where the time of the start went; POST gives it for the last time
//   threadpool, info, env                  threads; nothing; the configuration with the origin of each value, secrets hidden
//   triggerReadinessCallback               takes traffic, with server.manual_readiness_callback
//   loggers, loggers/NAME                  levels of logging; POST {"configuredLevel":"DEBUG"} changes one
//
// Belongs to the application's shard.

#include <span>
#include <string>
#include <string_view>

#include "sofa/boot/application.h"
#include "sofa/io/task.h"

namespace sofa::boot {

struct ActuatorRequest {
  std::string_view method = "GET";
  std::string_view path{};  ///< behind /actuator, decoded: "", "/health/liveness"
  std::string_view query{};
  std::string_view base{};  ///< of the links of the index: "http://127.0.0.1:9910"
  std::string_view body{};
};

struct ActuatorAnswer {
  int status = 200;
  std::string body{};  ///< JSON; empty with 204
};

/// One endpoint. Everything that changes something asks for "actuator:write", the rest for "actuator:read".
struct ActuatorRoute {
  std::string_view method;
  std::string_view pattern;  ///< behind /actuator: "/health/{name}"
  std::string_view permission;
};

class Actuator {
 public:
  /// The application outlives it.
  explicit Actuator(RunningApplication& application) : app_(application) {}
  static std::span<const ActuatorRoute> routes();
  /// 404 for what is no endpoint, 405 for another method.
  io::Task<ActuatorAnswer> answer(ActuatorRequest request);

 private:
  struct Endpoint;
  static std::span<const Endpoint> endpoints();

  ActuatorAnswer index(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer readiness(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer health(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer components(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer startup(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer drain_startup(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer isle(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer rpc(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer threadpool(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer beans(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer info(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer env(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer loggers(const ActuatorRequest& request, std::string_view name);
  ActuatorAnswer set_logger(const ActuatorRequest& request, std::string_view name);
  io::Task<ActuatorAnswer> trigger();

  RunningApplication& app_;
  bool startup_drained_ = false;
};

}  // namespace sofa::boot
