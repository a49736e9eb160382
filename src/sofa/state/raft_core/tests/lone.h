#pragma once
// A core alone, whose disk and state machine are done at once: what it answers and sends to requests that a test makes up.

#include <gtest/gtest.h>

#include "sofa/state/raft_core/core.h"

namespace sofa::raft {

class Lone {
 public:
  /// `members`: none when empty.
  Lone(CoreOptions options, HardState state, FoundLog log, const std::string& members)
      : core(std::move(options), std::move(state), std::move(log), jraft::Configuration::parse(members).value_or(jraft::Configuration()), 1) {
    core.start(now);
    (void)run();
  }

  static CoreOptions options_of(std::string_view self) { return {.group = "test", .self = *PeerId::parse(self)}; }
  static jraft::AppendEntriesRequest append(std::string_view leader, std::string_view to, int64_t term, LogId prev, int64_t committed = 0) {
    jraft::AppendEntriesRequest request{.group_id = "test", .server_id = std::string(leader), .peer_id = std::string(to), .term = term};
    request.prev_log_index = prev.index;
    request.prev_log_term = prev.term;
    request.committed_index = committed;
    return request;
  }
  static void add(jraft::AppendEntriesRequest& request, int64_t term, std::string_view data) {
    request.entries.push_back({.term = term, .type = 2, .data_len = static_cast<int64_t>(data.size())});
    Buffer all;
    if (request.data) all.append(request.data->span());
    all.append(data);
    request.data = all.take();
  }
  static void add_members(jraft::AppendEntriesRequest& request, int64_t term, const std::vector<std::string>& peers) {
    request.entries.push_back({.term = term, .type = 3, .peers = peers, .data_len = 0});
  }

  /// Carries out what the disk is asked for; the answers.
  std::vector<jraft::Message> run() {
    std::vector<jraft::Message> answers;
    while (core.has_effects()) {
      for (Effect& effect : core.take()) {
        if (auto* state = std::get_if<effect::SaveState>(&effect)) core.state_saved(now, state->number);
        if (auto* entries = std::get_if<effect::Append>(&effect)) core.log_saved(now, entries->entries.back().id);
        if (auto* apply = std::get_if<effect::Apply>(&effect)) core.applied(now, apply->up_to);
        if (auto* answer = std::get_if<effect::Answer>(&effect)) answers.push_back(answer->response);
        if (auto* send = std::get_if<effect::Send>(&effect)) sent.push_back(std::move(*send));
        if (auto* offer = std::get_if<effect::OfferSnapshot>(&effect)) offered.push_back(*offer);
      }
    }
    return answers;
  }
  /// The answer, when there is one at once.
  std::optional<jraft::Message> ask(const jraft::Message& request) {
    core.receive(now, ++token, 1, request);
    auto answers = run();
    EXPECT_LE(answers.size(), 1u);
    return answers.empty() ? std::nullopt : std::optional(std::move(answers.front()));
  }
  /// Time passes up to its next deadline.
  void pass() {
    now = std::max(now, core.due());
    core.tick(now);
    (void)run();
  }
  /// The newest requests of a kind that were sent, since they were last asked for.
  template <class Request>
  std::vector<std::pair<uint64_t, Request>> requests() {
    std::vector<std::pair<uint64_t, Request>> found;
    for (const effect::Send& one : sent) {
      if (const auto* request = std::get_if<Request>(&one.request)) found.emplace_back(one.call, *request);
    }
    sent.clear();
    return found;
  }

  Instant now = Instant() + std::chrono::seconds(100);
  Core core;
  std::vector<effect::Send> sent{};
  std::vector<effect::OfferSnapshot> offered{};
  uint64_t token = 0;  ///< of the newest request
};

}  // namespace sofa::raft
