// sofa explain

#include "sofa/boot/error_codes.h"
#include "sofa/tool/commands.h"

namespace sofa::tool {

namespace {

struct ExplainOptions : OutputFlags {
  static void describe(Description<ExplainOptions>& d) { d.inherit<OutputFlags>(); }
};

struct Explanation {
  std::string code{}, title{}, cause{}, remedy{};
  static void describe(Description<Explanation>& d) {
    d.field("code", &Explanation::code);
    d.field("title", &Explanation::title);
    d.field("cause", &Explanation::cause);
    d.field("remedy", &Explanation::remedy);
  }
};

Explanation explanation_of(const boot::ErrorPage& page) {
  return {.code = page.code(), .title = std::string(page.title), .cause = std::string(page.cause), .remedy = std::string(page.remedy)};
}

Exit explain(Arguments<ExplainOptions>& given, Terminal& terminal) {
  const OutputFormat output = given.options.output;
  if (given.positional.empty()) {
    std::vector<Explanation> all;
    for (const boot::ErrorPage* page : boot::error_pages()) all.push_back(explanation_of(*page));
    print_rows<Explanation>(all, output, terminal, {.columns = {"code", "title"}});
    return Exit::ok;
  }
  const boot::ErrorPage* const page = boot::find_error_page(given.positional.front());
  if (page == nullptr) {
    terminal.complain(fmt::format("\"{}\" is no code of an error; 'sofa explain' lists them", printable(given.positional.front())));
    return Exit::wrong_usage;
  }
  if (is_document(output)) {
    print_object(explanation_of(*page), output, terminal);
  } else {
    terminal.print(boot::markdown_of(*page));
  }
  return Exit::ok;
}

}  // namespace

Command explain_command() {
  return command<ExplainOptions, explain>(
      {.name = "explain",
       .usage = "[CODE]",
       .summary = "tells what the code of an error means, and what to do",
       .about = "Explains SOFA-BOOT-01-00400 and its like, with which messages begin; without a code it lists them.",
       .most = 1});
}

}  // namespace sofa::tool
