#include <gtest/gtest.h>

#include "sofa/grpc/status.h"

namespace sofa::grpc {
namespace {

using namespace std::chrono_literals;

TEST(Status, MessagesArePercentEncoded) {
  const std::pair<const char*, const char*> cases[] = {
      {"plain text ~", "plain text ~"}, {"100%", "100%25"}, {"a\nb\x7f", "a%0Ab%7F"}, {"中", "%E4%B8%AD"}, {"", ""}};
  for (const auto& [text, encoded] : cases) {
    EXPECT_EQ(encode_message(text), encoded);
    EXPECT_EQ(decode_message(encoded), text);
  }
  EXPECT_EQ(decode_message("%4a%zz%4"), "J%zz%4") << "what is broken stays as it is";
}

TEST(Status, TimeoutsAreReadAndWritten) {
  const std::pair<const char*, std::optional<Duration>> cases[] = {{"1H", 1h},
                                                                   {"2M", 2min},
                                                                   {"3S", 3s},
                                                                   {"4m", 4ms},
                                                                   {"5u", 5us},
                                                                   {"6n", 6ns},
                                                                   {"99999999n", Duration(99'999'999)},
                                                                   {"0S", 0s},
                                                                   {"100000000n", {}},
                                                                   {"", {}},
                                                                   {"S", {}},
                                                                   {"5", {}},
                                                                   {"-5S", {}},
                                                                   {"5s", {}},
                                                                   {" 5S", {}},
                                                                   {"5 S", {}},
                                                                   {"99999999H", Duration::max()}};
  for (const auto& [text, timeout] : cases) EXPECT_EQ(parse_timeout(text), timeout) << text;
  EXPECT_EQ(format_timeout(99'900'000ns), "99900000n");
  EXPECT_EQ(format_timeout(99'999'999ns), "100000u");
  EXPECT_EQ(format_timeout(999ns), "999n");
  EXPECT_EQ(format_timeout(1001ns), "1010n");
  EXPECT_EQ(format_timeout(10s - 3us), format_timeout(10s - 70us));
  EXPECT_EQ(format_timeout(100ms), "100000u");
  EXPECT_EQ(format_timeout(1000s), "1000000m");
  EXPECT_EQ(format_timeout(-1s), "0n");
  EXPECT_EQ(format_timeout(Duration::max()), "2562047H");
}

TEST(Status, CodesOfHttpAndOfResets) {
  EXPECT_EQ(code_of_http_status(404), Code::unimplemented);
  EXPECT_EQ(code_of_http_status(503), Code::unavailable);
  EXPECT_EQ(code_of_http_status(401), Code::unauthenticated);
  EXPECT_EQ(code_of_http_status(302), Code::unknown);
  EXPECT_EQ(code_of_reset(7), Code::unavailable);
  EXPECT_EQ(code_of_reset(8), Code::cancelled);
  EXPECT_EQ(code_of_reset(11), Code::resource_exhausted);
  EXPECT_EQ(code_of_reset(2), Code::internal);
}

}  // namespace
}  // namespace sofa::grpc
