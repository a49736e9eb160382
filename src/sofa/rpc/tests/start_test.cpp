// What a server refuses to start with, and the sentences that say so.

#include "sample.h"
#include "sofa/rpc/providers.h"
#include "sofa/rpc/streaming.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using ::testing::HasSubstr;

struct Linked {
  Link<Linked> next;
  static auto describe(Description<Linked>& d) { d.java_type("x.Linked").field("next", &Linked::next); }
};

struct Twice : Interface {
  static constexpr std::string_view kName = "x.Twice";
  Method<void(std::string)> a{this, "same"};
  Method<int32_t(std::optional<std::string>)> b{this, "same"};
};
struct WithLinks : Interface {
  static constexpr std::string_view kName = "x.WithLinks";
  Method<void(Linked)> take{this, "take"};
};

Task<std::string> start_error(Server server) {
  auto running = co_await std::move(server).start();
  if (!running) co_return running.error().to_string();
  const auto stopped = co_await (*running)->stop();
  co_return stopped ? "" : stopped.error().to_string();
}

std::string start(Server server, unsigned shards = 1) {
  io::Runtime runtime({.shards = shards, .hold_limit = Duration::zero()});
  return runtime.block_on(start_error(std::move(server)));
}

Server server() { return Server(ServerOptions{.port = 0}); }

TEST(Start, AMethodWithoutImplementationIsNamed) {
  EXPECT_THAT(start(server().add(std::make_shared<Sample>())), HasSubstr("sofa.interop.InteropService:1.0.echo has no implementation"));
}

TEST(Start, DoubledSignaturesAreNamed) {
  auto twice = std::make_shared<Twice>();
  twice->a = [](std::string) {};
  twice->b = [](std::optional<std::string>) { return 1; };
  EXPECT_THAT(start(server().add(twice)), HasSubstr("x.Twice:1.0.same(java.lang.String) is declared twice"));
}

TEST(Start, LinksOutsideAGraphAreNamed) {
  auto linked = std::make_shared<WithLinks>();
  linked->take = [](Linked) {};
  EXPECT_THAT(start(server().add(linked)),
              HasSubstr("argument 1 (x.Linked) has Links or dynamic values, which need an owner; declare it as Graph<...>"));
}

TEST(Start, OneServiceTwiceNeedsAUniqueId) {
  EXPECT_THAT(start(server().add(make_sample()).add(make_sample())), HasSubstr("was added twice; give one of them a unique_id"));
  EXPECT_EQ(start(server().add(make_sample()).add(make_sample(), {.unique_id = "blue"})), "");
}

TEST(Start, SeveralShardsNeedAServiceForEach) {
  EXPECT_THAT(start(server().add(make_sample()), 2), HasSubstr("declare it thread_safe or add it by a function"));
  EXPECT_EQ(start(server().add<Sample>([](unsigned) { return make_sample(); }), 2), "");
}

TEST(Start, ATakenPortNamesTheOption) {
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const auto text = runtime.block_on([]() -> Task<std::string> {
    auto first = co_await server().add(make_sample()).start();
    std::string error = co_await start_error(Server(ServerOptions{.port = (*first)->port(), .port_option = "--bolt"}).add(make_sample()));
    const auto stopped = co_await (*first)->stop();
    co_return error;
  }());
  EXPECT_THAT(text, HasSubstr("--bolt"));
}

TEST(Start, AHostNameIsResolvedOnBothSides) {
  run_test([]() -> Task<Result<void>> {
    auto running = co_await or_return(Server(ServerOptions{.host = "localhost", .port = 0}).add(make_sample()).start());
    auto client = co_await or_return(connect<Sample>(fmt::format("bolt://localhost:{}", running->port())));
    EXPECT_EQ(co_await or_return(client->hello("x")), "hello x");
    client.reset();
    co_return co_await running->stop();
  }());
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  const auto text = runtime.block_on(start_error(Server(ServerOptions{.host = "no-such-host.invalid", .port = 0}).add(make_sample())));
  EXPECT_THAT(text, HasSubstr("cannot resolve the host 'no-such-host.invalid'"));
}

TEST(Providers, DirectUrlsOfEveryForm) {
  const auto list = parse_providers("bolt://127.0.0.1:12200, [::1]:12201;bolt://host:1?weight=50&timeout=3");
  ASSERT_TRUE(list) << list.error().to_string();
  const auto current = (*list)->current();
  ASSERT_EQ(current->size(), 3u);
  EXPECT_EQ((*current)[1].address.to_string(), "[::1]:12201");
  EXPECT_EQ((*current)[2].weight, 50);
  EXPECT_THAT(parse_providers("rest://h:1").error().to_string(), HasSubstr("speaks 'rest'"));
  EXPECT_THAT(parse_providers(" ,").error().to_string(), HasSubstr("no provider in"));
}

struct Unary : Interface {
  static constexpr std::string_view kName = "x.Same";
  Method<std::string(std::string)> same{this, "same"};
};
struct Streaming : Interface {
  static constexpr std::string_view kName = "x.Same";
  ServerStreaming<std::string(std::string)> same{this, "same"};
};

TEST(Start, TwoKindsOfMethodsAtOneGrpcPathAreNamed) {
  auto unary = std::make_shared<Unary>();
  unary->same = [](std::string text) { return text; };
  auto streaming = std::make_shared<Streaming>();
  streaming->same = [](std::string text, Writer<std::string>& out) -> Task<Result<void>> { co_return co_await out.write(text); };
  EXPECT_THAT(start(server().add(unary).add(streaming, {.unique_id = "blue"})),
              HasSubstr("x.Same:1.0:blue.same has the gRPC path /x.Same/same in common with another method"));
}

/// At a path of the server's own.
struct Watches : Interface {
  static constexpr std::string_view kName = "sofa.rpc.v1.Calls";
  Method<std::string(std::string)> watch{this, "Watch"};
  std::vector<unsigned>* ended_on = nullptr;
  ~Watches() override { ended_on->push_back(io::Shard::current().index()); }
};

TEST(Start, WhatFailsLateEndsTheServicesOnTheirShards) {
  std::vector<unsigned> ended_on;
  EXPECT_THAT(start(server().add<Watches>([&ended_on](unsigned) {
                auto watches = std::make_shared<Watches>();
                watches->watch = [](std::string text) { return text; };
                watches->ended_on = &ended_on;
                return watches;
              }),
                    2),
              HasSubstr("/sofa.rpc.v1.Calls/Watch"));
  EXPECT_THAT(ended_on, ::testing::ElementsAre(0, 1));
}

/// What serve() answers to options, and says of them. The host makes it end in any case.
std::pair<int, std::string> serve_with(std::vector<std::string> options) {
  options.insert(options.begin(), {"server", "--host=no.host.invalid"});
  std::vector<char*> argv;
  for (std::string& option : options) argv.push_back(option.data());
  argv.push_back(nullptr);
  ::testing::internal::CaptureStderr();
  const int code = serve(static_cast<int>(options.size()), argv.data(), server());
  return {code, ::testing::internal::GetCapturedStderr()};
}

TEST(Start, OptionsOfTlsWithoutACertificateAreRefused) {
  for (const std::string option : {"--tls-client-ca=/no/such/file", "--tls-key=/no/such/file", "--tls-only"}) {
    const auto [code, said] = serve_with({option});
    EXPECT_EQ(code, 2) << option;
    EXPECT_THAT(said, HasSubstr(option.substr(0, option.find('=')) + " does nothing without a certificate"));
  }
  const auto [code, said] = serve_with({"--tls-certificate=/no/such/file"});
  EXPECT_EQ(code, 2);
  EXPECT_THAT(said, HasSubstr("add --tls-key FILE"));
}

}  // namespace
}  // namespace sofa::rpc
