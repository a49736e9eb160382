#include "sofa/boot/health.h"

#include <fmt/format.h>

namespace sofa::boot {

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

std::string to_string(const HealthDetail& detail) {
  if (const auto* text = std::get_if<std::string>(&detail)) return *text;
  if (const auto* number = std::get_if<int64_t>(&detail)) return fmt::format("{}", *number);
  return std::get<bool>(detail) ? "true" : "false";
}

std::string details_of(const Health& health) {
  std::string text;
  for (const auto& [key, value] : health.details) text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", key, to_string(value));
  return text;
}

}  // namespace sofa::boot
