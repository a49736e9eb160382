#include "sofa/rpc/live_providers.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "servers.h"
#include "sofa/base/testing/captured_log.h"

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
    file.write(at(servers.running[1]) + "\n");
    EXPECT_TRUE(co_await eventually([&] { return providers->current()->front().address == servers.running[1]->address(); }));
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
    co_await or_return(io::sleep_for(30ms));
    EXPECT_EQ(providers->current(), list) << "the same object while nothing changes";
    auto client = co_await or_return(connect<Sample>(providers, {.retries = 1}));
    EXPECT_EQ(co_await or_return(who(*client, "x")), '0');
    EXPECT_FALSE(co_await watch_dns("bolt://no-such-host.invalid:1"));
    const auto several = co_await watch_dns("tri://localhost:1,tri://localhost:2");
    EXPECT_FALSE(several);
    if (!several) EXPECT_THAT(several.error().to_string(), ::testing::HasSubstr("names 2 providers"));
    EXPECT_EQ((co_await watch_file("/dev/zero")).error().code(), Code::resource_exhausted) << "one line without an end";
    providers.reset();
    client.reset();
    co_return co_await servers.stop();
  }());
}

}  // namespace
}  // namespace sofa::rpc
