#include "sofa/admin/permission.h"

#include <algorithm>

#include "sofa/base/text.h"

namespace sofa::admin {

namespace {

bool is_name_letter(char c) { return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; }

/// Whether the text is of the pattern, in which '*' stands for any letters. Linear in both for a pattern of one '*', and never worse than their
/// product.
bool matches(std::string_view pattern, std::string_view text) {
  size_t at = 0, star = std::string_view::npos, star_text = 0, p = 0;
  while (at < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = at;
    } else if (p < pattern.size() && pattern[p] == text[at]) {
      ++p;
      ++at;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      at = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool is_permission_text(std::string_view text) {
  return !text.empty() && text.size() <= kMostPermissionPart &&
         std::ranges::all_of(text, [](char c) { return is_name_letter(c) || c == '*' || c == '/'; });
}

}  // namespace

Result<Permission> Permission::parse(std::string_view text) {
  Permission permission;
  std::string_view rest = text;
  if (rest.starts_with('!')) permission.takes_away = true, rest.remove_prefix(1);
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos) {
    permission.name_space = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  const size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos) {
    permission.resource = rest.substr(0, colon);
    permission.action = rest.substr(colon + 1);
  }
  if (is_permission_text(permission.resource) && is_permission_text(permission.action) && is_permission_text(permission.name_space))
    return permission;
  return fail(
      Code::invalid_argument,
      "'{}' is no permission: write RESOURCE:ACTION, as in users:read, with @NAMESPACE behind it for one namespace, '!' in front to take it away, "
      "and '*' for any letters",
      text.substr(0, 2 * kMostPermissionPart));
}

std::string Permission::to_string() const {
  return fmt::format("{}{}:{}{}{}", takes_away ? "!" : "", resource, action, name_space == "*" ? "" : "@", name_space == "*" ? "" : name_space);
}

bool Permission::covers(std::string_view asked_action, std::string_view asked_resource, std::string_view asked_namespace) const {
  const bool there = asked_namespace.empty() ? name_space == "*" : matches(name_space, asked_namespace);
  return there && matches(action, asked_action) && matches(resource, asked_resource);
}

bool permits(std::span<const std::string> permissions, std::string_view permission) {
  const size_t colon = permission.rfind(':');
  if (colon == std::string_view::npos) return false;
  bool given = false;
  for (const std::string& text : permissions) {
    const auto one = Permission::parse(text == kEverything ? "*:*" : text);
    if (!one || !one->covers(permission.substr(colon + 1), permission.substr(0, colon), "")) continue;
    if (one->takes_away) return false;
    given = true;
  }
  return given;
}

}  // namespace sofa::admin
