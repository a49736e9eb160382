#pragma once
// What somebody may: "users:read", a resource and what is done with it.

#include <span>
#include <string>
#include <string_view>

#include "sofa/base/error.h"

namespace sofa::admin {

inline constexpr size_t kMostPermissionPart = 128;  // bytes of the resource, of the action, and of the namespace

inline constexpr std::string_view kEverything = "*";  // in a list of permissions

/// What is permitted, or with a '!' in front what is taken away: RESOURCE:ACTION[@NAMESPACE]. A '*' stands for any letters, in each of them.
struct Permission {
  std::string resource{};
  std::string action{};
  std::string name_space = "*";
  bool takes_away = false;
  /// invalid_argument with the text and the form.
  static Result<Permission> parse(std::string_view text);
  std::string to_string() const;
  /// `asked_namespace` is empty for what belongs to none; only '*' covers that.
  bool covers(std::string_view asked_action, std::string_view asked_resource, std::string_view asked_namespace) const;
};

/// Whether a list as Gate::permissions_of gives it permits "users:read", which belongs to no namespace. What one entry takes away no other gives,
/// also when they are of different roles.
bool permits(std::span<const std::string> permissions, std::string_view permission);

}  // namespace sofa::admin
