// What others may send that is wrong: each gets its code and a sentence, and changes nothing.
#include <gtest/gtest.h>

#include "lone.h"

namespace sofa::raft {
namespace {

using namespace std::chrono_literals;
using jraft::RaftError;

constexpr const char* kSelf = "127.0.0.1:9000";
constexpr const char* kLeader = "127.0.0.1:9001";
constexpr const char* kOther = "127.0.0.1:9002";

class BadInput : public ::testing::Test, protected Lone {
 protected:
  BadInput() : Lone(options(), {.term = 5}, {}, fmt::format("{},{},{}", kSelf, kLeader, kOther)) {
    // It follows a leader in the term 5 that has given it two entries.
    auto request = append(5, 0, 0);
    for (const char* data : {"a", "b"}) add(request, 5, data);
    EXPECT_TRUE(std::get<jraft::AppendEntriesResponse>(*ask(request)).success);
  }

  static CoreOptions options() {
    CoreOptions options = options_of(kSelf);
    options.max_entry_bytes = 1000;
    options.checksum = true;
    return options;
  }
  static jraft::AppendEntriesRequest append(int64_t term, int64_t prev, int64_t prev_term) {
    return Lone::append(kLeader, kSelf, term, {.index = prev, .term = prev_term});
  }

  void expect_refused(const jraft::Message& request, RaftError code, std::string_view words) {
    const LogId last = core.log().last_id();
    const int64_t term = core.term(), commit = core.commit_index();
    const auto answer = ask(request);
    ASSERT_TRUE(answer);
    const auto* refusal = std::get_if<jraft::ErrorResponse>(&*answer);
    ASSERT_NE(refusal, nullptr) << words;
    EXPECT_EQ(refusal->code, static_cast<int32_t>(code)) << refusal->message.value_or("");
    EXPECT_NE(refusal->message.value_or("").find(words), std::string::npos) << refusal->message.value_or("");
    EXPECT_EQ(core.log().last_id(), last) << words;
    EXPECT_EQ(core.term(), term) << words;
    EXPECT_EQ(core.commit_index(), commit) << words;
    EXPECT_TRUE(core.is_active()) << words;
  }
};

TEST_F(BadInput, EntriesOfAnOlderTermAreNotTaken) {
  auto request = append(4, 2, 5);
  add(request, 4, "old");
  const auto answer = std::get<jraft::AppendEntriesResponse>(*ask(request));
  EXPECT_FALSE(answer.success);
  EXPECT_EQ(answer.term, 5);
  EXPECT_FALSE(answer.last_log_index) << "of an older term nothing is told but the term";
}

TEST_F(BadInput, EntriesBehindAGapAreNotTaken) {
  auto request = append(5, 7, 5);
  add(request, 5, "far");
  const auto answer = std::get<jraft::AppendEntriesResponse>(*ask(request));
  EXPECT_FALSE(answer.success);
  EXPECT_EQ(answer.last_log_index, 2) << "so that the leader finds the place";
  EXPECT_EQ(core.log().last(), 2);
}

TEST_F(BadInput, ASecondLeaderOfOneTermEndsTheTerm) {
  auto request = append(5, 2, 5);
  request.server_id = kOther;
  const auto answer = std::get<jraft::AppendEntriesResponse>(*ask(request));
  EXPECT_FALSE(answer.success);
  EXPECT_EQ(answer.term, 6);
  EXPECT_EQ(core.log().last(), 2);
}

TEST_F(BadInput, NamesThatAreNoneAreRefused) {
  for (const char* name : {"", "nowhere", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:1:2:3:4"}) {
    auto request = append(5, 2, 5);
    request.server_id = name;
    expect_refused(request, RaftError::einval, "Fail to parse peerId");
    expect_refused(jraft::RequestVoteRequest{.group_id = "test", .server_id = name, .peer_id = kSelf, .term = 9}, RaftError::einval,
                   "Fail to parse peerId");
  }
}

TEST_F(BadInput, EntriesThatCannotBeStoredAreRefused) {
  auto request = append(5, 2, 5);
  add(request, 5, std::string(1001, 'x'));
  expect_refused(request, RaftError::einval, "has 1001 bytes, this node stores at most 1000");
}

TEST_F(BadInput, LengthsThatDoNotFitAreRefused) {
  for (const int64_t length : {int64_t{-1}, int64_t{100}, INT64_MAX}) {
    auto request = append(5, 2, 5);
    add(request, 5, "data");
    request.entries.back().data_len = length;
    expect_refused(request, RaftError::einval, "is said to have");
  }
}

TEST_F(BadInput, KindsAndMembersOfEntriesThatAreNoneAreRefused) {
  auto request = append(5, 2, 5);
  add(request, 5, "data");
  request.entries.back().type = 9;
  expect_refused(request, RaftError::einval, "the type 9 of an entry");
  request.entries.back().type = 3;
  request.entries.back().peers = {"nobody"};
  expect_refused(request, RaftError::einval, "the member 'nobody'");
}

TEST_F(BadInput, AnEntryThatHasChangedOnItsWayIsRefused) {
  auto request = append(5, 2, 5);
  add(request, 5, "data");
  Entry sent{.id = {.index = 3, .term = 5}, .data = Bytes::literal("data")};
  request.entries.back().checksum = static_cast<int64_t>(jraft::checksum_of(sent));
  request.data = Bytes::literal("dbta");
  expect_refused(request, RaftError::einval, "checksum");
  request.data = sent.data;
  EXPECT_TRUE(std::get<jraft::AppendEntriesResponse>(*ask(request)).success);
}

TEST_F(BadInput, WhatIsCommittedIsNotReplaced) {
  auto heartbeat = append(5, 2, 5);
  heartbeat.committed_index = 2;
  ASSERT_TRUE(ask(heartbeat));
  ASSERT_EQ(core.commit_index(), 2);
  auto request = append(6, 1, 5);
  add(request, 6, "another");
  const LogId last = core.log().last_id();
  const auto answer = ask(request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<jraft::ErrorResponse>(*answer).code, static_cast<int32_t>(RaftError::einval));
  EXPECT_EQ(core.log().last_id(), last);
}

TEST_F(BadInput, ASnapshotWhoseMetaLiesIsNotFetched) {
  jraft::InstallSnapshotRequest request{.group_id = "test", .server_id = kLeader, .peer_id = kSelf, .term = 5};
  request.meta = {.last_included_index = 100, .last_included_term = 5, .peers = {"nobody"}};
  request.uri = "remote://127.0.0.1:9001/1";
  expect_refused(request, RaftError::einval, "the member 'nobody'");
}

TEST_F(BadInput, WhoAsksMuchOfANodeWhoseDiskHangsIsRefused) {
  jraft::RequestVoteRequest vote{.group_id = "test", .server_id = kOther, .peer_id = kSelf, .term = 9};
  size_t refused = 0;
  for (int i = 0; i < 5000; ++i) {
    core.receive(now, ++token, 1, vote);
    for (const Effect& effect : core.take()) {  // nothing is saved
      const auto* answer = std::get_if<effect::Answer>(&effect);
      if (answer == nullptr) continue;
      const auto* refusal = std::get_if<jraft::ErrorResponse>(&answer->response);
      ASSERT_NE(refusal, nullptr) << "no vote leaves before it is saved";
      EXPECT_EQ(refusal->code, static_cast<int32_t>(RaftError::ebusy));
      ++refused;
    }
  }
  EXPECT_EQ(refused, 5000 - options().max_held);
}

TEST_F(BadInput, AReadOfAStrangerIsRefused) {
  jraft::ReadIndexRequest request{.group_id = "test", .server_id = "127.0.0.1:9999"};
  request.peer_id = kSelf;
  expect_refused(request, RaftError::eperm, "Invalid state for readIndex");
}

TEST_F(BadInput, TimeoutNowOfAnotherTermIsNotFollowed) {
  for (const int64_t term : {int64_t{1}, int64_t{4}}) {
    const auto answer =
        std::get<jraft::TimeoutNowResponse>(*ask(jraft::TimeoutNowRequest{.group_id = "test", .server_id = kLeader, .peer_id = kSelf, .term = term}));
    EXPECT_FALSE(answer.success);
    EXPECT_EQ(core.role(), Role::follower);
    EXPECT_EQ(core.term(), 5);
  }
}

TEST_F(BadInput, EntriesBehindAGapAreNotTakenWhateverTheTermBeforeThem) {
  auto request = append(5, 7, 0);  // of what is not there the term is 0, too
  add(request, 5, "far");
  EXPECT_FALSE(std::get<jraft::AppendEntriesResponse>(*ask(request)).success);
  EXPECT_FALSE(std::get<jraft::AppendEntriesResponse>(*ask(append(5, 7, 0))).success) << "a heartbeat";
  EXPECT_EQ(core.log().last(), 2);
}

TEST_F(BadInput, TermsThatCanBeNoneAreRefused) {
  for (const int64_t term : {INT64_MIN, int64_t{-1}, INT64_MAX}) {
    auto request = append(term, 2, 5);
    expect_refused(request, RaftError::einval, "can be none");
    expect_refused(jraft::RequestVoteRequest{.group_id = "test", .server_id = kOther, .peer_id = kSelf, .term = term}, RaftError::einval,
                   "can be none");
  }
  for (const int64_t term : {INT64_MIN, int64_t{4}, int64_t{6}, INT64_MAX}) {
    auto request = append(5, 2, 5);
    add(request, term, "data");
    expect_refused(request, RaftError::einval, "terms never fall, and the leader's is 5");
  }
}

TEST_F(BadInput, ASnapshotInPlaceOfWhatIsCommittedIsNotFetched) {
  auto heartbeat = append(5, 2, 5);
  heartbeat.committed_index = 2;
  ASSERT_TRUE(ask(heartbeat));
  jraft::InstallSnapshotRequest request{.group_id = "test", .server_id = kLeader, .peer_id = kSelf, .term = 5};
  request.uri = "remote://127.0.0.1:9001/1";
  for (const auto& [index, term] : {std::pair<int64_t, int64_t>{2, 4}, {100, 6}, {100, 0}, {INT64_MAX, 5}}) {
    request.meta = {.last_included_index = index, .last_included_term = term, .peers = {kSelf, kLeader, kOther}};
    expect_refused(request, RaftError::einval, "can be none of this group");
  }
}

}  // namespace
}  // namespace sofa::raft
