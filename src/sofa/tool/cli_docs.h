#pragma once
// The pages of the commands, for the web and for `man`, made from the same descriptions as `--help`.

#include <map>
#include <string>

#include "sofa/tool/command.h"

namespace sofa::tool {

/// Markdown: what the command does, its arguments and flags.
std::string markdown_page(const Command& command);
/// A page of section 1 for man, in roff.
std::string man_page(const Command& command);

/// Every page of docs/cli by file name: "README.md" lists the others, "config-check.md".
std::map<std::string, std::string> markdown_pages();
/// Every page of docs/errors by file name: "README.md" lists the others, "SOFA-BOOT-01-00400.md".
std::map<std::string, std::string> error_pages();
/// Every page for man by file name: "sofa.1", "sofa-config-check.1".
std::map<std::string, std::string> man_pages();

}  // namespace sofa::tool
