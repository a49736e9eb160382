// Heartbeats of several groups in one message: between nodes that know it, and beside one that does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "sofa/state/raft/detail/peers.h"
#include "sofa/state/raft/testing/raft_cluster.h"
#include "sofa/transport/bolt_protocol.h"

namespace sofa::raft::testing {
namespace {

using namespace std::chrono_literals;
using jraft::AppendEntriesRequest;
using jraft::AppendEntriesResponse;
using jraft::HeartbeatsRequest;
using jraft::HeartbeatsResponse;
using jraft::Message;
using jraft::RaftError;
using log::testing::FaultFileSystem;

/// A member of any group that votes for everybody and takes everything.
class YesPeer : transport::Handler {
 public:
  /// Whether it says that it takes heartbeats together.
  explicit YesPeer(bool takes_together) : takes_together_(takes_together) {
    for (const std::string_view name :
         {jraft::PingRequest::kName, AppendEntriesRequest::kName, jraft::RequestVoteRequest::kName, HeartbeatsRequest::kName}) {
      EXPECT_TRUE(handlers_.add(std::string(name), *this, transport::HeaderKind::opaque));
    }
  }
  io::Task<void> open(const std::string& address) {
    port_ = std::move((co_await transport::Port::open(io::Address::parse(address).value(), {&bolt_})).value());
  }
  io::Task<void> stop() { EXPECT_TRUE(co_await port_->stop()); }

  size_t alone = 0, together = 0, in_messages = 0;  // heartbeats that came in a message of their own, messages of several, heartbeats in them
  std::set<std::string> lost, heard;                // groups whose heartbeats were in the message that was lost; heard of since then
  bool lose = false;                                // the next message of several is not answered

 private:
  void handle(transport::IncomingRequest& request, transport::Responder& responder) override {
    auto message = jraft::decode_message(request.frame.class_name(), request.frame.content_bytes());
    ASSERT_TRUE(message);
    if (const auto* several = std::get_if<HeartbeatsRequest>(&*message)) {
      ++together;
      in_messages += several->heartbeats.size();
      const bool loses = std::exchange(lose, false);
      for (const AppendEntriesRequest& one : several->heartbeats) (loses ? lost : heard).insert(one.group_id);
      if (loses) return responder.discard();
      HeartbeatsResponse response;
      for (const AppendEntriesRequest& one : several->heartbeats) response.answers.push_back(yes(one));
      return detail::answer_message(responder, response);
    }
    if (const auto* append = std::get_if<AppendEntriesRequest>(&*message)) {
      alone += append->is_heartbeat() ? 1 : 0;
      heard.insert(append->group_id);
      return detail::answer_message(responder, yes(*append));
    }
    if (const auto* vote = std::get_if<jraft::RequestVoteRequest>(&*message)) {
      return detail::answer_message(responder, jraft::RequestVoteResponse{.term = vote->term - (vote->pre_vote ? 1 : 0), .granted = true});
    }
    detail::answer_message(responder, jraft::error_response({RaftError::success, "OK"}));
  }
  AppendEntriesResponse yes(const AppendEntriesRequest& request) const {
    AppendEntriesResponse response{.term = request.term, .success = true};
    if (takes_together_ && request.together) response.together = true;
    return response;
  }

  const bool takes_together_;
  transport::Handlers handlers_;
  transport::BoltProtocol bolt_{handlers_};
  std::unique_ptr<transport::Port> port_;
};

/// A server with members of several groups, each with one other member.
struct Half {
  explicit Half(std::string other) : members(fmt::format("{},{}", address, other)) {}
  io::Task<void> start(int groups, Duration election_timeout) {
    server = std::move((co_await Server::open({.folder = "/data", .address = address, .files = &disk})).value());
    for (int group = 0; group < groups; ++group) {
      NodeOptions options{.group = fmt::format("g{}", group),
                          .initial = *jraft::Configuration::parse(members),
                          .election_timeout = election_timeout,
                          .max_election_delay = 100ms,
                          .quiet_after = 0s};
      nodes.push_back((co_await server->start(std::move(options), std::make_unique<TextMachine>())).value());
    }
  }
  bool all_lead() const {
    return std::ranges::all_of(nodes, [](const Node* one) { return one->core().role() == Role::leader && one->core().commit_index() > 0; });
  }
  std::vector<int64_t> terms() const {
    std::vector<int64_t> all;
    for (const Node* one : nodes) all.push_back(one->core().term());
    return all;
  }

  const std::string address = free_address();
  const std::string members;
  FaultFileSystem disk{};
  std::unique_ptr<Server> server{};
  std::vector<Node*> nodes{};
};

/// Runs `body` with the leaders of so many groups, and their other member.
template <class Body>
void with_peer(bool takes_together, int groups, Duration election_timeout, Body body) {
  on_shard([&]() -> io::Task<void> {
    YesPeer peer(takes_together);
    const std::string other = free_address();
    co_await peer.open(other);
    Half half(other);
    co_await half.start(groups, election_timeout);
    EXPECT_TRUE(co_await eventually([&] { return half.all_lead() && (peer.together > 0 || !takes_together); }));
    co_await body(peer, half);
    EXPECT_TRUE(co_await half.server->stop());
    co_await peer.stop();
  });
}

TEST(Heartbeats, OfManyGroupsShareMessages) {
  constexpr int kGroups = 300;
  with_peer(true, kGroups, 2s, [](YesPeer& peer, Half&) -> io::Task<void> {
    const Instant begun = io::Shard::current().now();
    const size_t alone = peer.alone, together = peer.together, in_messages = peer.in_messages;
    EXPECT_TRUE(co_await eventually([&] { return peer.in_messages - in_messages >= size_t{10} * kGroups; })) << "ten intervals";
    const size_t messages = peer.alone - alone + peer.together - together;
    const double seconds = std::chrono::duration<double>(io::Shard::current().now() - begun).count();
    EXPECT_LE(static_cast<double>(messages), seconds * 150) << "twenty moments in each interval of 0.2 s, and alone 1,500 heartbeats a second";
  });
}

TEST(Heartbeats, GoAloneToANodeThatDoesNotTakeThemTogether) {
  with_peer(false, 10, 1s, [](YesPeer& peer, Half& half) -> io::Task<void> {
    const size_t before = peer.alone;
    EXPECT_TRUE(co_await eventually([&] { return peer.alone - before >= 100; }));
    EXPECT_EQ(peer.together, 0u);
    EXPECT_TRUE(half.all_lead());
  });
}

TEST(Heartbeats, ALostMessageIsWorthNoMoreThanLostHeartbeats) {
  with_peer(true, 20, 2s, [](YesPeer& peer, Half& half) -> io::Task<void> {
    const std::vector<int64_t> terms = half.terms();
    peer.lose = true;
    EXPECT_TRUE(co_await eventually([&] { return !peer.lose; }));
    EXPECT_GE(peer.lost.size(), 2u);
    peer.heard.clear();
    EXPECT_TRUE(co_await eventually([&] { return std::ranges::includes(peer.heard, peer.lost); })) << "they beat again";
    EXPECT_EQ(half.terms(), terms);
    EXPECT_TRUE(half.all_lead());
  });
}

/// What a leader at `from` sends to the groups, all of the same term.
HeartbeatsRequest heartbeats(const std::vector<std::string>& groups, const std::string& from, const std::string& to, int64_t term) {
  HeartbeatsRequest request;
  for (const std::string& group : groups) {
    request.heartbeats.push_back(AppendEntriesRequest{.group_id = group, .server_id = from, .peer_id = to, .term = term});
  }
  return request;
}

/// The answers, once no group's is missing any more: a new term is saved before.
io::Task<std::vector<AppendEntriesResponse>> all_answers(detail::Peers& peers, std::string to, HeartbeatsRequest request) {
  std::vector<AppendEntriesResponse> answers;
  const auto is_late = [](const AppendEntriesResponse& one) { return one.error && one.error->code == static_cast<int32_t>(RaftError::etimedout); };
  for (int tries = 0; tries < 1000 && (answers.empty() || std::ranges::any_of(answers, is_late)); ++tries) {
    const auto answer = co_await peers.ask(to, request, 5s);
    EXPECT_TRUE(answer) << answer.error().to_string();
    if (answer) answers = std::get<HeartbeatsResponse>(*answer).answers;
  }
  EXPECT_EQ(answers.size(), request.heartbeats.size());
  answers.resize(request.heartbeats.size());
  co_return answers;
}

TEST(Heartbeats, AreAnsweredEachForItsGroup) {
  on_shard([]() -> io::Task<void> {
    const std::string leader = free_address();
    Half half(leader);
    co_await half.start(3, 20s);
    detail::Peers peers(nullptr, 1);
    const auto ask = [&](HeartbeatsRequest request) { return peers.ask(half.address, std::move(request), 5s); };

    const auto answers = co_await all_answers(peers, half.address, heartbeats({"g0", "g1", "nowhere", "g2"}, leader, half.address, 5));
    for (const size_t i : {0u, 1u, 3u}) EXPECT_TRUE(answers[i].success && answers[i].term == 5 && !answers[i].error) << i;
    EXPECT_TRUE(answers[2].error && answers[2].error->code == static_cast<int32_t>(RaftError::enoent));

    EXPECT_TRUE(co_await half.server->leave(*half.nodes[1]));
    const auto without = co_await all_answers(peers, half.address, heartbeats({"g0", "g1", "g2"}, leader, half.address, 5));
    EXPECT_TRUE(without[0].success);
    EXPECT_TRUE(without[1].error) << "it has been stopped";
    EXPECT_TRUE(without[2].success);

    const auto many = co_await ask(heartbeats(std::vector<std::string>(HeartbeatsRequest::kMost + 1, "g0"), leader, half.address, 5));
    EXPECT_TRUE(many && std::holds_alternative<jraft::ErrorResponse>(*many)) << "too many";
    HeartbeatsRequest probes = heartbeats({"g0"}, leader, half.address, 5);
    probes.heartbeats[0].data = Bytes();
    const auto probe = co_await ask(probes);
    EXPECT_TRUE(probe && std::holds_alternative<jraft::ErrorResponse>(*probe)) << "no heartbeat";
    co_await peers.close();
    EXPECT_TRUE(co_await half.server->stop());
  });
}

TEST(Heartbeats, OfGroupsWhoseTermIsNotSavedAreAnsweredWithoutThem) {
  on_shard([]() -> io::Task<void> {
    const std::string leader = free_address();
    Half half(leader);
    co_await half.start(3, 20s);
    detail::Peers peers(nullptr, 1);
    const auto ask = [&](HeartbeatsRequest request) { return peers.ask(half.address, std::move(request), 10s); };
    (void)co_await all_answers(peers, half.address, heartbeats({"g0", "g1"}, leader, half.address, 5));

    std::atomic<bool> stands = true;
    half.disk.judge_by([&](std::string_view doing, const std::string&, size_t) {
      if (doing == "sync") stands.wait(true);
      return log::testing::Fault::none;
    });
    // g2 hears of the term for the first time: it answers when that is saved.
    const auto some = co_await ask(heartbeats({"g0", "g1", "g2"}, leader, half.address, 5));
    EXPECT_TRUE(some) << some.error().to_string();
    const std::vector<AppendEntriesResponse> answers = some ? std::get<HeartbeatsResponse>(*some).answers : std::vector<AppendEntriesResponse>(3);
    EXPECT_TRUE(answers[0].success && answers[1].success);
    EXPECT_TRUE(answers[2].error && answers[2].error->code == static_cast<int32_t>(RaftError::etimedout));
    stands = false;
    stands.notify_all();
    const auto all = co_await all_answers(peers, half.address, heartbeats({"g0", "g1", "g2"}, leader, half.address, 5));
    for (const AppendEntriesResponse& one : all) EXPECT_TRUE(one.success);
    co_await peers.close();
    EXPECT_TRUE(co_await half.server->stop());
  });
}

TEST(Heartbeats, AskWhetherSeveralMayComeAndAreToldSo) {
  on_shard([]() -> io::Task<void> {
    const std::string leader = free_address();
    Half half(leader);
    co_await half.start(1, 20s);
    detail::Peers peers(nullptr, 1);
    for (const bool asks : {true, false}) {
      AppendEntriesRequest one = heartbeats({"g0"}, leader, half.address, 5).heartbeats[0];
      if (asks) one.together = true;
      const auto answer = co_await peers.ask(half.address, one, 5s);
      EXPECT_TRUE(answer) << answer.error().to_string();
      EXPECT_EQ(std::get<AppendEntriesResponse>(*answer).together.value_or(false), asks) << "a Java node that does not ask is told nothing";
    }
    co_await peers.close();
    EXPECT_TRUE(co_await half.server->stop());
  });
}

}  // namespace
}  // namespace sofa::raft::testing
