#include "sofa/boot/component.h"

namespace sofa::boot {

std::string ComponentSpec::described() const {
  const std::string_view file = where.file_name();
  return fmt::format("component \"{}\" ({}:{})", name, file.substr(file.rfind('/') + 1), where.line());
}

std::string name_of(const InterfaceId& interface, std::string_view unique_id) {
  return unique_id.empty() ? std::string(interface.name) : fmt::format("{}:{}", interface.name, unique_id);
}

std::string_view to_string(HealthStatus status) {
  switch (status) {
    case HealthStatus::unknown:
      return "UNKNOWN";
    case HealthStatus::up:
      return "UP";
    case HealthStatus::out_of_service:
      return "OUT_OF_SERVICE";
    case HealthStatus::down:
      return "DOWN";
  }
  return "UNKNOWN";
}

}  // namespace sofa::boot
