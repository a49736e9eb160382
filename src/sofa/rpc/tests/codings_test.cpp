// Bodies in gzip, zstd and br at a server of services: refused where nobody decompresses them, read where http::ContentCodings stands before.

#include "sofa/http/content_coding.h"

#include "http_client.h"
#include "sofa/rpc/rest.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct Words : Interface {
  static constexpr std::string_view kName = "test.Words";
  Method<std::string(std::string)> echo{this, "echo", {.parameters = {"text"}}};
};

constexpr std::string_view kMethod = "/test.Words:1.0/echo", kRoute = "/words";

std::string packed(std::string_view name, std::string_view body) {
  Buffer out;
  const auto done = http::make_compressor(*http::parse_content_coding(name))->compress(as_bytes(body), http::Compressor::Flush::end, out);
  EXPECT_TRUE(done);
  return std::string(as_text(out.span()));
}

std::string unpacked(std::string_view name, std::string_view body) {
  Buffer in, out;
  in.append(as_bytes(body));
  const auto done = http::make_decompressor(*http::parse_content_coding(name))->decompress(in, size_t{16} << 20, out);
  EXPECT_TRUE(done);
  return std::string(as_text(out.span()));
}

class Codings : public ::testing::TestWithParam<http::Version> {
 public:
  Task<Result<void>> open(std::optional<http::ContentCodingOptions> options) {
    auto words = std::make_shared<Words>();
    words->echo = [](std::string text) { return text; };
    auto routes = std::make_shared<RestRoutes>();
    routes->post(kRoute, &Words::echo);
    Server server = Server(ServerOptions{.port = 0}).add(words, {.thread_safe = true}).rest(routes);
    if (options) {
      const auto make = [options](http::Handler& next) { return std::make_unique<http::ContentCodings>(next, *options); };
      static_cast<void>(std::move(server).middleware(make));
    }
    server_ = co_await or_return(std::move(server).start());
    co_return Result<void>();
  }
  Task<Result<HttpAnswer>> send(std::string_view target, std::string_view coding, std::string body, http::Headers further = {}) const {
    http::Headers fields{{"content-type", "application/json"}, {"content-encoding", coding}};
    for (const http::HeaderField field : further) fields.add(field.name, field.value);
    co_return co_await ask(*server_, GetParam(), {.method = "POST", .target = std::string(target), .headers = fields}, std::move(body));
  }
  Task<Result<void>> close() { return server_->stop(); }

  std::unique_ptr<RunningServer> server_;
};

TEST_P(Codings, ABodyThatNobodyDecompressesIsRefused) {
  run_test([](Codings& test) -> Task<Result<void>> {
    co_await or_return(test.open({}));
    for (const std::string_view target : {kMethod, kRoute}) {
      for (const std::string_view coding : {"gzip", "br", "zstd", "deflate"}) {
        const auto answer = co_await or_return(test.send(target, coding, R"({"text": "x"})"));
        EXPECT_EQ(answer.status, 415) << target;
        EXPECT_EQ(answer.fields.get_or("accept-encoding"), "identity");
        EXPECT_THAT(answer.body, HasSubstr(fmt::format("content-encoding is '{}', which is none of identity", coding)));
      }
      EXPECT_EQ((co_await or_return(test.send(target, "identity", R"({"text": "x"})"))).status, 200) << target;
    }
    co_return co_await test.close();
  }(*this));
}

TEST_P(Codings, AMiddlewareReadsAndWritesThem) {
  run_test([](Codings& test) -> Task<Result<void>> {
    co_await or_return(test.open(http::ContentCodingOptions{}));
    const std::string text(100'000, 'x');
    for (const std::string_view target : {kMethod, kRoute}) {
      for (const std::string_view coding : {"gzip", "br", "zstd"}) {
        const std::string body = packed(coding, fmt::format(R"({{"text": "{}"}})", text));
        const auto answer = co_await or_return(test.send(target, coding, body, {{"accept-encoding", coding}}));
        EXPECT_EQ(answer.status, 200) << target << " " << coding;
        EXPECT_EQ(answer.fields.get_or("content-encoding"), coding);
        EXPECT_LT(answer.body.size(), 10'000u);
        EXPECT_EQ(unpacked(coding, answer.body), fmt::format(R"("{}")", text));
      }
      const auto unknown = co_await or_return(test.send(target, "deflate", "x"));
      EXPECT_EQ(unknown.status, 415);
      EXPECT_EQ(unknown.fields.get_or("accept-encoding"), "br, zstd, gzip, identity");
      EXPECT_THAT(unknown.body, HasSubstr("content-encoding is 'deflate', which is none of br, zstd, gzip, identity"));
    }
    co_return co_await test.close();
  }(*this));
}

TEST_P(Codings, TheDecompressedSizeIsBounded) {
  run_test([](Codings& test) -> Task<Result<void>> {
    co_await or_return(test.open(http::ContentCodingOptions{.max_decompressed = 1 << 20}));
    for (const std::string_view target : {kMethod, kRoute}) {
      for (const std::string_view coding : {"gzip", "br", "zstd"}) {
        const std::string bomb = packed(coding, std::string(size_t{8} << 20, ' '));
        EXPECT_LT(bomb.size(), 100'000u);
        const auto answer = co_await or_return(test.send(target, coding, bomb));
        EXPECT_EQ(answer.status, 413) << target << " " << coding;
        EXPECT_THAT(answer.body, HasSubstr("more than 1048576 bytes when decompressed (max_decompressed)"));
      }
    }
    co_return co_await test.close();
  }(*this));
}

INSTANTIATE_TEST_SUITE_P(Version, Codings, ::testing::Values(http::Version::http1_1, http::Version::http2),
                         [](const auto& version) { return version.param == http::Version::http2 ? "Http2" : "Http1"; });

}  // namespace
}  // namespace sofa::rpc
