#include "sofa/base/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace sofa {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Limits {
  int64_t timeout = 3000;
  static auto describe(Description<Limits>& d) { d.field("timeout", &Limits::timeout).doc("of one call").unit("ms").range(1, 60'000); }
};

struct Options {
  uint16_t listen_port = 12200;
  std::string host = "127.0.0.1";
  bool verbose = false;
  std::vector<std::string> peer = {"default"};
  std::map<std::string, int32_t> weight;
  std::optional<int32_t> seed;
  std::string key;
  Limits call;
  static auto describe(Description<Options>& d) {
    d.doc("Answers calls.");
    d.field("listen_port", &Options::listen_port).doc("0 picks a free port").alias("port");
    d.field("host", &Options::host).doc("address to listen on");
    d.field("verbose", &Options::verbose);
    d.field("peer", &Options::peer).doc("another server");
    d.field("weight", &Options::weight);
    d.field("seed", &Options::seed);
    d.field("key", &Options::key).secret();
    d.field("call", &Options::call);
  }
};

Result<ParsedFlags> parse(std::vector<const char*> arguments, Options& options, const FlagOptions& how = {}) {
  arguments.insert(arguments.begin(), "/bin/server");
  return parse_flags(static_cast<int>(arguments.size()), arguments.data(), options, how);
}

std::string problem_of(std::vector<const char*> arguments) {
  Options options;
  auto parsed = parse(std::move(arguments), options);
  return parsed ? "no problem" : std::string(parsed.error().message());
}

TEST(Flags, AnAliasOfOneLetterStandsBehindOneDash) {
  struct Load {
    uint32_t callers = 1;
    std::map<std::string, std::string> header;
    static auto describe(Description<Load>& d) {
      d.field("callers", &Load::callers).alias("c");
      d.field("header", &Load::header).alias("H");
    }
  };
  const auto parse_load = [](std::vector<const char*> arguments, Load& load) {
    arguments.insert(arguments.begin(), "load");
    return parse_flags(static_cast<int>(arguments.size()), arguments.data(), load, {.positional_usage = "TARGET [METHOD]", .max_positional = 1});
  };
  Load load;
  auto parsed = parse_load({"-c", "8", "-H", "a=b", "-H=c=d", "-"}, load);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(load.callers, 8);
  EXPECT_EQ(load.header, (std::map<std::string, std::string>{{"a", "b"}, {"c", "d"}}));
  EXPECT_THAT(parsed->positional, ElementsAre("-"));
  EXPECT_THAT(parsed->help_text, testing::AllOf(HasSubstr("[flags] TARGET [METHOD]\n"), HasSubstr("-c, --callers")));
  for (const char* wrong : {"--c=8", "-callers=8", "-x"}) {
    parsed = parse_load({wrong}, load);
    EXPECT_FALSE(parsed) << wrong;
  }
}

TEST(Flags, SaysWhatARequiredOneIsFor) {
  struct Ledger {
    std::string folder;
    uint16_t port = 0;
    static auto describe(Description<Ledger>& d) {
      d.field("folder", &Ledger::folder).doc("where the book lives").required();
      d.field("port", &Ledger::port).required();
    }
  };
  const auto problem = [](std::vector<const char*> arguments) {
    Ledger ledger;
    return std::string(parse_flags(static_cast<int>(arguments.size()), arguments.data(), ledger).error().message());
  };
  EXPECT_EQ(problem({"ledger"}), "--folder is required and was not given: where the book lives (text)");
  EXPECT_EQ(problem({"ledger", "--folder", "f"}), "--port is required and was not given: a whole number from 0 to 65535");
}

TEST(Flags, SetFieldsInBothForms) {
  Options options;
  auto parsed = parse({"--listen-port", "0", "--host=::1", "--verbose", "--peer", "a", "--peer=b", "--weight", "x=1", "--weight=y=-2", "--seed", "7",
                       "--call-timeout=2s"},
                      options);
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(options.listen_port, 0);
  EXPECT_EQ(options.host, "::1");
  EXPECT_TRUE(options.verbose);
  EXPECT_THAT(options.peer, ElementsAre("a", "b"));
  EXPECT_EQ(options.weight, (std::map<std::string, int32_t>{{"x", 1}, {"y", -2}}));
  EXPECT_EQ(options.seed, 7);
  EXPECT_EQ(options.call.timeout, 2000);
  ASSERT_TRUE(parse({"--no-verbose", "--port=9"}, options));
  EXPECT_FALSE(options.verbose);
  EXPECT_EQ(options.listen_port, 9);
}

TEST(Flags, ErrorsNameTheFlagAndTheNearest) {
  EXPECT_EQ(problem_of({"--listn-port=1"}), "--listn-port is no known flag; did you mean --listen-port?");
  EXPECT_EQ(problem_of({"--zookeeper"}), "--zookeeper is no known flag; see --help");
  EXPECT_EQ(problem_of({"-v"}), "-v is no known flag; see --help");
  EXPECT_EQ(problem_of({"--listen-port=70000"}), "--listen-port: expected a whole number from 0 to 65535, found 70000");
  EXPECT_EQ(problem_of({"--call-timeout", "2h"}), "--call-timeout: expected a whole number from 1 to 60000 ms, found \"2h\" (7200000 ms)");
  EXPECT_EQ(problem_of({"--host"}), "--host needs a value: text");
  EXPECT_EQ(problem_of({"--no-host"}), "--no-host is no known flag; did you mean --host?");
  EXPECT_EQ(problem_of({"--verbose=maybe"}), "--verbose: expected true or false, found \"maybe\"");
  EXPECT_THAT(problem_of({"--weight=x"}), HasSubstr("which is no key=value"));
  EXPECT_THAT(problem_of({"file"}), HasSubstr("the argument \"file\" is one too many"));
}

TEST(Flags, PositionalArgumentsAreBounded) {
  Options options;
  auto parsed = parse({"in", "-", "--verbose", "--", "--out"}, options, {.positional_name = "FILE", .max_positional = 3});
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_THAT(parsed->positional, ElementsAre("in", "-", "--out"));
  EXPECT_FALSE(parse({"a", "b"}, options, {.max_positional = 1}));
}

TEST(Flags, TheCommandLineWinsOverTheEnvironment) {
  ::setenv("SOFATEST_LISTEN_PORT", "1", 1);
  ::setenv("SOFATEST_CALL_TIMEOUT", "5s", 1);
  ::setenv("SOFATEST_PEER", "from-environment", 1);
  Options options;
  ASSERT_TRUE(parse({"--listen-port=2", "--peer=p"}, options, {.environment_prefix = "SOFATEST"}));
  EXPECT_EQ(options.listen_port, 2);
  EXPECT_EQ(options.call.timeout, 5000);
  EXPECT_THAT(options.peer, ElementsAre("p"));
  ::setenv("SOFATEST_CALL_TIMEOUT", "soon", 1);
  auto parsed = parse({}, options, {.environment_prefix = "SOFATEST"});
  ASSERT_FALSE(parsed);
  EXPECT_THAT(std::string(parsed.error().message()), HasSubstr("SOFATEST_CALL_TIMEOUT: expected"));
  for (const char* name : {"SOFATEST_LISTEN_PORT", "SOFATEST_CALL_TIMEOUT", "SOFATEST_PEER"}) ::unsetenv(name);
}

TEST(Flags, HelpIsMadeFromTheDescription) {
  Options options;
  options.key = "hunter2";
  auto parsed = parse({"--listen-port=wrong", "--help"}, options, {.environment_prefix = "LEDGER"});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->help);
  EXPECT_THAT(
      parsed->help_text,
      HasSubstr(
          "Usage: server [flags]\n\nAnswers calls.\n\n  --listen-port   0 picks a free port (a whole number from 0 to 65535; default 12200)\n"));
  EXPECT_THAT(parsed->help_text, HasSubstr("  --call-timeout  of one call (a whole number from 1 to 60000 ms; default 3000)\n"));
  EXPECT_THAT(parsed->help_text, HasSubstr("  --key           (secret)\n"));
  EXPECT_THAT(parsed->help_text, HasSubstr("  --verbose\n")) << "what is plain is not said";
  EXPECT_THAT(parsed->help_text, HasSubstr("--listen-port is LEDGER_LISTEN_PORT"));
  EXPECT_THAT(parsed->help_text, testing::Not(HasSubstr("hunter2")));
}

struct Ports {
  std::vector<uint16_t> port{};
  static auto describe(Description<Ports>& d) { d.field("port", &Ports::port); }
};

TEST(Flags, OfAListThatIsRepeatedAnElementIsExpected) {
  Ports ports;
  const char* const arguments[] = {"prog", "--port", "1", "--port", "many"};
  const auto parsed = parse_flags(arguments, type_of<Ports>(), &ports);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message(), "--port: expected a whole number from 0 to 65535, found \"many\"");
}

}  // namespace
}  // namespace sofa
