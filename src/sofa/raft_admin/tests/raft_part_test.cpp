#include "sofa/raft_admin/raft_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sofa/base/json.h"
#include "sofa/http/channel.h"
#include "sofa/state/raft/describe.h"
#include "sofa/state/raft/testing/raft_cluster.h"

namespace sofa::raft {
namespace {

using testing::eventually;
using testing::free_address;
using testing::on_shard;
using testing::TextMachine;

/// A server, its admin port, and a client of that.
struct Served {
  log::testing::FaultFileSystem disk;
  std::unique_ptr<Server> server;
  admin::AdminServer admin{{.port = 0}};
  std::unique_ptr<http::Channel> channel;

  io::Task<void> open() {
    show_groups(admin, [this] { return server.get(); });
    EXPECT_TRUE(co_await admin.start());
    channel = std::make_unique<http::Channel>(io::Address::of("127.0.0.1", admin.port()));
  }
  io::Task<void> open_raft(int groups) {
    auto opened = co_await Server::open({.folder = "/data", .address = free_address(), .files = &disk});
    EXPECT_TRUE(opened) << opened.error().to_string();
    server = std::move(*opened);
    for (int i = 0; i < groups; ++i) {
      auto node = co_await server->start({.group = fmt::format("g{:02}", i), .initial = *jraft::Configuration::parse(server->address())},
                                         std::make_unique<TextMachine>());
      EXPECT_TRUE(node) << node.error().to_string();
      EXPECT_TRUE(co_await eventually([&] { return testing::serves(**node); }));
    }
  }
  io::Task<std::string> get(std::string target) {
    auto answer = co_await channel->exchange({.method = "GET", .target = std::move(target)}, {});
    co_return answer ? fmt::format("{} {}", answer->status, answer->body.text()) : answer.error().to_string();
  }
  io::Task<GroupPage> page(std::string query) {
    const std::string answer = co_await get("/v1/raft/groups" + query);
    EXPECT_TRUE(answer.starts_with("200 ")) << answer;
    auto page = from_json<GroupPage>(answer.substr(4));
    EXPECT_TRUE(page) << page.error().to_string();
    co_return page ? std::move(*page) : GroupPage();
  }
  io::Task<void> stop() {
    if (server != nullptr) EXPECT_TRUE(co_await server->stop());
    co_await channel->close();
    EXPECT_TRUE(co_await admin.stop());
  }
};

TEST(RaftPart, ListsGroupsPageByPage) {
  on_shard([]() -> io::Task<void> {
    Served served;
    co_await served.open();
    co_await served.open_raft(5);
    GroupPage page = co_await served.page("?limit=2");
    std::vector<std::string> seen;
    for (int pages = 0; pages < 5; ++pages) {
      EXPECT_EQ(page.matching, 5);
      for (const GroupRow& row : page.groups) seen.push_back(row.group);
      if (page.next.empty()) break;
      page = co_await served.page("?limit=2&after=" + page.next);
    }
    EXPECT_THAT(seen, ::testing::ElementsAre("g00", "g01", "g02", "g03", "g04"));
    EXPECT_EQ(page.address, served.server->address());
    EXPECT_EQ(page.sums.groups, 5);
    EXPECT_EQ(page.sums.leaders, 5);
    EXPECT_EQ(page.sums.attention, 0);
    page = co_await served.page("?contains=03");
    EXPECT_EQ(page.matching, 1);
    EXPECT_EQ(page.sums.groups, 5) << "of all, whatever is asked for";
    EXPECT_EQ(page.groups.at(0).role, "LEADER");
    EXPECT_EQ(page.groups.at(0).lag, 0);
    EXPECT_GT(page.groups.at(0).last_election_at_ms, 1'600'000'000'000);
    EXPECT_THAT(co_await served.get("/v1/raft/groups?limit=100000"), ::testing::StartsWith("400 "));
    co_await served.stop();
  });
}

TEST(RaftPart, TellsOneGroupInFullAndCountsItInDetailFromThenOn) {
  on_shard([]() -> io::Task<void> {
    Served served;
    co_await served.open();
    co_await served.open_raft(2);
    EXPECT_THAT(co_await served.get("/metrics"), ::testing::Not(::testing::HasSubstr("raft_term{")));
    const std::string told = co_await served.get("/v1/raft/groups/g01");
    EXPECT_THAT(told, ::testing::StartsWith("200 {\"members\":[{\"group\":\"g01\""));
    EXPECT_THAT(told, ::testing::HasSubstr(fmt::format("\"node\":\"{}\"", served.server->address())));
    EXPECT_THAT(told, ::testing::HasSubstr("\"voted_for\""));
    const std::string metrics = co_await served.get("/metrics");
    EXPECT_THAT(metrics, ::testing::HasSubstr(fmt::format("raft_term{{group=\"g01\",node=\"{}\"}} 1", served.server->address())));
    EXPECT_THAT(metrics, ::testing::HasSubstr("raft_replicators_stalled_total"));
    EXPECT_THAT(co_await served.get("/v1/raft/groups/nope"), ::testing::AllOf(::testing::StartsWith("404 "), ::testing::HasSubstr("'nope'")));
    co_await served.stop();
  });
}

TEST(RaftPart, SaysWhichGroupsSomebodyShouldLookAt) {
  on_shard([]() -> io::Task<void> {
    Served served;
    co_await served.open();
    co_await served.open_raft(2);
    const std::string nobody = free_address();
    auto lonely = co_await served.server->start({.group = "lonely", .initial = *jraft::Configuration::parse(served.server->address() + "," + nobody)},
                                                std::make_unique<TextMachine>());
    EXPECT_TRUE(lonely) << lonely.error().to_string();
    const GroupPage page = co_await served.page("?attention=true");
    EXPECT_EQ(page.sums.attention, 1);
    EXPECT_EQ(page.groups.size(), 1U);
    if (!page.groups.empty()) {
      EXPECT_EQ(page.groups[0].group, "lonely");
      EXPECT_EQ(page.groups[0].note, "it knows no leader");
    }
    co_await served.stop();
  });
}

TEST(RaftPart, HasNothingToTellBeforeTheServerIsThere) {
  on_shard([]() -> io::Task<void> {
    Served served;
    co_await served.open();
    EXPECT_EQ((co_await served.page("")).sums.groups, 0);
    EXPECT_THAT(co_await served.get("/v1/raft/groups/g"), ::testing::StartsWith("404 "));
    co_await served.stop();
  });
}

}  // namespace
}  // namespace sofa::raft
