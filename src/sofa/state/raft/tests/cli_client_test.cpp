#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core_node.h"
#include "sofa/io/sync.h"
#include "sofa/io/task_group.h"
#include "sofa/state/raft/describe.h"
#include "sofa/transport/bolt_protocol.h"
#include "sofa/transport/port.h"

namespace sofa::raft {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using jraft::Configuration;
using jraft::Message;
using jraft::RaftError;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Answers DescribeRequest, as servers of C++ nodes do.
class DescribeHandler : public transport::Handler {
 public:
  explicit DescribeHandler(NodeTable& nodes) : nodes_(nodes) {}
  void handle(transport::IncomingRequest& request, transport::Responder& responder) override {
    const auto asked = jraft::decode<DescribeRequest>(request.frame.content_bytes());
    ASSERT_TRUE(asked);
    const auto described = answer_describe(nodes_, *asked, io::Shard::current().now());
    EXPECT_TRUE(described ? responder.answer(DescribeResponse::kName, {}, jraft::encode(*described))
                          : responder.answer(jraft::ErrorResponse::kName, {}, jraft::encode(jraft::error_response(status_of(described.error())))));
  }

 private:
  NodeTable& nodes_;
};

/// A server of JRaft's CLI on a port of its own; what it answers is the test's.
class CliServer : transport::Handler {
 public:
  using Answer = std::function<io::Task<Message>(Message)>;

  CliServer() {
    for (const std::string& name : cli_class_names()) EXPECT_TRUE(handlers_.add(name, *this, transport::HeaderKind::opaque));
  }
  /// With DescribeRequest, as nodes of C++ have it.
  void show(NodeTable& nodes) { EXPECT_TRUE(handlers_.add(std::string(DescribeRequest::kName), describe_.emplace(nodes))); }
  io::Task<void> open(Answer answer, io::Address address = io::Address::parse("127.0.0.1:0").value()) {
    answer_ = std::move(answer);
    auto port = co_await transport::Port::open(std::move(address), {&bolt_});
    EXPECT_TRUE(port) << port.error().to_string();
    port_ = std::move(*port);
  }
  std::string name() const { return port_->local().to_string(); }
  io::Task<void> stop() {
    EXPECT_TRUE(co_await group_.join());
    EXPECT_TRUE(co_await port_->stop());
  }
  /// Ends connections in place of an answer.
  bool hangs_up = false;
  size_t asked = 0;

 private:
  void handle(transport::IncomingRequest& request, transport::Responder& responder) override {
    ++asked;
    if (hangs_up) return request.session.close();
    auto message = jraft::decode_message(request.frame.class_name(), request.frame.content_bytes());
    EXPECT_TRUE(message);
    group_.spawn("answer", [](CliServer& self, Message asking, transport::Responder to) -> io::Task<void> {
      const Message answer = co_await self.answer_(std::move(asking));
      std::visit([&]<class M>(const M& one) { EXPECT_TRUE(to.answer(M::kName, {}, jraft::encode(one))); }, answer);
    }(*this, *std::move(message), std::move(responder)));
  }

  Answer answer_;
  transport::Handlers handlers_;
  transport::BoltProtocol bolt_{handlers_};
  std::optional<DescribeHandler> describe_;
  io::TaskGroup group_;
  std::unique_ptr<transport::Port> port_;
};

Message refusal(RaftError code, std::string text) { return jraft::ErrorResponse{.code = static_cast<int32_t>(code), .message = std::move(text)}; }
CliServer::Answer of_nodes(NodeTable& nodes) {
  return [&nodes](Message request) { return answer_cli(nodes, std::move(request)); };
}
/// Answers without waiting for anything.
template <class F>
CliServer::Answer at_once(F answer) {
  return [answer](Message request) -> io::Task<Message> { return [](Message done) -> io::Task<Message> { co_return done; }(answer(request)); };
}
Configuration members(const std::string& text) { return Configuration::parse(text).value(); }
RaftError code_of(const Error& error) { return status_of(error).code; }

/// A leader and a follower of one group, each on its port, and somebody who cannot be reached.
struct Pair {
  Nodes of_leader, of_follower;
  CliServer leader_server, follower_server;
  CoreNode* leader = nullptr;
  std::string all;

  io::Task<void> open() {
    leader_server.show(of_leader);
    co_await leader_server.open(of_nodes(of_leader));
    co_await follower_server.open(of_nodes(of_follower));
    all = fmt::format("127.0.0.1:1,{},{}", follower_server.name(), leader_server.name());
    leader = &of_leader.add("lab", leader_server.name(), all, {"127.0.0.1:1"});
    leader->lead();
    of_follower.add("lab", follower_server.name(), all).follow(leader_server.name());
  }
  io::Task<void> stop() {
    co_await leader_server.stop();
    co_await follower_server.stop();
  }
};

TEST(CliClient, FindsTheLeaderThroughAnyMemberAndChangesTheMembers) {
  on_shard([]() -> io::Task<void> {
    Pair pair;
    co_await pair.open();
    CliClient cli(10s);
    const auto leader = co_await cli.leader("lab", members(pair.all));
    EXPECT_TRUE(leader) << leader.error().to_string();
    EXPECT_EQ(leader->to_string(), pair.leader_server.name());

    const PeerId four = *PeerId::parse("127.0.0.1:7104::20");
    const auto added = co_await cli.add_peer("lab", members(pair.all), four);
    EXPECT_TRUE(added) << added.error().to_string();
    EXPECT_EQ(added->before.to_string(), pair.all);
    EXPECT_EQ(added->after.to_string(), pair.all + ",127.0.0.1:7104::20");
    const auto again = co_await cli.add_peer("lab", members(pair.all), four);
    EXPECT_EQ(again.error().code(), Code::already_exists) << again.error().to_string();
    EXPECT_EQ(again.error().message(), "127.0.0.1:7104::20 is a peer of group lab already");
    EXPECT_TRUE(co_await cli.remove_peer("lab", members(pair.all), four));
    const auto gone = co_await cli.remove_peer("lab", members(pair.all), four);
    EXPECT_EQ(gone.error().code(), Code::not_found) << gone.error().to_string();

    const auto alive = co_await cli.peers("lab", members(pair.all), true);
    EXPECT_TRUE(alive) << alive.error().to_string();
    EXPECT_EQ(alive->to_string(), pair.follower_server.name() + "," + pair.leader_server.name());
    co_await cli.close();
    co_await pair.stop();
  });
}

TEST(CliClient, AddsRemovesSetsAndPromotesLearners) {
  on_shard([]() -> io::Task<void> {
    Pair pair;
    co_await pair.open();
    CliClient cli(10s);
    const PeerId five = *PeerId::parse("127.0.0.1:7105"), six = *PeerId::parse("127.0.0.1:7106");
    EXPECT_EQ((co_await cli.add_learners("lab", members(pair.all), {five})).value().after.to_string(), "127.0.0.1:7105/learner");
    EXPECT_EQ((co_await cli.reset_learners("lab", members(pair.all), {six, five})).value().after.to_string(),
              "127.0.0.1:7106/learner,127.0.0.1:7105/learner");
    EXPECT_EQ((co_await cli.remove_learners("lab", members(pair.all), {five})).value().after.to_string(), "127.0.0.1:7106/learner");
    EXPECT_EQ((co_await cli.promote_learner("lab", members(pair.all), six)).value().after.to_string(), pair.all + ",127.0.0.1:7106");
    EXPECT_EQ((co_await cli.promote_learner("lab", members(pair.all), five)).error().code(), Code::not_found);
    const auto changed = co_await cli.change_peers("lab", members(pair.all), members(pair.all + ",127.0.0.1:7107/learner"));
    EXPECT_EQ(changed.value().after.to_string(), pair.all + ",127.0.0.1:7107/learner");
    co_await cli.close();
    co_await pair.stop();
  });
}

TEST(CliClient, AsksOneNodeForSnapshotsAndForPeersSetAnewAndHowItIs) {
  on_shard([]() -> io::Task<void> {
    Pair pair;
    co_await pair.open();
    CliClient cli(10s);
    const PeerId leader = pair.leader->self();
    EXPECT_TRUE(co_await cli.snapshot("lab", leader));
    EXPECT_EQ(pair.leader->snapshots, 1);
    pair.leader->snapshot_status = {RaftError::ebusy, "Is saving another snapshot."};
    EXPECT_EQ(code_of((co_await cli.snapshot("lab", leader)).error()), RaftError::ebusy);
    const auto is = co_await cli.describe("lab", leader);
    EXPECT_TRUE(is) << is.error().to_string();
    EXPECT_EQ(is->role, "LEADER");
    const auto other = co_await cli.describe("lab", *PeerId::parse(pair.follower_server.name()));
    EXPECT_EQ(other.error().code(), Code::unimplemented) << "as of a node of Java's: " << other.error().to_string();
    EXPECT_EQ(code_of((co_await cli.transfer("lab", members(pair.all), *PeerId::parse("127.0.0.1:9"))).error()), RaftError::einval);
    EXPECT_TRUE(co_await cli.transfer("lab", members(pair.all), {}));
    EXPECT_EQ(pair.leader->core().role(), Role::transferring);
    EXPECT_TRUE(co_await cli.reset_peers("lab", leader, members(leader.to_string())));
    EXPECT_EQ(pair.leader->core().members().current.to_string(), leader.to_string());
    co_await cli.close();
    co_await pair.stop();
  });
}

TEST(CliClient, LooksForALeaderUntilThereIsOne) {
  on_shard([]() -> io::Task<void> {
    int rounds = 0;
    CliServer server;
    co_await server.open(at_once([&](const Message& request) -> Message {
      if (std::holds_alternative<jraft::GetLeaderRequest>(request)) {
        if (++rounds < 3) return refusal(RaftError::eagain, "Unknown leader");
        return jraft::GetLeaderResponse{.leader_id = server.name()};
      }
      if (++rounds < 6) return refusal(RaftError::eperm, "Not a leader");
      return jraft::ErrorResponse{};
    }));
    CliClient cli(20s);
    const auto done = co_await cli.transfer("lab", members(server.name()), {});
    EXPECT_TRUE(done) << done.error().to_string();
    EXPECT_GE(rounds, 6);
    co_await cli.close();
    co_await server.stop();
  });
}

TEST(CliClient, AsksTheNewLeaderWhenTheOldOneSaysMinusOne) {
  on_shard([]() -> io::Task<void> {
    CliServer old_leader, new_leader;
    int asked_for_change = 0;
    co_await new_leader.open(at_once([&](const Message& request) -> Message {
      if (std::holds_alternative<jraft::GetLeaderRequest>(request)) return jraft::GetLeaderResponse{.leader_id = new_leader.name()};
      ++asked_for_change;
      return jraft::LearnersOpResponse{.new_learners = {"127.0.0.1:7105"}};
    }));
    bool heard = false;
    co_await old_leader.open(at_once([&](const Message& request) -> Message {
      // It has been the leader, and learns only now that it is not.
      if (std::holds_alternative<jraft::GetLeaderRequest>(request)) {
        return jraft::GetLeaderResponse{.leader_id = heard ? new_leader.name() : old_leader.name()};
      }
      heard = true;
      return refusal(RaftError::unknown, "handleRequest internal error");
    }));
    CliClient cli(20s);
    const auto done = co_await cli.add_learners("lab", members(old_leader.name()), {*PeerId::parse("127.0.0.1:7105")});
    EXPECT_TRUE(done) << done.error().to_string();
    EXPECT_EQ(asked_for_change, 1);
    co_await cli.close();
    co_await old_leader.stop();
    co_await new_leader.stop();
  });
}

TEST(CliClient, TakesAChangeForDoneWhenItsAnswerWasLostAndTheMembersShowIt) {
  on_shard([]() -> io::Task<void> {
    CliServer server;
    int changes = 0;
    co_await server.open(at_once([&](const Message& request) -> Message {
      server.hangs_up = std::holds_alternative<jraft::GetLeaderRequest>(request) && changes++ == 0;
      if (std::holds_alternative<jraft::GetLeaderRequest>(request)) return jraft::GetLeaderResponse{.leader_id = server.name()};
      server.hangs_up = false;
      if (std::holds_alternative<jraft::GetPeersRequest>(request)) return jraft::GetPeersResponse{.peers = {server.name(), "127.0.0.1:7104"}};
      return refusal(RaftError::unknown, "handleRequest internal error");
    }));
    CliClient cli(20s);
    // The first AddPeer meets a connection that ends; hangs_up is taken back by the connection that follows.
    auto adding = [](CliClient& client, CliServer& of) -> io::Task<Result<MembersChange>> {
      co_return co_await client.add_peer("lab", members(of.name()), *PeerId::parse("127.0.0.1:7104"));
    };
    io::TaskGroup group;
    group.spawn("mend", [](CliServer& of) -> io::Task<void> {
      while (!of.hangs_up || of.asked < 2) co_await io::yield();
      of.hangs_up = false;
    }(server));
    const auto done = co_await adding(cli, server);
    EXPECT_TRUE(done) << done.error().to_string();
    EXPECT_TRUE(co_await group.join());
    co_await cli.close();
    co_await server.stop();
  });
}

TEST(CliClient, EndsInTimeAndSaysWhatWasMissing) {
  on_shard([]() -> io::Task<void> {
    CliClient cli(300ms);
    const auto nobody = co_await cli.leader("lab", members("127.0.0.1:1"));
    EXPECT_EQ(nobody.error().code(), Code::unavailable);
    EXPECT_THAT(nobody.error().to_string(), HasSubstr("no leader of group lab has answered within 300 ms"));

    CliServer server;
    io::Event never;
    co_await server.open([&](Message request) -> io::Task<Message> {
      if (std::holds_alternative<jraft::GetLeaderRequest>(request)) co_return jraft::GetLeaderResponse{.leader_id = server.name()};
      (void)co_await never.wait();
      co_return jraft::ErrorResponse{};
    });
    const auto slow = co_await cli.transfer("lab", members(server.name()), {});
    EXPECT_EQ(slow.error().code(), Code::deadline_exceeded) << slow.error().to_string();
    EXPECT_THAT(slow.error().to_string(), HasSubstr("may still be done"));
    never.set();
    co_await cli.close();
    co_await server.stop();
  });
}

TEST(CliClient, PassesOnThatAGroupIsUnknown) {
  on_shard([]() -> io::Task<void> {
    Pair pair;
    co_await pair.open();
    CliClient cli(10s);
    const auto unknown = co_await cli.leader("nope", members(pair.all));
    EXPECT_EQ(code_of(unknown.error()), RaftError::enoent);
    EXPECT_THAT(unknown.error().to_string(), HasSubstr("in group nope"));
    co_await cli.close();
    co_await pair.stop();
  });
}

}  // namespace
}  // namespace sofa::raft
