#pragma once
// The sections of the configuration of `sofa server`: what `sofa config` checks and explains, and docs/configuration.md lists. They and their
// defaults come from where the server itself has them (boot::add_application_sections, platform::add_section).

#include <string>
#include <string_view>

#include "sofa/boot/configuration.h"

namespace sofa::tool {

/// The prefix of the environment variables: SOFA_SERVER_PORT.
inline constexpr std::string_view kEnvironmentPrefix = "SOFA";

void add_config_sections(boot::Configuration& configuration);

/// The page docs/configuration.md with its reference as the sections are now; nothing when it has no place for one.
std::string with_reference(const std::string& page);

/// The sections as tables of Markdown: key, what it takes, default, meaning. The configuration has them and is not loaded.
std::string config_reference(boot::Configuration& configuration);

}  // namespace sofa::tool
