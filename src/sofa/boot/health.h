#pragma once
// How well something is, with the words and the order of Spring Boot's actuator (docs/protocols/actuator.md).

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sofa::boot {

/// From the best to what wins when several are put together.
enum class HealthStatus : uint8_t { unknown, up, out_of_service, down };

/// "UNKNOWN", "UP", "OUT_OF_SERVICE", "DOWN".
std::string_view to_string(HealthStatus status);

/// The worst of two: DOWN > OUT_OF_SERVICE > UP > UNKNOWN (sofaboot.md 1.3).
constexpr HealthStatus worse(HealthStatus a, HealthStatus b) { return std::max(a, b); }

/// As JSON has it: a text, a number, true or false.
using HealthDetail = std::variant<std::string, int64_t, bool>;
std::string to_string(const HealthDetail& detail);

struct Health {
  HealthStatus status = HealthStatus::up;
  std::vector<std::pair<std::string, HealthDetail>> details{};  ///< shown to operators; no secrets

  static Health up() { return {}; }
  static Health down(std::string reason) { return {HealthStatus::down, {{"reason", std::move(reason)}}}; }
};

/// "free: 12, reason: no words", for people.
std::string details_of(const Health& health);

}  // namespace sofa::boot
