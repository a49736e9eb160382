#include "sofa/state/raft_core/core.h"

#include "cluster.h"

namespace sofa::raft {
namespace {

using namespace std::chrono_literals;

TEST(Core, OfOneNodeLeadsAtOnce) {
  Cluster cluster(1, 1);
  EXPECT_TRUE(cluster.run(100ms, [&] { return cluster.leader() == 0; }));
  EXPECT_TRUE(cluster.propose(0, "a"));
  EXPECT_TRUE(cluster.run(100ms, [&] { return cluster.committed_data() == 1; }));
}

TEST(Core, OfThreeElectOneAndReplicate) {
  Cluster cluster(3, 2);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  const int leader = cluster.leader();
  EXPECT_TRUE(cluster.run(1s, [&] { return cluster.all_applied(1); }));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(cluster.propose(leader, std::to_string(i)));
  EXPECT_TRUE(cluster.run(1s, [&] { return cluster.all_applied(101); }));
  const int64_t term = cluster.core(leader)->term();
  EXPECT_TRUE(cluster.run(60s));
  EXPECT_EQ(cluster.core(leader)->term(), term) << "nobody disturbs a group at rest";
}

TEST(Core, ALeaderThatDiesIsFollowedByAnother) {
  Cluster cluster(3, 3);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  const int first = cluster.leader();
  cluster.run(100ms);
  EXPECT_TRUE(cluster.propose(first, "before"));
  cluster.run(100ms);
  cluster.crash(first);
  ASSERT_TRUE(cluster.run(4s, [&] { return cluster.leader() != -1 && cluster.leader() != first; }));
  EXPECT_TRUE(cluster.propose(cluster.leader(), "after"));
  cluster.boot(first);
  EXPECT_TRUE(cluster.run(3s, [&] { return cluster.committed_data() == 2 && cluster.all_applied(cluster.most_committed()); }));
}

TEST(Core, FindsANewLeaderWithinTwoTimeoutsOfTheLastOnesDeath) {
  std::vector<Duration> waited;
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    Cluster cluster(3, seed);
    cluster.faults = {.most_delay = 2ms, .most_save_delay = 5ms};
    ASSERT_TRUE(cluster.run(20s, [&] { return cluster.leader() != -1; })) << "seed " << seed;
    cluster.run(2s + seed * 1ms);
    const int first = cluster.leader();
    cluster.crash(first);
    const Instant died = cluster.now();
    ASSERT_TRUE(cluster.run(20s, [&] { return cluster.leader() != -1; })) << "seed " << seed;
    waited.push_back(cluster.now() - died);
  }
  std::ranges::sort(waited);
  const Duration timeout = CoreOptions().election_timeout;
  EXPECT_LT(waited[500], 2 * timeout);
  EXPECT_LT(waited[980], 2 * timeout + 100ms) << "the timeout counts from the last message";
  EXPECT_LT(waited.back(), 3 * timeout) << "an election that nobody can win any more is repeated soon";
}

TEST(Core, ANodeThatWasAloneComesBackWithoutAnElection) {
  Cluster cluster(3, 4);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  const int leader = cluster.leader();
  const int64_t term = cluster.core(leader)->term();
  cluster.isolate((leader + 1) % 3);
  cluster.run(20s);
  cluster.heal();
  cluster.run(5s);
  EXPECT_EQ(cluster.leader(), leader);
  EXPECT_EQ(cluster.core(leader)->term(), term);
}

TEST(Core, ReadsAreConfirmedByAMajority) {
  Cluster cluster(3, 5);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  cluster.run(500ms);
  const int leader = cluster.leader();
  const uint64_t at_leader = cluster.read(leader), at_follower = cluster.read((leader + 1) % 3);
  EXPECT_TRUE(cluster.run(1s, [&] { return cluster.reads().size() == 2; }));
  EXPECT_TRUE(cluster.reads().at(at_leader).status.ok());
  EXPECT_TRUE(cluster.reads().at(at_follower).status.ok()) << cluster.reads().at(at_follower).status.to_string();
  EXPECT_EQ(cluster.reads().at(at_leader).index, 1);
  cluster.isolate(leader);
  const uint64_t alone = cluster.read(leader);
  EXPECT_TRUE(cluster.run(3s, [&] { return cluster.reads().contains(alone); }));
  EXPECT_FALSE(cluster.reads().at(alone).status.ok());
}

TEST(Core, AReadThatAFollowerHasForwardedEndsWhenTheFollowerFailsMeanwhile) {
  const Instant now{1s};
  Core core({.group = "test", .self = Cluster::peer(0)}, {}, {}, *jraft::Configuration::parse("127.0.0.1:9000,127.0.0.1:9001"), 1);
  core.start(now);
  core.receive(now, 1, 1, jraft::AppendEntriesRequest{.group_id = "test", .server_id = "127.0.0.1:9001", .peer_id = "127.0.0.1:9000", .term = 1});
  for (const Effect& effect : core.take()) {
    if (const auto* save = std::get_if<effect::SaveState>(&effect)) core.state_saved(now, save->number);
  }
  ASSERT_TRUE(core.read(now, 7).ok());
  uint64_t call = 0;
  for (const Effect& effect : core.take()) {
    if (const auto* send = std::get_if<effect::Send>(&effect)) call = send->call;
  }
  core.fail(now, {jraft::RaftError::eio, "the disk has failed"});
  core.answered(now, call, jraft::ReadIndexResponse{.index = 3, .success = true});
  const std::vector<Effect> effects = core.take();
  ASSERT_FALSE(effects.empty());
  const auto* read = std::get_if<effect::ReadAt>(&effects.back());
  ASSERT_NE(read, nullptr) << "nobody answers the read";
  EXPECT_EQ(read->token, 7u);
  EXPECT_FALSE(read->status.ok());
}

TEST(Core, AVoteThatIsNotSavedWhenTheNodeFailsIsNotGivenAfterwards) {
  const Instant now{1s};
  Core core({.group = "test", .self = Cluster::peer(0)}, {}, {}, *jraft::Configuration::parse("127.0.0.1:9000,127.0.0.1:9001,127.0.0.1:9002"), 1);
  core.start(now);
  core.receive(now, 7, 1, jraft::RequestVoteRequest{.group_id = "test", .server_id = "127.0.0.1:9001", .peer_id = "127.0.0.1:9000", .term = 5});
  core.fail(now, {jraft::RaftError::eio, "the disk has failed"});
  core.state_saved(now, 1);
  core.state_saved(now, 2);
  int answers = 0;
  for (const Effect& effect : core.take()) {
    const auto* answer = std::get_if<effect::Answer>(&effect);
    if (answer == nullptr) continue;
    ++answers;
    EXPECT_TRUE(std::holds_alternative<jraft::ErrorResponse>(answer->response));
  }
  EXPECT_EQ(answers, 1);
}

TEST(Core, MembersAreAddedAndRemovedTheLeaderToo) {
  Cluster cluster(3, 6);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  cluster.run(500ms);
  const int leader = cluster.leader();
  for (int i = 0; i < 50; ++i) cluster.propose(leader, "x");
  cluster.add_node(3);
  EXPECT_TRUE(cluster.change(leader, "127.0.0.1:9000,127.0.0.1:9001,127.0.0.1:9002,127.0.0.1:9003").ok());
  EXPECT_EQ(cluster.change(leader, "127.0.0.1:9000").code, jraft::RaftError::ebusy);
  EXPECT_TRUE(cluster.run(5s, [&] { return cluster.changes().size() == 1; }));
  EXPECT_TRUE(cluster.changes().begin()->second.ok()) << cluster.changes().begin()->second.to_string();
  std::string without;
  for (int i = 0; i < 4; ++i) {
    if (i != leader) without += (without.empty() ? "" : ",") + Cluster::peer(i).to_string();
  }
  EXPECT_TRUE(cluster.change(leader, without).ok());
  EXPECT_TRUE(cluster.run(5s, [&] { return cluster.changes().size() == 2 && cluster.leader() != -1 && cluster.leader() != leader; }));
  EXPECT_TRUE(cluster.propose(cluster.leader(), "y"));
}

TEST(Core, HandsOverWhenAsked) {
  Cluster cluster(3, 7);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  cluster.run(500ms);
  const int leader = cluster.leader(), next = (leader + 1) % 3;
  EXPECT_TRUE(cluster.transfer(leader, next).ok());
  EXPECT_TRUE(cluster.run(200ms, [&] { return cluster.leader() == next; }));
}

TEST(Core, FeedsAWipedOrLaggingNodeBySnapshot) {
  Cluster cluster(3, 8);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  cluster.run(500ms);
  const int leader = cluster.leader(), lags = (leader + 1) % 3;
  cluster.crash(lags);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) cluster.propose(leader, "x");
    cluster.run(100ms);
    cluster.snapshot(leader);
  }
  cluster.boot(lags);
  EXPECT_TRUE(cluster.run(5s, [&] { return cluster.all_applied(cluster.most_committed()); }));
}

TEST(Core, ALearnerFollowsAndNeverVotes) {
  Cluster cluster(3, 9);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  cluster.run(500ms);
  cluster.add_node(3);
  const int leader = cluster.leader();
  EXPECT_TRUE(cluster.change(leader, "127.0.0.1:9000,127.0.0.1:9001,127.0.0.1:9002,127.0.0.1:9003/learner").ok());
  EXPECT_TRUE(cluster.run(5s, [&] { return cluster.changes().size() == 1; }));
  EXPECT_TRUE(cluster.changes().begin()->second.ok());
  cluster.propose(leader, "x");
  EXPECT_TRUE(cluster.run(2s, [&] { return cluster.applied(3) == cluster.most_committed(); }));
  const uint64_t read = cluster.read(3);
  EXPECT_TRUE(cluster.run(1s, [&] { return cluster.reads().contains(read); }));
  EXPECT_TRUE(cluster.reads().at(read).status.ok()) << "a learner serves reads through the leader";
  cluster.crash((leader + 1) % 3);
  cluster.crash((leader + 2) % 3);
  cluster.run(5s);
  EXPECT_EQ(cluster.leader(), -1) << "a learner is no majority";
}

TEST(Core, TheHighestPriorityThatIsAliveLeads) {
  Cluster cluster(3, 10, {}, {{0, 100}, {1, 50}, {2, 0}});
  ASSERT_TRUE(cluster.run(10s, [&] { return cluster.leader() != -1; }));
  EXPECT_EQ(cluster.leader(), 0);
  cluster.run(500ms);
  cluster.crash(0);
  ASSERT_TRUE(cluster.run(30s, [&] { return cluster.leader() != -1; }));
  EXPECT_EQ(cluster.leader(), 1);
  cluster.boot(0);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.all_applied(cluster.most_committed()); })) << "it could not win with a shorter log";
  cluster.crash(1);
  ASSERT_TRUE(cluster.run(20s, [&] { return cluster.leader() != -1; }));
  EXPECT_EQ(cluster.leader(), 0) << "priority 0 never leads";
  cluster.crash(0);
  cluster.boot(1);
  cluster.crash(1);
  cluster.run(20s);
  EXPECT_EQ(cluster.leader(), -1);
}

TEST(Core, AGroupThatHasLostItsMajorityIsSetAnew) {
  Cluster cluster(3, 11);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  cluster.run(500ms);
  const int leader = cluster.leader();
  cluster.propose(leader, "x");
  cluster.run(500ms);
  cluster.crash((leader + 1) % 3);
  cluster.crash((leader + 2) % 3);
  cluster.run(5s);
  EXPECT_EQ(cluster.leader(), -1);
  cluster.reset_peers(leader, Cluster::peer(leader).to_string());
  EXPECT_TRUE(cluster.run(5s, [&] { return cluster.leader() == leader; }));
  EXPECT_TRUE(cluster.propose(leader, "y"));
  EXPECT_TRUE(cluster.run(1s, [&] { return cluster.committed_data() == 2; }));
}

/// One group under random faults for a minute, then at rest: it must agree, and go on.
Cluster quiet_group() {
  CoreOptions options;
  options.quiet_after = 2s;
  Cluster cluster(3, 1, options);
  EXPECT_TRUE(cluster.run(10s, [&] { return cluster.leader() != -1; }));
  EXPECT_TRUE(cluster.run(1s, [&] { return cluster.propose(cluster.leader(), "x"); }));
  EXPECT_TRUE(cluster.run(10s, [&] { return cluster.all_quiet(); })) << cluster.describe();
  return cluster;
}

TEST(Core, AReadThatWaitsForARoundEndsWhenTheOthersAreMembersNoMore) {
  Cluster cluster(2, 9);
  ASSERT_TRUE(cluster.run(5s, [&] { return cluster.leader() != -1; }));
  ASSERT_TRUE(cluster.run(1s, [&] { return cluster.all_applied(1); }));
  const int leader = cluster.leader();
  (void)cluster.read(leader);  // its round is under way ...
  const uint64_t waits = cluster.read(leader);
  ASSERT_TRUE(cluster.change(leader, Cluster::peer(leader).to_string()).ok());
  EXPECT_TRUE(cluster.run(5s, [&] { return cluster.reads().contains(waits); }));
  for (int i = 0; i < 20; ++i) {
    const uint64_t token = cluster.read(leader);
    EXPECT_TRUE(cluster.run(5s, [&] { return cluster.reads().contains(token); }));
  }
}

TEST(Core, AnIdleGroupIsQuiet) {
  Cluster cluster = quiet_group();
  const size_t before = cluster.sent();
  const int leader = cluster.leader();
  const int64_t term = cluster.core(leader)->term();
  cluster.run(50s);
  EXPECT_EQ(cluster.sent(), before) << "not a message";
  cluster.run(600s);
  EXPECT_EQ(cluster.leader(), leader) << "who looks after a long time whether all is well disturbs nobody";
  EXPECT_EQ(cluster.core(leader)->term(), term);
}

TEST(Core, AQuietGroupWakesForAnEntryAndARead) {
  Cluster cluster = quiet_group();
  const int leader = cluster.leader();
  EXPECT_EQ(cluster.core(leader)->log().cached_bytes(), 0u) << "it keeps no entries in memory";
  EXPECT_TRUE(cluster.propose(leader, "y"));
  EXPECT_TRUE(cluster.run(1s, [&] { return cluster.all_applied(3); }));
  EXPECT_TRUE(cluster.run(10s, [&] { return cluster.all_quiet(); }));
  const uint64_t token = cluster.read((leader + 1) % 3);
  EXPECT_TRUE(cluster.run(1s, [&] { return cluster.reads().contains(token); }));
  EXPECT_TRUE(cluster.reads().at(token).status.ok());
}

TEST(Core, AQuietGroupElectsWhenTheLeadersNodeIsLost) {
  Cluster cluster = quiet_group();
  const int leader = cluster.leader();
  cluster.crash(leader);
  EXPECT_TRUE(cluster.run(4s, [&] { return cluster.leader() != -1 && cluster.leader() != leader; })) << cluster.describe();
}

void survive(uint64_t seed) {
  SCOPED_TRACE(seed);
  Random random(seed);
  const int size = random.chance(0.5) ? 3 : 5;
  CoreOptions options;
  options.max_entries = random.chance(0.3) ? 1 : 16;
  options.max_inflight = random.chance(0.3) ? 1 : 8;
  options.cache_bytes = random.chance(0.5) ? 1 : 1 << 20;
  options.lease_reads = random.chance(0.5);
  if (random.chance(0.5)) options.quiet_after = std::chrono::milliseconds(random.uniform(100, 3000));
  options.install_timeout = 2s;  // a lost connection is seen by nothing else here
  Cluster cluster(size, random.next(), options);
  cluster.faults = {.loss = random.unit() * 0.2,
                    .repeat = random.unit() * 0.1,
                    .most_delay = std::chrono::milliseconds(random.uniform(0, 100)),
                    .most_save_delay = std::chrono::milliseconds(random.uniform(0, 20))};
  for (int step = 0; step < 300 && !::testing::Test::HasFailure(); ++step) {
    cluster.run(std::chrono::milliseconds(random.uniform(1, 400)));
    const auto any = static_cast<int>(random.uniform(static_cast<uint64_t>(size)));
    switch (random.uniform(12)) {
      case 0:
        if (cluster.is_up(any)) cluster.crash(any);
        break;
      case 1:
      case 2:
        for (int i = 0; i < size; ++i) {
          if (!cluster.is_up(i) && random.chance(0.7)) cluster.boot(i);
        }
        break;
      case 3:
        random.chance(0.5) ? cluster.isolate(any) : cluster.cut(any, static_cast<int>(random.uniform(static_cast<uint64_t>(size))));
        break;
      case 4:
        cluster.heal();
        break;
      case 5:
        if (cluster.is_up(any)) cluster.snapshot(any);
        break;
      case 6:
        if (cluster.leader() != -1 && random.chance(0.3)) cluster.transfer(cluster.leader(), any);
        break;
      case 7:
        if (cluster.is_up(any)) cluster.read(any);
        break;
      case 8:
        if (cluster.leader() != -1 && random.chance(0.5)) {
          std::string members;
          for (int i = 0; i < size; ++i) {
            if (i != any) members += (members.empty() ? "" : ",") + Cluster::peer(i).to_string();
          }
          if (random.chance(0.6)) members += "," + Cluster::peer(any).to_string();
          cluster.change(cluster.leader(), members);
        }
        break;
      default:
        if (cluster.leader() != -1) cluster.propose(cluster.leader(), std::to_string(step));
    }
  }
  cluster.heal();
  cluster.faults = {};
  for (int i = 0; i < size; ++i) {
    if (!cluster.is_up(i)) cluster.boot(i);
  }
  ASSERT_TRUE(cluster.run(30s, [&] { return cluster.leader() != -1; })) << "no leader";
  cluster.run(5s);
  ASSERT_TRUE(cluster.run(30s, [&] { return cluster.leader() != -1; })) << "no leader stays";  // one may be handing over
  const int leader = cluster.leader();
  const auto before = cluster.committed_data();
  ASSERT_TRUE(cluster.propose(leader, "last"));
  ASSERT_TRUE(cluster.run(10s, [&] { return cluster.committed_data() > before; })) << "nothing is committed";
  for (const PeerId& peer : cluster.core(leader)->members().current.peers) {
    const int i = peer.port - 9000;
    ASSERT_TRUE(cluster.run(10s, [&] { return cluster.applied(i) == cluster.most_committed(); }))
        << "node " << i << " does not follow: " << cluster.describe();
  }
}

TEST(Core, SurvivesRandomFaults) {
  const char* seeds = std::getenv("SOFA_SEEDS");
  const uint64_t count = seeds == nullptr ? 200 : std::stoull(seeds);
  for (uint64_t seed = 1; seed <= count && !HasFailure(); ++seed) survive(seed);
}

/// A core alone, with a log of these configurations, one entry each, of the term 1.
Core lone_core(int self, const std::vector<std::string>& members) {
  FoundLog found{.term_begins = {{.index = 1, .term = 1}}, .last = static_cast<int64_t>(members.size())};
  for (size_t i = 0; i < members.size(); ++i) {
    found.members[static_cast<int64_t>(i) + 1] = std::make_shared<const Membership>(Membership{.current = *jraft::Configuration::parse(members[i])});
  }
  return Core({.group = "test", .self = Cluster::peer(self)}, {.term = 1}, std::move(found), {}, 1);
}

std::vector<effect::Answer> answers_of(Core& core) {
  std::vector<effect::Answer> found;
  for (Effect& one : core.take()) {
    if (auto* answer = std::get_if<effect::Answer>(&one)) found.push_back(std::move(*answer));
  }
  return found;
}

TEST(Core, WhoLagsVotesForACandidateThatItDoesNotKnowAsAMember) {
  Core core = lone_core(0, {"127.0.0.1:9000,127.0.0.1:9001"});
  core.start(Instant{10s});
  jraft::RequestVoteRequest request{.group_id = "test",
                                    .server_id = "127.0.0.1:9005",
                                    .peer_id = "127.0.0.1:9000",
                                    .term = 2,
                                    .last_log_term = 1,
                                    .last_log_index = 9,
                                    .pre_vote = true};
  core.receive(Instant{20s}, 1, 1, request);
  const auto told = answers_of(core);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(std::get<jraft::RequestVoteResponse>(told[0].response).granted);
}

TEST(Core, WhoWasRemovedCampaignsWhileItAloneMayKnow) {
  Core core = lone_core(0, {"127.0.0.1:9000,127.0.0.1:9001", "127.0.0.1:9001", "127.0.0.1:9001"});
  core.start(Instant{10s});
  EXPECT_NE(core.due(), kNoDeadline);
  (void)core.take();
  core.tick(Instant{20s});
  const auto effects = core.take();
  EXPECT_TRUE(std::ranges::any_of(effects, [](const Effect& one) { return std::holds_alternative<effect::Send>(one); }))
      << "it asks whether it would win";
}

}  // namespace
}  // namespace sofa::raft
