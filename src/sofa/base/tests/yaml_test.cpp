#include "sofa/base/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sofa {
namespace {

using testing::HasSubstr;

enum class Mode { fast, safe };
void describe(EnumDescription<Mode>& d) { d.value("fast", Mode::fast).value("safe", Mode::safe); }

struct Ledger {
  uint16_t port = 0;
  std::string folder;
  uint64_t max_frame = 1;
  int64_t timeout = 0;
  Mode mode = Mode::fast;
  std::optional<double> ratio;
  std::vector<std::string> peers;
  std::map<std::string, int32_t> weights;
  std::string key;
  static auto describe(Description<Ledger>& d) {
    d.field("port", &Ledger::port).range(1, 65535).required().alias("listen-port");
    d.field("folder", &Ledger::folder);
    d.field("max_frame", &Ledger::max_frame).unit("bytes");
    d.field("timeout", &Ledger::timeout).unit("ms").range(1, 60'000);
    d.field("mode", &Ledger::mode);
    d.field("ratio", &Ledger::ratio);
    d.field("peers", &Ledger::peers);
    d.field("weights", &Ledger::weights);
    d.field("key", &Ledger::key).secret();
  }
};

struct Bank {
  Ledger ledger;
  std::vector<Ledger> more;
  static auto describe(Description<Bank>& d) {
    d.field("ledger", &Bank::ledger);
    d.field("more", &Bank::more);
  }
};

struct Nested {
  std::vector<Nested> deeper;
  static auto describe(Description<Nested>& d) { d.field("deeper", &Nested::deeper); }
};

std::string problem_of(std::string_view text) {
  auto read = from_yaml<Bank>(text, "bank.yaml");
  return read ? "no problem" : std::string(read.error().message());
}

TEST(Yaml, FillsADescribedStruct) {
  auto bank = from_yaml<Bank>(R"(
# the bank
ledger: &base
  listen-port: 9600
  folder: "123"
  max_frame: 32MiB
  timeout: 1.5s
  mode: safe
  ratio: 0.25
  peers: [a, 127.0.0.1:1, "true"]
  weights: {x: -1, y: 2}
more:
  - *base
  - port: 1
    folder: 42
    ratio: ~
    peers:
)",
                              "bank.yaml");
  ASSERT_TRUE(bank) << bank.error().to_string();
  EXPECT_EQ(bank->ledger.port, 9600);
  EXPECT_EQ(bank->ledger.folder, "123");
  EXPECT_EQ(bank->ledger.max_frame, 32u << 20);
  EXPECT_EQ(bank->ledger.timeout, 1500);
  EXPECT_EQ(bank->ledger.mode, Mode::safe);
  EXPECT_EQ(bank->ledger.ratio, 0.25);
  EXPECT_EQ(bank->ledger.peers, (std::vector<std::string>{"a", "127.0.0.1:1", "true"}));
  EXPECT_EQ(bank->ledger.weights.at("x"), -1);
  ASSERT_EQ(bank->more.size(), 2u);
  EXPECT_EQ(bank->more[0].port, 9600);
  EXPECT_EQ(bank->more[1].folder, "42");
}

TEST(Yaml, NamesTheNearestKeyAndThePlace) {
  EXPECT_EQ(problem_of("ledger:\n  port: 1\n  portt: 2\n"), "bank.yaml:3:3: ledger.portt is no known key; did you mean \"port\"?");
  EXPECT_EQ(problem_of("# x\nledgr: {}\n"), "bank.yaml:2:1: ledgr is no known key; did you mean \"ledger\"?");
  EXPECT_EQ(problem_of("zookeeper: {}\n"), "bank.yaml:1:1: zookeeper is no known key; known here: ledger, more");
}

TEST(Yaml, TellsAllProblemsAtOnceUpToABound) {
  EXPECT_EQ(problem_of("ledger:\n  port: 70000\n  timeout: 2h\n  mode: slow\n  key: [hunter2]\nmore:\n  - folder: a\n"),
            "bank.yaml:2:9: ledger.port: expected a whole number from 1 to 65535, found 70000\n"
            "bank.yaml:3:12: ledger.timeout: expected a whole number from 1 to 60000 ms, found \"2h\" (7200000 ms)\n"
            "bank.yaml:4:9: ledger.mode: expected one of fast, safe, found \"slow\"\n"
            "bank.yaml:5:8: ledger.key: expected text, found something else (the value is secret)\n"
            "bank.yaml:7:5: more[0].port is required: a whole number from 1 to 65535");
  std::string many = "more:\n";
  for (int i = 0; i < 100; ++i) many += "  - port: x\n";
  const std::string text = problem_of(many);
  EXPECT_EQ(std::ranges::count(text, '\n'), 16);
  EXPECT_THAT(text, HasSubstr("more problems follow"));
}

TEST(Yaml, UnitsMustFit) {
  const auto timeout = [](std::string_view value) {
    auto bank = from_yaml<Bank>(fmt::format("ledger: {{port: 1, timeout: {}}}", value), "t");
    return bank ? fmt::to_string(bank->ledger.timeout) : std::string(bank.error().message());
  };
  EXPECT_EQ(timeout("800"), "800");
  EXPECT_EQ(timeout("800ms"), "800");
  EXPECT_EQ(timeout("800 ms"), "800");
  EXPECT_EQ(timeout("3000us"), "3");
  EXPECT_EQ(timeout("1min"), "60000");
  EXPECT_EQ(timeout("0.5s"), "500");
  EXPECT_THAT(timeout("1500us"), HasSubstr("found \"1500us\" (1.5 ms)"));
  EXPECT_THAT(timeout("5MiB"), HasSubstr("found \"5MiB\""));
  EXPECT_THAT(timeout("5 parsecs"), HasSubstr("found \"5 parsecs\""));
  EXPECT_THAT(timeout("0x10"), HasSubstr("found \"0x10\""));
}

TEST(Yaml, DuplicateKeysAreRefused) {
  EXPECT_THAT(problem_of("ledger: {port: 1}\nledger: {port: 2}"), HasSubstr("bank.yaml:2:1: ledger is given twice"));
}

TEST(Yaml, BrokenTextIsAnErrorAtItsPlace) {
  EXPECT_THAT(problem_of("ledger:\n  port: 1\n bad: ["), HasSubstr("bank.yaml:3:2: this is no YAML"));
  EXPECT_THAT(problem_of("ledger: *nothing"), HasSubstr("bank.yaml:1:9: this is no YAML"));
  EXPECT_THAT(problem_of("a: 1\n---\nb: 2"), HasSubstr("more than one document"));
  EXPECT_THAT(problem_of("? [a]\n: b"), HasSubstr("a list or mapping as a key"));
}

TEST(Yaml, AnEmptyDocumentChangesNothing) {
  for (const std::string_view text : {"", "# only a comment\n", "---\n", "~"}) EXPECT_EQ(problem_of(text), "no problem");
}

TEST(Yaml, DepthAndAliasesAreBounded) {
  std::string bomb = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("x{}: &x{} [", i, i);
    for (int j = 0; j < 10; ++j) bomb += fmt::format("*x{}{}", i - 1, j < 9 ? ", " : "]\n");
  }
  EXPECT_THAT(problem_of(bomb), HasSubstr("more than 100000 values"));
  EXPECT_THAT(problem_of("a: &a [*a]"), HasSubstr("an alias inside the value that it names"));
  std::string deep;
  for (int i = 0; i < 100; ++i)
    deep += fmt::format("{}deeper:\n{}-\n", std::string(static_cast<size_t>(i) * 2, ' '), std::string(static_cast<size_t>(i) * 2, ' '));
  auto read = from_yaml<Nested>(deep, "deep");
  ASSERT_FALSE(read);
  EXPECT_THAT(std::string(problem_of(std::string(100'000, '['))), HasSubstr("nested deeper than 64 levels"));
  std::string blocks;
  for (int i = 0; i < 100; ++i) blocks += "- ";
  EXPECT_THAT(problem_of(blocks + "x"), HasSubstr("nested deeper than 64 levels"));
}

}  // namespace
}  // namespace sofa
