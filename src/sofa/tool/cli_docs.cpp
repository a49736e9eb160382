#include "sofa/tool/cli_docs.h"

#include <fmt/format.h>

#include <algorithm>

#include "sofa/base/markdown.h"
#include "sofa/boot/error_codes.h"
#include "sofa/tool/tool.h"

namespace sofa::tool {

namespace {

/// "config-check".
std::string file_stem(const Command& command) {
  std::string stem = command.full_name();
  std::ranges::replace(stem, ' ', '-');
  return stem;
}

std::string_view text_of(const Command& command) { return command.about.empty() ? command.summary : command.about; }

std::string synopsis(const Command& command) {
  return fmt::format("sofa {} [flags]{}{}", command.full_name(), command.usage.empty() ? "" : " ", command.usage);
}

/// Calls `visit(line, is_example)` for each line of a text; lines that begin with two spaces are examples.
template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    visit(line.starts_with("  ") ? line.substr(2) : line, line.starts_with("  "));
  }
}

std::string takes_of(const FlagWords& flag) { return flag.values.empty() ? flag.takes : fmt::format("{}", fmt::join(flag.values, ", ")); }

std::string code(std::string_view text) { return text.empty() ? std::string() : fmt::format("`{}`", text); }

/// Text as roff has it: what its language means something by stands behind backslashes.
std::string roff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (escaped.empty() && (c == '.' || c == '\'')) escaped += "\\&";
    escaped += c == '\\' ? "\\e" : c == '-' ? "\\-" : c == '\'' ? "\\(aq" : std::string(1, c);
  }
  return escaped;
}

constexpr std::string_view kManEnd = R"(.SH EXIT STATUS
.TP
0
the answer stands on standard output
.TP
1
the service, or what was looked at, answered with an error
.TP
2
the command line, or a file that it names, cannot be understood
.TP
3
nobody answered
.TP
130
it was interrupted
)";

std::string man_head(std::string_view name, std::string_view summary) {
  std::string title(name);
  std::ranges::transform(title, title.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return fmt::format(".TH {} 1\n.SH NAME\n{} \\- {}\n", roff(title), roff(name), roff(summary));
}

std::string man_flags(const Command& command) {
  std::string text = ".SH OPTIONS\n";
  for (const FlagWords& flag : flags_of(command)) {
    const std::string alias = flag.alias.empty() ? "" : fmt::format("\\fB{}\\fR, ", roff(flag.alias));
    text += fmt::format(".TP\n{}\\fB{}\\fR\n{}\n", alias, roff(flag.name), roff(flag.doc));
    if (!takes_of(flag).empty())
      text += fmt::format("({}{}{})\n", roff(takes_of(flag)), flag.standing.empty() ? "" : "; default ", roff(flag.standing));
  }
  return text;
}

}  // namespace

std::string markdown_page(const Command& command) {
  std::string page = fmt::format("# sofa {}\n\n```\n{}\n```\n\n", command.full_name(), synopsis(command));
  bool inside = false;
  for_each_line(text_of(command), [&](std::string_view line, bool is_example) {
    if (is_example != inside) page += "```\n";
    inside = is_example;
    page += fmt::format("{}\n", line);
  });
  page += inside ? "```\n" : "";
  page += "\n| flag | takes | default | means |\n|---|---|---|---|\n";
  for (const FlagWords& flag : flags_of(command)) {
    page +=
        fmt::format("| {}{}{} | {} | {} | {} |\n", code(flag.alias), flag.alias.empty() ? "" : ", ", code(flag.name), markdown_cell(takes_of(flag)),
                    flag.standing == "required" ? flag.standing : markdown_cell(code(flag.standing)), markdown_cell(flag.doc));
  }
  return page;
}

std::string man_page(const Command& command) {
  std::string page = man_head("sofa-" + file_stem(command), command.summary);
  page += fmt::format(".SH SYNOPSIS\n.B {}\n.SH DESCRIPTION\n", roff(synopsis(command)));
  bool inside = false;
  for_each_line(text_of(command), [&](std::string_view line, bool is_example) {
    if (is_example != inside) page += is_example ? ".PP\n.nf\n" : ".fi\n";
    inside = is_example;
    page += line.empty() ? ".PP\n" : roff(line) + "\n";
  });
  page += inside ? ".fi\n" : "";
  return page + man_flags(command) + std::string(kManEnd) + ".SH SEE ALSO\n.BR sofa (1)\n";
}

std::map<std::string, std::string> markdown_pages() {
  std::map<std::string, std::string> pages;
  std::string list =
      "# The commands of `sofa`\n\n`./dev docs` makes these pages from the descriptions of the commands. [tool.md](../tool.md) shows how they are "
      "used, with examples.\n\n| command | does |\n|---|---|\n";
  for (const Command& command : commands()) {
    const std::string file = file_stem(command) + ".md";
    pages[file] = markdown_page(command);
    list += fmt::format("| [sofa {}]({}) | {} |\n", command.full_name(), file, markdown_cell(command.summary));
  }
  pages["README.md"] = list;
  return pages;
}

std::map<std::string, std::string> man_pages() {
  std::map<std::string, std::string> pages;
  std::string all = man_head("sofa", "calls, measures and explains services, and operates the platform");
  all += ".SH SYNOPSIS\n.B sofa COMMAND [arguments]\n.SH COMMANDS\n";
  for (const Command& command : commands()) {
    const std::string name = "sofa-" + file_stem(command);
    pages[name + ".1"] = man_page(command);
    all += fmt::format(".TP\n.BR {} (1)\n{}\n", roff(name), roff(command.summary));
  }
  pages["sofa.1"] = all + std::string(kManEnd);
  return pages;
}

std::map<std::string, std::string> error_pages() {
  std::map<std::string, std::string> pages;
  std::string& index = pages["README.md"] =
      "# Codes of errors\n\nMessages about a start, its components and its health begin with a code; `sofa explain CODE` prints its page.\n\n"
      "| code | means |\n|---|---|\n";
  for (const boot::ErrorPage* page : boot::error_pages()) {
    index += fmt::format("| [{0}]({0}.md) | {1} |\n", page->code(), page->title);
    pages[page->code() + ".md"] = boot::markdown_of(*page);
  }
  return pages;
}

}  // namespace sofa::tool
