// sofa-docs: writes what is made from descriptions: docs/cli, docs/errors, the reference in docs/configuration.md, and the pages for man.

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sofa/base/flags.h"
#include "sofa/tool/cli_docs.h"
#include "sofa/tool/config_sections.h"

namespace {

namespace fs = std::filesystem;

struct Options {
  std::string docs;
  std::string man;
  static void describe(sofa::Description<Options>& d) {
    d.doc("Writes the pages that are made from descriptions.");
    d.field("docs", &Options::docs).doc("the folder docs of the tree: cli/ and errors/ are written anew, and the reference in configuration.md");
    d.field("man", &Options::man).doc("a folder for the pages of man");
  }
};

bool write(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (file) return true;
  fmt::print(stderr, "{} cannot be written\n", path.string());
  return false;
}

bool write_all(const fs::path& folder, const std::map<std::string, std::string>& pages) {
  std::error_code code;
  fs::create_directories(folder, code);
  return std::ranges::all_of(pages, [&](const auto& page) { return write(folder / page.first, page.second); });
}

bool write_docs(const fs::path& docs) {
  std::error_code code;
  for (const char* folder : {"cli", "errors"}) fs::remove_all(docs / folder, code);
  std::ostringstream page;
  page << std::ifstream(docs / "configuration.md").rdbuf();
  const std::string anew = sofa::tool::with_reference(page.str());
  if (anew.empty()) return fmt::print(stderr, "{} has no line <!-- reference -->\n", (docs / "configuration.md").string()), false;
  return write(docs / "configuration.md", anew) && write_all(docs / "cli", sofa::tool::markdown_pages()) &&
         write_all(docs / "errors", sofa::tool::error_pages());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const auto flags = sofa::parse_flags(argc, argv, options);
  if (const auto code = sofa::exit_code_of(flags)) return *code;
  const bool docs = options.docs.empty() || write_docs(options.docs);
  const bool man = options.man.empty() || write_all(options.man, sofa::tool::man_pages());
  return docs && man ? 0 : 1;
}
