#pragma once
// The codes of boot's errors. A message begins with its code, "SOFA-BOOT-01-00400: component ...", as SOFABoot's do (sofaboot.md 5): where the
// meaning is the same the number is the original's. Each has a page in docs/errors, which `sofa explain CODE` prints, too.

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>

namespace sofa::boot {

struct ErrorPage {
  std::string_view number;  ///< "01-00400"
  std::string_view title;   ///< what happened, in a few words
  std::string_view cause;   ///< why it happens, and what it means for the program
  std::string_view remedy;  ///< what to do
  /// "SOFA-BOOT-01-00400"
  std::string code() const { return fmt::format("SOFA-BOOT-{}", number); }
};

namespace errors {
extern const ErrorPage service_missing, service_doubled, service_ambiguous, service_hidden, service_unreachable;
extern const ErrorPage point_missing, point_doubled, point_content, point_hidden;
extern const ErrorPage stop_failed, component_doubled, construct_failed, start_failed, start_late, component_cycle, after_missing;
extern const ErrorPage module_doubled, module_missing, module_cycle, module_unknown;
extern const ErrorPage not_ready, indicator_failed, checker_failed, callback_failed;
}  // namespace errors

/// All, by number.
std::span<const ErrorPage* const> error_pages();
/// By "SOFA-BOOT-01-00400" or "01-00400"; null when there is none.
const ErrorPage* find_error_page(std::string_view code);
/// As Markdown.
std::string markdown_of(const ErrorPage& page);

/// A sentence behind the code of what it is about.
template <class... A>
std::string coded(const ErrorPage& page, fmt::format_string<A...> format, A&&... arguments) {
  return fmt::format("SOFA-BOOT-{}: {}", page.number, fmt::format(format, std::forward<A>(arguments)...));
}

}  // namespace sofa::boot
