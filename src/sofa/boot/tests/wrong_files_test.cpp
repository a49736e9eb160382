// Wrong configuration files and what is said of each: wrong_files.txt. After a change of a sentence: SOFA_WRITE_DOCS=1 in this folder, and
// read the difference.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "sofa/boot/testing/every_kind.h"

namespace sofa::boot {
namespace {

constexpr const char* kPath = "wrong_files.txt";

struct Wrong {
  std::string name, yaml, said;
};

/// "=== NAME", the file, "--- says", what is said.
std::vector<Wrong> read_table() {
  std::ifstream file(kPath);
  std::vector<Wrong> table;
  bool says = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("=== ")) {
      table.push_back({line.substr(4), "", ""});
      says = false;
    } else if (line == "--- says" && !table.empty() && !says) {
      says = true;
    } else if (!table.empty()) {
      (says ? table.back().said : table.back().yaml) += line + "\n";
    }
  }
  return table;
}

std::string told(const std::string& yaml) {
  Configuration configuration({.program = "test"});
  testing::add_every_kind(configuration);
  const auto read = configuration.load_text(yaml, "sofa.yaml");
  return read ? "" : read.error().to_string() + "\n";
}

TEST(WrongFiles, EachIsToldWithItsPlaceAndTheWayOut) {
  const std::vector<Wrong> table = read_table();
  ASSERT_GE(table.size(), 60u) << kPath << " is not there; run the test in its folder";
  std::ostringstream anew;
  for (const Wrong& wrong : table) {
    const std::string said = told(wrong.yaml);
    EXPECT_EQ(said, wrong.said) << wrong.name;
    EXPECT_FALSE(said.empty()) << wrong.name << " is no mistake";
    for (std::istringstream lines(said); !lines.eof();) {
      std::string line;
      if (std::getline(lines, line) && !line.empty()) EXPECT_TRUE(line.starts_with("sofa.yaml:")) << line;
    }
    anew << "=== " << wrong.name << "\n" << wrong.yaml << "--- says\n" << said;
  }
  if (std::getenv("SOFA_WRITE_DOCS") != nullptr) std::ofstream(kPath) << anew.str();
}

TEST(WrongFiles, WhatIsRightIsTaken) {
  EXPECT_EQ(told("store: {journal: {folder: /srv, peers: [{host: a, behind: [{host: b}]}], named: {x: {host: c}}}}\n"
                 "limits: {memory: 32MiB, timeout: 1.5s, listen_port: 0}\nlog:\n"),
            "");
}

}  // namespace
}  // namespace sofa::boot
