#pragma once
// Nodes without a disk and without peers for tests of what is built on Node: a real Core whose effects are carried out at once, and whose peers say
// yes.

#include <set>

#include "sofa/io/runtime.h"
#include "sofa/io/shard.h"
#include "sofa/state/raft/cli.h"

namespace sofa::raft::testing {

class CoreNode final : public Node {
 public:
  /// `members`: "ip:port,ip:port/learner"; `dead`: who never answers.
  CoreNode(const std::string& group, const std::string& self, const std::string& members, std::set<std::string> dead = {})
      : group_(group),
        self_(*PeerId::parse(self)),
        dead_(std::move(dead)),
        core_({.group = group, .self = self_}, {}, {}, *jraft::Configuration::parse(members), 1),
        now_(io::Shard::current().now() - std::chrono::minutes(1)) {
    core_.start(now_);
    run_effects();
  }

  /// It has been elected a while ago, and its first entry is committed.
  void lead() {
    while (!core_.is_leader() || core_.due() < io::Shard::current().now()) {
      now_ = std::max(now_, core_.due());
      core_.tick(now_);
      run_effects();
    }
  }
  /// It hears of a leader.
  void follow(const std::string& leader) {
    core_.receive(now_, 1, 1,
                  jraft::AppendEntriesRequest{.group_id = group_, .server_id = leader, .peer_id = self_.to_string(), .term = core_.term() + 1});
    run_effects();
  }

  const std::string& group() const override { return group_; }
  const PeerId& self() const override { return self_; }
  StateMachine& machine() override { std::abort(); }
  const Core& core() const override { return core_; }
  NodeDescription describe() const override {
    return {.group = group_,
            .self = self_.to_string(),
            .leader = core_.leader().is_nobody() ? "" : core_.leader().to_string(),
            .members = core_.members().current.to_string(),
            .role = std::string(to_string(core_.role())),
            .term = core_.term(),
            .last_log = core_.log().last(),
            .committed = core_.commit_index(),
            .applied = core_.applied_index(),
            .followers = core_.followers()};
  }
  bool takes_cli() const override { return cli; }

  io::Task<Result<Bytes>> apply(Bytes) override { std::abort(); }
  void apply(Bytes, Done) override { std::abort(); }
  void apply_once(SessionWrite, Bytes, Done) override { std::abort(); }
  io::Task<Result<void>> read() override { std::abort(); }
  void read(std::function<void(Result<void>)>) override { std::abort(); }

  io::Task<Result<void>> change_members(jraft::Configuration next) override {
    ++changes;
    changed_.reset();
    if (auto status = core_.change_members(now_, 1, std::move(next)); !status.ok()) co_return std::unexpected(error_of(std::move(status)));
    run_effects();
    while (!changed_) {
      now_ = core_.due();
      core_.tick(now_);
      run_effects();
    }
    if (!changed_->ok()) co_return std::unexpected(error_of(*changed_));
    co_return Result<void>();
  }
  Result<void> reset_peers(jraft::Configuration next) override { return result_of(core_.reset_peers(now_, std::move(next))); }
  Result<void> transfer(PeerId to) override { return result_of(core_.transfer(now_, to)); }
  io::Task<Result<void>> snapshot() override {
    ++snapshots;
    co_return result_of(snapshot_status);
  }

  bool cli = true;
  int changes = 0, snapshots = 0;
  jraft::Status snapshot_status{};

 private:
  static Result<void> result_of(jraft::Status status) {
    if (status.ok()) return {};
    return std::unexpected(error_of(std::move(status)));
  }

  void run_effects() {
    for (auto effects = core_.take(); !effects.empty(); effects = core_.take()) {
      for (auto& effect : effects) std::visit([&](const auto& one) { run(one); }, effect);
    }
  }
  void run(const effect::SaveState& save) { core_.state_saved(now_, save.number); }
  void run(const effect::Append& append) { core_.log_saved(now_, append.entries.back().id); }
  void run(const effect::Apply& apply) { core_.applied(now_, apply.up_to); }
  void run(const effect::Changed& changed) { changed_ = changed.status; }
  void run(const effect::Send& send) {
    if (dead_.contains(send.to.to_string())) return;
    std::visit([&](const auto& request) { say_yes(send.call, request); }, send.request);
  }
  void run(const auto&) {}

  void say_yes(uint64_t call, const jraft::RequestVoteRequest& request) {
    core_.answered(now_, call, jraft::RequestVoteResponse{.term = request.pre_vote ? request.term - 1 : request.term, .granted = true});
  }
  void say_yes(uint64_t call, const jraft::AppendEntriesRequest& request) {
    core_.answered(
        now_, call,
        jraft::AppendEntriesResponse{
            .term = request.term, .success = true, .last_log_index = request.prev_log_index + static_cast<int64_t>(request.entries.size())});
  }
  void say_yes(uint64_t, const auto&) {}

  const std::string group_;
  const PeerId self_;
  const std::set<std::string> dead_;
  Core core_;
  Instant now_;
  std::optional<jraft::Status> changed_{};
};

/// Some nodes of a server.
class Nodes final : public NodeTable {
 public:
  CoreNode& add(const std::string& group, const std::string& self, const std::string& members, std::set<std::string> dead = {}) {
    return *nodes_.emplace_back(std::make_unique<CoreNode>(group, self, members, std::move(dead)));
  }
  std::vector<Node*> nodes_of(std::string_view group) override {
    std::vector<Node*> found;
    for (const auto& node : nodes_) {
      if (node->group() == group) found.push_back(node.get());
    }
    return found;
  }

 private:
  std::vector<std::unique_ptr<CoreNode>> nodes_;
};

/// Runs `test()`, which returns a Task<void>, on a shard of its own.
template <class F>
void on_shard(F test) {
  io::Runtime runtime({.shards = 1, .hold_limit = Duration::zero()});
  runtime.block_on(test());
}

}  // namespace sofa::raft::testing
