#include "sofa/tool/app_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace sofa::tool {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class AppTemplate : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "sofa-app-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_F(AppTemplate, NamesAnApplicationInThreeWays) {
  const auto names = app_names("order-book2");
  ASSERT_TRUE(names);
  EXPECT_EQ(names->program, "order-book2");
  EXPECT_EQ(names->identifier, "order_book2");
  EXPECT_EQ(names->type, "OrderBook2");
  EXPECT_EQ(with_names("app-name app_name AppName app name", *names), "order-book2 order_book2 OrderBook2 app name");
}

TEST_F(AppTemplate, RefusesANameThatNoProgramOrNamespaceCanHave) {
  for (const char* name : {"", "-", "Hello", "a--b", "a-", "-a", "1a", "a_b", "a b", "../a", "a/b", "ä"}) {
    const auto names = app_names(name);
    ASSERT_FALSE(names) << name;
    EXPECT_THAT(names.error().to_string(), HasSubstr("as in order-book")) << name;
  }
  EXPECT_FALSE(app_names(std::string(41, 'a')));
  EXPECT_TRUE(app_names(std::string(40, 'a')));
  for (const char* name : {"class", "static", "sofa", "std", "test"}) {
    const auto names = app_names(name);
    ASSERT_FALSE(names) << name;
    EXPECT_THAT(names.error().to_string(), HasSubstr(std::string(name) + "-service"));
  }
}

TEST_F(AppTemplate, WritesEachFileUnderTheNamesOfTheApplication) {
  ASSERT_TRUE(write_app(folder_ / "deep" / "shop", *app_names("shop")));
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "deep" / "shop")) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const std::string text = entry.path().string() + read(entry.path());
    for (const char* word : {"app-name", "app_name", "AppName"}) EXPECT_EQ(text.find(word), std::string::npos) << entry.path();
  }
  EXPECT_EQ(files, app_template().size());
  EXPECT_THAT(read(folder_ / "deep/shop/proto/shop.proto"), HasSubstr("package shop;"));
  EXPECT_TRUE(fs::exists(folder_ / "deep/shop/.gitignore"));
}

TEST_F(AppTemplate, OverwritesNothing) {
  std::ofstream(folder_ / "mine") << "kept";
  const auto written = write_app(folder_, *app_names("shop"));
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().to_string(), HasSubstr("is not empty: name another by --dir"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  const auto onto_file = write_app(folder_ / "mine", *app_names("shop"));
  ASSERT_FALSE(onto_file);
  EXPECT_THAT(onto_file.error().to_string(), HasSubstr("is no folder"));
}

}  // namespace
}  // namespace sofa::tool
