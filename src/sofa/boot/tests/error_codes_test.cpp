#include "sofa/boot/error_codes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sofa::boot {
namespace {

TEST(ErrorCodes, StandInOrderEachWithAPage) {
  const auto number = [](const ErrorPage* page) { return page->number; };
  EXPECT_TRUE(std::ranges::is_sorted(error_pages(), std::ranges::less{}, number));
  EXPECT_EQ(std::ranges::adjacent_find(error_pages(), {}, number), error_pages().end()) << "a number stands for one thing";
  for (const ErrorPage* page : error_pages()) {
    EXPECT_THAT(std::string(page->number), testing::MatchesRegex("01-[0-9]{5}"));
    EXPECT_EQ(find_error_page(page->code()), page);
    EXPECT_EQ(find_error_page(page->number), page);
    for (const std::string_view text : {page->title, page->cause, page->remedy}) EXPECT_FALSE(text.empty()) << page->number;
  }
  EXPECT_EQ(find_error_page("SOFA-BOOT-01-99999"), nullptr);
  EXPECT_EQ(coded(errors::service_missing, "no {}", "Clock"), "SOFA-BOOT-01-00400: no Clock");
}

}  // namespace
}  // namespace sofa::boot
