#pragma once
// The sections that every application's configuration has beside those of application.h, and the paths of the others.

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/boot/application.h"

namespace sofa::boot::detail {

struct ModulesSection {
  std::vector<std::string> active_profiles{};
  static auto describe(Description<ModulesSection>& d) {
    d.doc("Which modules take part.");
    d.field("active_profiles", &ModulesSection::active_profiles).doc("profiles that are on, beside default");
  }
};

struct DynamicSection {
  std::string file{};
  uint32_t period = 1'000;
  static auto describe(Description<DynamicSection>& d) {
    d.doc("Configuration that changes while the program runs.");
    d.field("file", &DynamicSection::file).doc("YAML of live fields, on top of all other layers; empty: nothing changes");
    d.field("period", &DynamicSection::period).range(1, 86'400'000).unit("ms").doc("between two looks at the file");
  }
};

/// `references:`, by interface or interface:unique_id.
using References = std::map<std::string, ReferenceSection>;

inline std::string section_of(const ComponentSpec& spec) { return spec.module.empty() ? spec.name : fmt::format("{}.{}", spec.module, spec.name); }

inline std::string section_of_point(std::string_view point) { return fmt::format("extensions.{}", point); }

}  // namespace sofa::boot::detail
