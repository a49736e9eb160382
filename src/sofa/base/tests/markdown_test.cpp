#include "sofa/base/markdown.h"

#include <gtest/gtest.h>

namespace sofa {
namespace {

enum class Mode { fast, safe };
void describe(EnumDescription<Mode>& d) { d.java_type("t.Mode").value("FAST", Mode::fast, "may lose").value("SAFE", Mode::safe); }

struct Limits {
  uint32_t calls = 10;
  double share = 0.5;
  static auto describe(Description<Limits>& d) {
    d.field("calls", &Limits::calls).at_least(1);
    d.field("share", &Limits::share).range(0, 1).live();
  }
};

struct Options {
  std::string name;
  int64_t wait = 250;
  std::optional<std::string> password = "x";
  std::vector<Mode> modes{Mode::safe};
  std::map<std::string, Limits> limits;
  Link<Options> next;
  std::string peer = "a|b";
  static auto describe(Description<Options>& d) {
    d.java_type("t.Options").doc("How it runs.");
    d.field("name", &Options::name).doc("shown to\npeers").required();
    d.field("wait", &Options::wait).doc("before the first try").unit("ms").range(0, 60'000).alias("pause").java_name("waitMillis");
    d.field("password", &Options::password).secret();
    d.field("modes", &Options::modes);
    d.field("limits", &Options::limits);
    d.field("next", &Options::next);
    d.field("peer", &Options::peer);
  }
};

TEST(Markdown, TellsAllOfADescriptionAndEachTypeOnce) {
  EXPECT_EQ(describe_markdown<Options>(), R"(### t.Options

How it runs.

| field | type | unit | range | default | doc |
|---|---|---|---|---|---|
| `name` | string |  |  | required | shown to peers |
| `wait` | int64 | ms | 0 to 60000 | `250` | before the first try (also `pause`) (in Java `waitMillis`) |
| `password` | optional string |  |  |  | (secret) |
| `modes` | list of t.Mode |  |  | `["SAFE"]` |  |
| `limits` | map of string to struct |  |  |  |  |
| `next` | t.Options |  |  |  |  |
| `peer` | string |  |  | `"a\|b"` |  |

### t.Mode

| value | number | doc |
|---|---|---|
| `FAST` | 0 | may lose |
| `SAFE` | 1 |  |

### limits

| field | type | unit | range | default | doc |
|---|---|---|---|---|---|
| `calls` | uint32 |  | at least 1 | `10` |  |
| `share` | float64 |  | 0 to 1 | `0.5` | (may change at run time) |
)");
}

TEST(Markdown, NamesARootWithoutAJavaName) { EXPECT_TRUE(describe_markdown<Limits>("flags").starts_with("### flags\n\n| field |")); }

}  // namespace
}  // namespace sofa
