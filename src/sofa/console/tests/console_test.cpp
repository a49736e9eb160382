#include "sofa/console/console.h"

#include <gtest/gtest.h>

#include "sofa/console/detail/files.h"
#include "sofa/http/testing/recorded_exchange.h"

namespace sofa::console {
namespace {

using Sent = http::testing::RecordedExchange::Sent;

class ConsoleTest : public ::testing::Test {
 protected:
  Sent get(std::string target, http::Headers headers = {}) {
    Sent sent;
    console.handle(std::make_unique<http::testing::RecordedExchange>(sent, "GET", std::move(target), std::move(headers)));
    return sent;
  }
  Console console;
};

TEST_F(ConsoleTest, IsAskedForAnewAndItsAssetsAreKeptForEver) {
  const Sent page = get("/console/", {{"accept-encoding", "gzip"}});
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.get("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.headers.get("cache-control"), "no-cache");
  EXPECT_EQ(page.headers.get("content-encoding"), "gzip");
  EXPECT_EQ(get("/console/", {{"if-none-match", std::string(page.headers.get_or("etag"))}, {"accept-encoding", "gzip"}}).status, 304);
  size_t assets = 0;
  for (const detail::EmbeddedFile& file : detail::embedded_files()) {
    const Sent sent = get(fmt::format("/console/{}", file.path));
    EXPECT_EQ(sent.status, 200) << file.path;
    EXPECT_NE(sent.headers.get("content-type"), "application/octet-stream") << file.path;
    if (!file.path.starts_with("assets/")) continue;
    EXPECT_EQ(sent.headers.get("cache-control"), "public, max-age=31536000, immutable");
    ++assets;
  }
  EXPECT_GT(assets, 3U);
}

TEST_F(ConsoleTest, NamesOnlyScriptsAndStylesOfItsOwn) {
  const std::string page = get("/console/").body;
  EXPECT_EQ(page.find("://"), std::string::npos) << page;
  EXPECT_NE(page.find("<div id=\"root\">"), std::string::npos) << page;
}

TEST_F(ConsoleTest, OpensAtEveryAddressOfItsPagesAndAnswers404ForAnAssetThatIsGone) {
  const http::Headers as_browser{{"accept", "text/html,application/xhtml+xml"}};
  EXPECT_EQ(get("/console/services/p-1/bank.Gateway", as_browser).body, get("/console/").body);
  EXPECT_EQ(get("/console/assets/index-old.js", {{"accept", "*/*"}}).status, 404);
}

TEST_F(ConsoleTest, ForbidsFramesAndForeignContent) {
  const Sent page = get("/console/");
  EXPECT_NE(page.headers.get_or("content-security-policy").find("frame-ancestors 'none'"), std::string_view::npos);
  EXPECT_EQ(page.headers.get("x-frame-options"), "DENY");
  EXPECT_EQ(page.headers.get("x-content-type-options"), "nosniff");
}

TEST_F(ConsoleTest, IsWhereTheRootOfThePortLeads) {
  for (const char* from : {"/", "/console"}) {
    const Sent sent = get(from);
    EXPECT_EQ(sent.status, 302) << from;
    EXPECT_EQ(sent.headers.get("location"), "/console/") << from;
  }
  EXPECT_EQ(get("/consoles", {{"accept", "text/html"}}).status, 404);
}

TEST(ConsoleSize, IsUnderAMegabyteAndUnder400KilobytesCompressed) {
  size_t sum = 0;
  for (const detail::EmbeddedFile& file : detail::embedded_files()) sum += file.content.size();
  EXPECT_LT(sum, size_t{400} * 1000) << "all pages together: the first route is less";
}

}  // namespace
}  // namespace sofa::console
