#include "sofa/tool/doctor.h"

#include <gtest/gtest.h>

namespace sofa::tool {
namespace {

using namespace std::chrono_literals;

struct Case {
  Finding finding;
  Verdict verdict;
  std::string_view advice;  // a part of it
};

TEST(Doctor, JudgesWhatItFindsAndSaysWhatToDo) {
  const PlatformPort port{9900, "the console", "admin.port"};
  const Case cases[] = {
      {judge_port(port, std::nullopt), Verdict::ok, ""},
      {judge_port(port, "taken"), Verdict::warn, "admin.port"},
      {judge_open_files(1'048'576), Verdict::ok, ""},
      {judge_open_files(8192), Verdict::warn, "ulimit -n"},
      {judge_open_files(1024), Verdict::fail, "LimitNOFILE=65536"},
      {judge_clock(true, 0ms), Verdict::ok, ""},
      {judge_clock(false, 0ms), Verdict::warn, "chrony"},
      {judge_clock(true, -2s), Verdict::fail, "slew"},
      {judge_disk("/srv", 200us), Verdict::ok, ""},
      {judge_disk("/srv", 20ms), Verdict::warn, "SSD"},
      {judge_disk("/srv", 80ms), Verdict::fail, "SSD"},
      {judge_somaxconn("4096\n"), Verdict::ok, ""},
      {judge_somaxconn("128\n"), Verdict::warn, "somaxconn=4096"},
      {judge_somaxconn(std::nullopt), Verdict::warn, "1024"},
      {judge_huge_pages("always [madvise] never\n"), Verdict::ok, ""},
      {judge_huge_pages("[always] madvise never\n"), Verdict::warn, "madvise"},
      {judge_huge_pages(std::nullopt), Verdict::ok, ""},
  };
  for (const auto& [finding, verdict, advice] : cases) {
    EXPECT_EQ(finding.verdict, verdict) << finding.check << ": " << finding.found;
    EXPECT_EQ(finding.advice.empty(), verdict == Verdict::ok) << finding.check << ": " << finding.found;
    EXPECT_TRUE(finding.advice.contains(advice)) << finding.advice;
  }
}

TEST(Doctor, AFolderThatIsNotThereCannotHoldData) {
  for (const Finding& finding : examine("/no/such/folder", "127.0.0.1")) {
    if (finding.check == "disk") EXPECT_EQ(finding.verdict, Verdict::fail) << finding.found;
  }
}

}  // namespace
}  // namespace sofa::tool
