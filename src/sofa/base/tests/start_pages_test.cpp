#include "sofa/base/start_pages.h"

#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace sofa {
namespace {

/// Of the mappings of files that are only read, in KiB.
size_t resident_read_only() {
  std::ifstream maps("/proc/self/smaps");
  size_t total = 0;
  bool counts = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') < line.find(' ')) counts = line.find(" r--p ") != std::string::npos && line.find('/') != std::string::npos;
    if (counts && line.starts_with("Rss:")) total += std::stoul(line.substr(4));
  }
  return total;
}

TEST(StartPages, AreGivenBackAndReadAgainWhereTheyAreNeeded) {
  static constexpr char kText[] = "what a program reads stays what it was";
  const std::string before(kText);
  const size_t resident = resident_read_only();
  release_start_pages();
  EXPECT_LT(resident_read_only(), resident);
  EXPECT_EQ(kText, before);
  EXPECT_THROW(throw std::runtime_error("tables of unwinding are read-only data, too"), std::runtime_error);
}

}  // namespace
}  // namespace sofa
