#include "sofa/rpc/live_providers.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "servers.h"
#include "sofa/base/testing/captured_log.h"
#include "sofa/io/dns.h"
#include "sofa/io/task_group.h"

namespace sofa::rpc {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// A file of this test alone, replaced as a whole.
struct ListFile {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / fmt::format("providers-{}", system_seed());
  ~ListFile() { std::filesystem::remove(path); }
  void write(const std::string& text) const {
    const std::string fresh = path.string() + ".new";
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, path);
  }
};

TEST(LiveProviders, AClientFollowsAFileAndKeepsItsListWhenTheFileIsBroken) {
  const CapturedLog log;
  run_test([&log]() -> Task<Result<void>> {
    const ListFile file;
    Servers servers;
    co_await or_return(servers.start(2));
    const auto missing = co_await watch_file(file.path.string());
    EXPECT_FALSE(missing);
    if (!missing) EXPECT_THAT(missing.error().to_string(), HasSubstr(file.path.string()));
    file.write("# the first alone\n" + at(servers.running[0]) + "?weight=7  # seven\n");
    auto providers = co_await or_return(watch_file(file.path.string(), 5ms));
    EXPECT_EQ(providers->current()->front().weight, 7);
    auto client = co_await or_return(connect<Sample>(providers));
    EXPECT_EQ(co_await or_return(who(*client, "x")), '0');
    file.write("no url\n");
    EXPECT_TRUE(co_await eventually([&] { return log.contains("the list of providers stays as it is"); }));
    EXPECT_EQ(co_await or_return(who(*client, "x")), '0');
    file.write("# nobody today\n \n");
    EXPECT_TRUE(co_await eventually([&] { return providers->current()->empty(); })) << "a file without a provider is a list without one";
    const auto nobody = co_await client->echo("x");
    EXPECT_FALSE(nobody);
    if (!nobody) EXPECT_THAT(nobody.error().to_string(), HasSubstr("no provider is known from file "));
    file.write(at(servers.running[1]) + "\n");
    EXPECT_TRUE(co_await eventually([&] { return !providers->current()->empty(); }));
    EXPECT_EQ(providers->current()->front().address, servers.running[1]->address());
    EXPECT_EQ(co_await or_return(who(*client, "x")), '1');
    file.write("");
    EXPECT_TRUE(co_await eventually([&] { return log.contains("is empty, as a file is while it is written"); }));
    EXPECT_EQ(co_await or_return(who(*client, "x")), '1');
    providers.reset();
    client.reset();
    co_return co_await servers.stop();
  }());
}

TEST(LiveProviders, ANameGivesItsAddressesWithWhatTheUrlSays) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(1));
    auto providers = co_await or_return(watch_dns(fmt::format("bolt://localhost:{}?timeout=700", servers.running[0]->address().port()), 5ms));
    const ProviderList list = providers->current();
    EXPECT_TRUE(std::ranges::any_of(*list, [&](const Provider& provider) { return provider.address == servers.running[0]->address(); }));
    for (const Provider& provider : *list) EXPECT_EQ(provider.timeout, 700ms);
    auto client = co_await or_return(connect<Sample>(providers, {.retries = 1}));
    EXPECT_EQ(co_await or_return(who(*client, "x")), '0');
    const auto several = co_await watch_dns("tri://localhost:1,tri://localhost:2");
    EXPECT_FALSE(several);
    if (!several) EXPECT_THAT(several.error().to_string(), ::testing::HasSubstr("names 2 providers"));
    EXPECT_EQ((co_await watch_file("/dev/zero")).error().code(), Code::resource_exhausted) << "one line without an end";
    providers.reset();
    client.reset();
    co_return co_await servers.stop();
  }());
}

/// Answers that a test changes, and how often it was asked.
struct Names {
  Result<std::vector<io::Address>> answer;
  int asked = 0;
  Resolver resolver() {
    return [this](io::Address) -> io::Task<Result<std::vector<io::Address>>> {
      ++asked;
      co_return answer;
    };
  }
  static Error no_address() { return Error(Code::unavailable, "no such name").with_detail(std::make_shared<io::NoAddress>()); }
};

TEST(LiveProviders, AClientFollowsTheAddressesOfAName) {
  const CapturedLog log;
  run_test([&log]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(2));
    const auto address = [&servers](size_t i) { return servers.running[i]->address(); };
    Names names{.answer = std::vector{address(0)}};
    auto providers = co_await or_return(watch_dns("bolt://ledger.test:1?timeout=700", 5ms, names.resolver()));
    const ProviderList list = providers->current();
    EXPECT_TRUE(co_await eventually([&names, before = names.asked] { return names.asked >= before + 3; }));
    EXPECT_EQ(providers->current(), list) << "the same object while nothing changes";
    auto client = co_await or_return(connect<Sample>(providers));
    EXPECT_EQ(co_await or_return(who(*client, "x")), '0');
    names.answer = std::vector{address(1)};
    EXPECT_TRUE(co_await eventually([&] { return providers->current()->front().address == address(1); })) << "an answer that changes is noticed";
    EXPECT_EQ(providers->current()->front().timeout, 700ms);
    EXPECT_EQ(co_await or_return(who(*client, "x")), '1');
    names.answer = fail(Code::unavailable, "the resolver is away");
    EXPECT_TRUE(co_await eventually([&] { return log.contains("the list of providers stays as it is"); }));
    EXPECT_EQ(co_await or_return(who(*client, "x")), '1');
    names.answer = std::unexpected(Names::no_address());
    EXPECT_TRUE(co_await eventually([&] { return providers->current()->empty(); })) << "a name without address is a list without providers";
    EXPECT_FALSE(co_await client->echo("x"));
    providers.reset();
    client.reset();
    co_return co_await servers.stop();
  }());
}

TEST(LiveProviders, AClientWaitsForTheFirstAddressOfANameAndTheFirstLineOfAFile) {
  run_test([]() -> Task<Result<void>> {
    Servers servers;
    co_await or_return(servers.start(1));
    Names names{.answer = std::unexpected(Names::no_address())};
    auto by_name = co_await or_return(watch_dns("bolt://ledger.test:1", 5ms, names.resolver()));
    const ListFile file;
    file.write("");
    auto by_file = co_await or_return(watch_file(file.path.string(), 5ms));
    const auto none = co_await connect<Sample>(by_name, {.address_wait = 20ms});
    EXPECT_FALSE(none);
    if (!none) EXPECT_THAT(none.error().to_string(), HasSubstr("no provider is known from dns bolt://ledger.test:1"));
    io::TaskGroup later(co_await io::current_scope());
    later.spawn("later", [](Names& told, const ListFile& written, Servers& running) -> io::Task<void> {
      [[maybe_unused]] const auto slept = co_await io::sleep_for(20ms);
      told.answer = std::vector{running.running[0]->address()};
      written.write(at(running.running[0]));
    }(names, file, servers));
    for (auto* providers : {&by_name, &by_file}) {
      auto client = co_await or_return(connect<Sample>(*providers, {.address_wait = 10s}));
      EXPECT_EQ(co_await or_return(who(*client, "x")), '0');
    }
    co_await or_return(later.join());
    by_name.reset();
    by_file.reset();
    co_return co_await servers.stop();
  }());
}

}  // namespace
}  // namespace sofa::rpc
