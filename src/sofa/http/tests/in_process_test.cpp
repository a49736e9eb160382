#include "sofa/http/in_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/http/router.h"
#include "sofa/io/runtime.h"
#include "sofa/io/scope.h"

namespace sofa::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

void with_router(const std::function<void(Router&)>& prepare, const std::function<io::Task<void>(Router&)>& body) {
  io::Runtime runtime({.shards = 1});
  runtime.block_on([&]() -> io::Task<void> {
    Router router;
    prepare(router);
    co_await body(router);
    co_await router.stop_shard();
  }());
}

TEST(InProcess, AnAnswerIsGivenWhole) {
  with_router(
      [](Router& router) {
        router.get("/now", [](const ExchangePtr& exchange) { (void)respond_text(*exchange, 200, exchange->context().principal); });
        router.get("/pieces", [](Exchange& exchange, Body& body) -> io::Task<Result<void>> {
          co_await io::or_return(exchange.send_response(201, {{"x-kind", "pieces"}}));
          for (const char* piece : {"a", "b"}) {
            co_await io::yield();
            co_await io::or_return(co_await body.write(Bytes::copy_of(piece)));
          }
          co_return exchange.send_data({}, true);
        });
      },
      [](Router& router) -> io::Task<void> {
        const auto now = co_await ask_in_process(router, {.head = {.target = "/now"}, .principal = "ann"});
        EXPECT_TRUE(now && now->head.status == 200 && now->body.text() == "ann\n");
        const auto pieces = co_await ask_in_process(router, {.head = {.target = "/pieces"}});
        EXPECT_TRUE(pieces && pieces->head.status == 201 && pieces->head.headers.get("x-kind") == "pieces" && pieces->body.text() == "ab");
        EXPECT_EQ((co_await ask_in_process(router, {.head = {.target = "/none"}}))->head.status, 404);
      });
}

TEST(InProcess, AnAnswerThatIsTooLongAndOneThatDoesNotComeAreErrors) {
  with_router(
      [](Router& router) {
        router.get("/long", [](const ExchangePtr& exchange) { (void)respond_text(*exchange, 200, std::string(100, 'x')); });
        router.get("/dropped", [](const ExchangePtr&) {});
      },
      [](Router& router) -> io::Task<void> {
        const auto too_long = co_await ask_in_process(router, {.head = {.target = "/long"}, .most = 99});
        EXPECT_EQ(too_long.error().code(), Code::resource_exhausted);
        EXPECT_THAT(std::string(too_long.error().message()), HasSubstr("99 bytes"));
        EXPECT_EQ((co_await ask_in_process(router, {.head = {.target = "/dropped"}})).error().code(), Code::unavailable);
      });
}

TEST(InProcess, AHandlerIsToldWhenNobodyWaitsAnyMore) {
  bool told = false;
  with_router(
      [&](Router& router) {
        router.get("/slow", [&](Exchange&, Body&) -> io::Task<Result<void>> {
          auto waited = co_await io::until_cancelled();
          told = true;
          co_return forward_error(waited);
        });
      },
      [&](Router& router) -> io::Task<void> {
        const auto answer = co_await io::with_timeout(10ms, ask_in_process(router, {.head = {.target = "/slow"}}));
        EXPECT_EQ(answer.error().code(), Code::deadline_exceeded);
        for (int turn = 0; turn < 1'000 && !told; ++turn) co_await io::next_turn();
        EXPECT_TRUE(told);
      });
}

}  // namespace
}  // namespace sofa::http
