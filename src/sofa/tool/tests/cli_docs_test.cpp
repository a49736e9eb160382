// The pages that are made from descriptions are those of the tree. After a change: ./dev docs

#include "sofa/tool/cli_docs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "sofa/tool/config_sections.h"

namespace sofa::tool {
namespace {

const std::filesystem::path kDocs = "../../../../docs";

std::string read(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(CliDocs, AreThoseOfTheTree) {
  const auto pages = markdown_pages();
  for (const auto& [name, page] : pages) EXPECT_EQ(read(kDocs / "cli" / name), page) << name << " is stale; run ./dev docs";
  for (const auto& file : std::filesystem::directory_iterator(kDocs / "cli")) {
    EXPECT_TRUE(pages.contains(file.path().filename())) << file.path() << " is of no command; run ./dev docs";
  }
}

TEST(CliDocs, ThePagesOfErrorsAreThoseOfTheirTable) {
  const auto pages = error_pages();
  for (const auto& [name, page] : pages) EXPECT_EQ(read(kDocs / "errors" / name), page) << name << " is stale; run ./dev docs";
  for (const auto& file : std::filesystem::directory_iterator(kDocs / "errors")) {
    EXPECT_TRUE(pages.contains(file.path().filename())) << file.path() << " is of no code; run ./dev docs";
  }
}

TEST(CliDocs, TheReferenceOfTheConfigurationIsThatOfTheTree) {
  const std::string page = read(kDocs / "configuration.md");
  EXPECT_EQ(page, with_reference(page)) << "docs/configuration.md is stale; run ./dev docs";
}

TEST(CliDocs, APageForManEscapesWhatRoffMeansSomethingBy) {
  const std::string page = man_pages().at("sofa-call.1");
  EXPECT_TRUE(page.starts_with(".TH SOFA\\-CALL 1\n.SH NAME\nsofa\\-call \\- calls a method"));
  EXPECT_NE(page.find("\\fB\\-t\\fR, \\fB\\-\\-timeout\\fR"), std::string::npos);
  for (std::istringstream lines(page); !lines.eof();) {
    std::string line;
    std::getline(lines, line);
    EXPECT_FALSE(line.starts_with('\'')) << line;
  }
}

}  // namespace
}  // namespace sofa::tool
