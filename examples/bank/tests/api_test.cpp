// examples/bank/API.md is made from the declarations. After a change: SOFA_WRITE_DOCS=1 build/release/bin/bank_test --gtest_filter='Api.*'

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "bank/bank_api.h"
#include "sofa/rpc/service_markdown.h"

namespace bank {
namespace {

TEST(Api, TheDocsAreTheDeclarations) {
  const char* const path = "examples/bank/API.md";
  const std::string made =
      "# The bank's gateway\n\nMade from [bank_api.h](bank_api.h) by `rpc::service_markdown`.\n\n" + sofa::rpc::service_markdown<Gateway>();
  if (std::getenv("SOFA_WRITE_DOCS") != nullptr) std::ofstream(path) << made;
  std::ifstream file(path);
  ASSERT_TRUE(file) << path << " cannot be read; run the test in the root of the tree";
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), made) << path << " is stale; write it anew with SOFA_WRITE_DOCS=1";
}

}  // namespace
}  // namespace bank
