// The reference in docs/configuration.md is made from the descriptions. After a change: SOFA_WRITE_DOCS=1 ./dev test tool

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "sofa/tool/config_sections.h"

namespace sofa::tool {
namespace {

TEST(ConfigReference, IsMadeFromTheDescriptions) {
  const char* const path = "../../../../docs/configuration.md";
  constexpr std::string_view kBegin = "writes it).\n\n";
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  const std::string page = text.str();
  const size_t at = page.find(kBegin);
  ASSERT_NE(at, std::string::npos) << path << " cannot be read, or has no reference; run the test in its folder";
  boot::Configuration configuration({.program = "sofa"});
  add_config_sections(configuration);
  const std::string made = page.substr(0, at + kBegin.size()) + config_reference(configuration);
  if (std::getenv("SOFA_WRITE_DOCS") != nullptr) std::ofstream(path) << made;
  EXPECT_EQ(page, made) << path << " is stale; write it anew with SOFA_WRITE_DOCS=1";
}

}  // namespace
}  // namespace sofa::tool
