#include "sofa/boot/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sofa::boot {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Ledger {
  uint16_t port = 12200;
  std::string folder;
  uint32_t most = 10;
  std::string password;
  static auto describe(Description<Ledger>& d) {
    d.field("port", &Ledger::port).doc("0 picks a free one");
    d.field("folder", &Ledger::folder).doc("where the books are").required();
    d.field("most", &Ledger::most).range(1, 1000).live();
    d.field("password", &Ledger::password).secret();
  }
};
struct Journal {
  std::vector<std::string> copies{"here"};
  static auto describe(Description<Journal>& d) { d.field("copies", &Journal::copies).live(); }
};

class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest() {
    configuration.add<Ledger>("ledger");
    configuration.add<Journal>("payments.journal");
    std::filesystem::create_directories(folder);
  }
  ~ConfigurationTest() override {
    std::filesystem::remove_all(folder);
    unsetenv("BANKTEST_LEDGER_PORT");
    unsetenv("BANKTEST_LEDGER_MOST");
  }
  std::string write(const std::string& name, std::string_view text) {
    const std::string path = folder + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  Result<ParsedFlags> load(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "bank");
    return configuration.load(static_cast<int>(arguments.size()), arguments.data());
  }
  Origin origin(std::string_view path) { return configuration.explain(path).value().origin; }

  const std::string folder = testing::TempDir() + "configuration-" + std::to_string(getpid());
  Configuration configuration{{.program = "bank", .about = "A bank.", .environment_prefix = "BANKTEST", .default_file = {}}};
};

TEST_F(ConfigurationTest, TheStrongerLayerWinsAndEveryValueKnowsItsOrigin) {
  const std::string file = write("bank.yaml", "ledger:\n  port: 1\n  folder: /srv\n  most: 2\n");
  setenv("BANKTEST_LEDGER_PORT", "3", 1);
  setenv("BANKTEST_LEDGER_MOST", "4", 1);
  const auto loaded = load({"--config", file.c_str(), "--ledger-most=5"});
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  const auto& ledger = configuration.get<Ledger>("ledger");
  EXPECT_EQ(ledger.port, 3);
  EXPECT_EQ(ledger.most, 5u);
  EXPECT_EQ(ledger.folder, "/srv");
  EXPECT_EQ(origin("ledger.folder").where, file + ":3:11");
  EXPECT_EQ(origin("ledger.port").kind, OriginKind::environment);
  EXPECT_EQ(origin("ledger.port").where, "BANKTEST_LEDGER_PORT");
  EXPECT_EQ(origin("ledger.most").where, "--ledger-most");
  EXPECT_EQ(origin("payments.journal.copies").kind, OriginKind::standard);
}

TEST_F(ConfigurationTest, EveryProblemOfAFileIsToldWithItsPlace) {
  const auto read = configuration.load_text("ledgr: {}\nledger:\n  port: many\n  mosst: 1\npayments: {jornal: {}}\n", "bank.yaml");
  ASSERT_FALSE(read);
  EXPECT_THAT(std::string(read.error().message()), HasSubstr("bank.yaml:1:1: ledgr is no known key; did you mean \"ledger\"?"));
  EXPECT_THAT(std::string(read.error().message()), HasSubstr("bank.yaml:3:9: ledger.port: expected a whole number"));
  EXPECT_THAT(std::string(read.error().message()), HasSubstr("bank.yaml:4:3: ledger.mosst is no known key; did you mean \"most\"?"));
  EXPECT_THAT(std::string(read.error().message()), HasSubstr("bank.yaml:5:12: payments.jornal is no known key; did you mean \"journal\"?"));
}

TEST_F(ConfigurationTest, WhatIsRequiredMayComeFromAnyLayer) {
  EXPECT_TRUE(load({"--ledger-folder", "/srv"}));
  const auto missing = load({});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(), "ledger.folder is required: where the books are; set it in the file, the environment, or by --ledger-folder");
}

TEST_F(ConfigurationTest, AFileThatIsNotThereIsToldByName) {
  const auto loaded = load({"-c", "/no/such/bank.yaml"});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().to_string(),
            "the configuration cannot be loaded: the file \"/no/such/bank.yaml\" cannot be read: No such file or directory (errno 2)");
}

TEST_F(ConfigurationTest, HelpKnowsTheSections) {
  const auto loaded = load({"--help"});
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->help);
  EXPECT_THAT(loaded->help_text, HasSubstr("-c, --config"));
  EXPECT_THAT(loaded->help_text, HasSubstr("--payments-journal-copies"));
}

TEST_F(ConfigurationTest, SecretsComeFromFilesAndAreNeverShown) {
  const std::string secret = write("password", "s3cret\n");
  ASSERT_TRUE(configuration.load_text("ledger: {folder: /srv, password: \"file:" + secret + "\"}", "bank.yaml"));
  EXPECT_EQ(configuration.get<Ledger>("ledger").password, "s3cret");
  const auto shown = configuration.explain("ledger.password").value();
  EXPECT_EQ(shown.json, "\"***\"");
  EXPECT_THAT(shown.origin.where, HasSubstr("(file:" + secret + ")"));
  const auto missing = configuration.load_text("ledger: {folder: /srv, password: \"file:/no/such\"}", "bank.yaml");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().to_string(), HasSubstr("bank.yaml:1:34: the secret ledger.password cannot be read: the file \"/no/such\""));
}

TEST_F(ConfigurationTest, LiveValuesChangeAndTheOthersAreRefused) {
  ASSERT_TRUE(configuration.load_text("ledger: {folder: /srv, most: 2}", "bank.yaml"));
  const auto& ledger = configuration.get<Ledger>("ledger");
  uint32_t before = 0, now = 0;
  const auto note = [&](const ConfigChange& change) -> Result<void> {
    EXPECT_EQ(change.section, "ledger");
    before = static_cast<const Ledger*>(change.before)->most;
    now = static_cast<const Ledger*>(change.now)->most;
    return {};
  };
  const auto changed = configuration.apply("ledger: {most: 7}", "dynamic", note);
  ASSERT_TRUE(changed) << changed.error().to_string();
  EXPECT_THAT(*changed, ElementsAre("ledger.most"));
  EXPECT_EQ(std::pair(before, now), std::pair(2u, 7u));
  EXPECT_EQ(ledger.most, 7u);
  EXPECT_EQ(origin("ledger.most").kind, OriginKind::dynamic);
  EXPECT_EQ(configuration.changes().times, 1u);
  EXPECT_EQ(configuration.changes().last, *changed);

  const auto refused = configuration.apply("ledger: {most: 8, port: 1}", "dynamic", note);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "dynamic:1:25: ledger.port cannot change while the program runs; change it in the file and start anew");
  EXPECT_EQ(ledger.most, 7u);

  ASSERT_TRUE(configuration.apply("", "dynamic", note));
  EXPECT_EQ(ledger.most, 2u) << "the file's value is back";
  EXPECT_EQ(origin("ledger.most").kind, OriginKind::file);
}

TEST_F(ConfigurationTest, AChangeThatOneSectionRefusesChangesNothing) {
  ASSERT_TRUE(configuration.load_text("ledger: {folder: /srv}", "bank.yaml"));
  std::vector<std::string> asked;
  const auto refuse = [&](const ConfigChange& change) -> Result<void> {
    asked.push_back(change.section);
    if (change.section == "payments.journal") return fail(Code::failed_precondition, "no room for copies");
    return {};
  };
  const auto changed = configuration.apply("ledger: {most: 7}\npayments: {journal: {copies: [a, b]}}", "dynamic", refuse);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().to_string(), "\"payments.journal\" refuses its new configuration: no room for copies");
  EXPECT_THAT(asked, ElementsAre("ledger", "payments.journal", "ledger")) << "the first is asked back";
  EXPECT_EQ(configuration.get<Ledger>("ledger").most, 10u);
}

TEST_F(ConfigurationTest, AnUnknownKeyIsExplainedByTheNearest) {
  ASSERT_TRUE(load({"--ledger-folder", "/srv"}));
  EXPECT_EQ(configuration.explain("ledger.prot").error().message(), "\"ledger.prot\" is no key of the configuration; did you mean \"ledger.port\"?");
}

TEST_F(ConfigurationTest, AMistakeOfAFileHidesNoneOfItsOthers) {
  const auto read = configuration.load_text("ledger:\n  mosst: 1\n  password: file:/no/such\n", "bank.yaml");
  ASSERT_FALSE(read);
  const std::string said = read.error().to_string();
  EXPECT_THAT(said, HasSubstr("bank.yaml:2:3: ledger.mosst is no known key"));
  EXPECT_THAT(said, HasSubstr("bank.yaml:3:13: the secret ledger.password cannot be read"));
  EXPECT_THAT(said, HasSubstr("bank.yaml:2:3: ledger.folder is required"));
}

TEST_F(ConfigurationTest, AValueMayHaveACheckOfItsOwn) {
  configuration.check<uint16_t>("ledger.port", [](const uint16_t& port) -> Result<void> {
    return port == 13 ? fail(Code::invalid_argument, "13 brings bad luck; take another one") : Result<void>();
  });
  EXPECT_TRUE(configuration.load_text("ledger: {folder: /srv}", "bank.yaml"));
  EXPECT_EQ(configuration.load_text("ledger: {folder: /srv, port: 13}", "bank.yaml").error().message(),
            "bank.yaml:1:30: ledger.port: 13 brings bad luck; take another one");
}

TEST_F(ConfigurationTest, AMappingMayHaveACheckThatSeesAllOfItsKeys) {
  configuration.check<Ledger>("ledger", [](const Ledger& ledger) -> Result<void> {
    return ledger.port == 13 && ledger.most > 10 ? fail(Code::invalid_argument, "port 13 is for few") : Result<void>();
  });
  EXPECT_TRUE(configuration.load_text("ledger: {folder: /srv, port: 13}", "bank.yaml"));
  EXPECT_EQ(configuration.load_text("ledger: {port: 13, most: 11, folder: /srv}", "bank.yaml").error().message(),
            "bank.yaml:1:38: ledger: port 13 is for few");
  EXPECT_EQ(load({"--ledger-folder", "/srv", "--ledger-port", "13", "--ledger-most", "11"}).error().message(),
            "--ledger-folder: ledger: port 13 is for few");
}

TEST_F(ConfigurationTest, AKeyHasTheNamesOfItsFlagAndVariable) {
  EXPECT_EQ(configuration.environment_name("payments.journal.copies"), "BANKTEST_PAYMENTS_JOURNAL_COPIES");
  EXPECT_EQ(Configuration::flag_name("payments.journal.copies"), "--payments-journal-copies");
}

TEST_F(ConfigurationTest, AMappingIsNoKeyAndTellsWhatItHolds) {
  ASSERT_TRUE(load({"--ledger-folder", "/srv"}));
  EXPECT_EQ(configuration.explain("payments").error().message(), "\"payments\" is a mapping; it holds payments.journal.copies");
}

TEST(ConfigurationDeathTest, ASectionInsideAnotherIsAFaultOfTheCode) {
  Configuration configuration{{}};
  configuration.add<Ledger>("ledger");
  EXPECT_DEATH(configuration.add<Journal>("ledger"), "the configuration section \"ledger\" cannot be added: there is one with this name");
  EXPECT_DEATH(configuration.add<Journal>("ledger.journal"), "cannot be added");
}

}  // namespace
}  // namespace sofa::boot
