#include "sofa/tool/output.h"

#include <gtest/gtest.h>

#include "sofa/tool/json_tree.h"

namespace sofa::tool {
namespace {

struct User {
  std::string name;
  std::vector<std::string> roles;
  bool admin = false;
  uint32_t max_age = 0;
  std::string password;
  static void describe(Description<User>& d) {
    d.field("name", &User::name);
    d.field("roles", &User::roles);
    d.field("admin", &User::admin);
    d.field("max_age", &User::max_age).unit("days");
    d.field("password", &User::password).secret();
  }
};
const std::vector<User> kUsers{{"ann", {"reader", "writer"}, true, 7, "s3cret"}, {"bob\x1b[31m", {}, false, 30, ""}};

/// What is printed on a terminal of 80 columns; with colours when a person looks.
template <class Print>
std::string printed(const Print& print, bool interactive = false) {
  std::FILE* file = std::tmpfile();
  Terminal terminal({file, interactive, interactive}, {file, interactive, interactive}, {});
  print(terminal);
  std::string text(1 << 14, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}
std::string rows(OutputFormat format, const TableStyle& style = {}, bool interactive = false) {
  return printed([&](Terminal& terminal) { print_rows<User>(kUsers, format, terminal, style); }, interactive);
}

TEST(Output, ATableHasTheColumnsThatItsCommandChoseAndWideHasAll) {
  EXPECT_EQ(rows(OutputFormat::table, {.columns = {"name", "max_age"}}),
            "name      max age (days)\nann                    7\nbob?[31m              30\n");
  EXPECT_EQ(rows(OutputFormat::wide, {.columns = {"name"}}),
            "name      roles           admin  max age (days)  password\n"
            "ann       reader, writer  yes                 7  ***\n"
            "bob?[31m                  no                 30  ***\n");
}

TEST(Output, RowsAreAListForPrograms) {
  EXPECT_EQ(rows(OutputFormat::json), R"([{"name":"ann","roles":["reader","writer"],"admin":true,"max_age":7,"password":"***"},)"
                                      R"({"name":"bob\u001b[31m","roles":[],"admin":false,"max_age":30,"password":"***"}])"
                                      "\n");
  EXPECT_EQ(rows(OutputFormat::yaml),
            "---\n"
            "- name: ann\n  roles:\n    - reader\n    - writer\n  admin: true\n  max_age: 7\n  password: \"***\"\n"
            "- name: \"bob\\u001b[31m\"\n  roles: []\n  admin: false\n  max_age: 30\n  password: \"***\"\n");
}

TEST(Output, NoRowsAreASentenceForPeopleAndAnEmptyListForPrograms) {
  const auto none = [](OutputFormat format) {
    return printed([&](Terminal& terminal) { print_rows<User>({}, format, terminal, {.none = "There are no users."}); });
  };
  EXPECT_EQ(none(OutputFormat::table), "There are no users.\n");
  EXPECT_EQ(none(OutputFormat::json), "[]\n");
  EXPECT_EQ(none(OutputFormat::yaml), "---\n[]\n");
}

TEST(Output, CellsAreColouredWhereAPersonLooks) {
  const TableStyle style{.columns = {"name", "admin"}, .colour = [](std::string_view column, std::string_view cell) {
                           return column == "admin" && cell == "yes" ? std::optional(Colour::green) : std::nullopt;
                         }};
  EXPECT_EQ(rows(OutputFormat::table, style).find('\x1b'), std::string::npos);
  EXPECT_NE(rows(OutputFormat::table, style, true).find("ann       \x1b[32myes\x1b[0m\n"), std::string::npos);
}

TEST(Output, AnObjectHasALineForEachField) {
  const auto text = printed([](Terminal& terminal) { print_object(kUsers[0], OutputFormat::table, terminal); });
  EXPECT_EQ(text, "name            ann\nroles           reader, writer\nadmin           yes\nmax age (days)  7\npassword        ***\n");
}

TEST(Output, TextIsAnotherWordForATable) {
  const EnumInfo& formats = *type_of<OutputFormat>().enumeration;
  EXPECT_EQ(formats.by_name("text")->number, static_cast<int64_t>(OutputFormat::table));
  EXPECT_EQ(names_of(formats), (std::vector<std::string_view>{"table", "wide", "json", "yaml"}));
}

TEST(Yaml, TextsThatYamlTakesForSomethingElseAreQuoted) {
  struct Case {
    std::string_view json, yaml;
  };
  for (const auto& [json, yaml] : {Case{R"("plain text")", "plain text\n"},
                                   {R"("no")", "\"no\"\n"},
                                   {R"("12")", "\"12\"\n"},
                                   {R"("a: b")", "\"a: b\"\n"},
                                   {R"("")", "\"\"\n"},
                                   {R"("- x")", "\"- x\"\n"},
                                   {R"("tail ")", "\"tail \"\n"},
                                   {"\"\u2028\u0085\"", "\"\\u2028\\u0085\"\n"},
                                   {"1e20", "1.0e20\n"},
                                   {"-1.5E3", "-1.5E3\n"},
                                   {"null", "null\n"},
                                   {R"({"a":[[1,2],[],{}],"true":{"b":null}})", "a:\n  - - 1\n    - 2\n  - []\n  - {}\n\"true\":\n  b: null\n"}}) {
    EXPECT_EQ(yaml_of_json(json), yaml);
  }
}

}  // namespace
}  // namespace sofa::tool
