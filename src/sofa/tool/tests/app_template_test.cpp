#include "sofa/tool/app_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <regex>
#include <set>
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

/// The first group of each match in the files of the template.
std::set<std::string> found_in_template(const char* pattern) {
  const std::regex wanted(pattern);
  std::set<std::string> found;
  for (const TemplateFile& file : app_template()) {
    const std::string text(reinterpret_cast<const char*>(file.content.data()), file.content.size());
    for (std::sregex_iterator match(text.begin(), text.end(), wanted); match != std::sregex_iterator(); ++match) found.insert((*match)[1]);
  }
  return found;
}

/// "GreetRequest" as the name of an application, "greet-request".
std::string as_name(const std::string& type) {
  std::string name;
  for (const char c : type) {
    if (c >= 'A' && c <= 'Z' && !name.empty()) name += '-';
    name += static_cast<char>(std::tolower(c));
  }
  return name;
}

TEST_F(AppTemplate, RefusesTheNamesThatItsOwnCodeHas) {
  std::set<std::string> types = found_in_template("(?:class|struct|service|message) ([A-Z]\\w*)");
  EXPECT_EQ(types.erase("AppName"), 1U);
  EXPECT_TRUE(types.contains("Greeter") && types.contains("GreetRequest") && types.contains("SailorsGreetings"));
  for (const std::string& type : types) EXPECT_FALSE(app_names(as_name(type))) << as_name(type);
  std::set<std::string> namespaces = found_in_template("(?:^|[^:\\w])([a-z]\\w*)::");
  EXPECT_EQ(namespaces.erase("app_name"), 1U);
  EXPECT_TRUE(namespaces.contains("boot") && namespaces.contains("rpc"));
  for (const std::string& one : namespaces) EXPECT_FALSE(app_names(one)) << one;
  for (const char* name : {"greet", "result", "admin", "identity"}) EXPECT_FALSE(app_names(name)) << name;
  for (const char* name : {"greeter-service", "hello", "bank-ledger"}) EXPECT_TRUE(app_names(name)) << name;
}

TEST_F(AppTemplate, SendsNobodyToAnAddressThatIsNone) { EXPECT_THAT(found_in_template("(example\\.\\w+)"), testing::IsEmpty()); }

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
