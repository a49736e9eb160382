#pragma once
// A group of cores in one thread with virtual time, disks that save a moment later and forget what they have not saved, and a network that loses,
// delays and repeats. Every event is followed by the checks of what must hold at any time.

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <set>

#include "sofa/base/random.h"
#include "sofa/state/raft_core/core.h"
#include "sofa/state/raft_core/members.h"

namespace sofa::raft {

struct Faults {
  double loss = 0;             // of a request or of an answer
  double repeat = 0;           // of a request
  Duration most_delay{};       // of a message, beside the 1 ms that each takes
  Duration most_save_delay{};  // of the disk
};

class Cluster {
 public:
  Cluster(int size, uint64_t seed, CoreOptions options = {}, std::map<int, int> priorities = {})
      : random_(seed), options_(std::move(options)), priorities_(std::move(priorities)) {
    options_.group = "test";
    for (int i = 0; i < size; ++i) {
      members_.peers.push_back(peer(i));
      if (priorities_.contains(i)) members_.peers.back().priority = priorities_[i];
    }
    for (int i = 0; i < size; ++i) add_node(i);
  }

  static PeerId peer(int number) { return {.ip = "127.0.0.1", .port = 9000 + number}; }
  Core* core(int i) { return nodes_[i].core.get(); }
  Instant now() const { return now_; }
  Faults faults{};

  void add_node(int i) {
    nodes_[i].id = peer(i);
    boot(i);
  }

  void boot(int i) {
    Node& node = nodes_[i];
    ++node.life;
    CoreOptions options = options_;
    options.self = peer(i);
    if (priorities_.contains(i)) options.self.priority = priorities_[i];
    FoundLog found{.snapshot = node.snapshot,
                   .snapshot_members = node.snapshot_members,
                   .first = node.first,
                   .last = node.first - 1 + static_cast<int64_t>(node.log.size())};
    for (const Entry& entry : node.log) {
      if (found.term_begins.empty() || found.term_begins.back().term != entry.id.term) found.term_begins.push_back(entry.id);
      if (entry.type == EntryType::configuration) found.members[entry.id.index] = entry.membership;
    }
    node.core = std::make_unique<Core>(options, node.state, std::move(found),
                                       i < static_cast<int>(members_.peers.size()) ? members_ : jraft::Configuration(), random_.next());
    node.applied = node.snapshot.index;
    node.core->start(now_);
    perform(i);
  }

  /// As kill -9 and a power cut: what was not saved is gone.
  void crash(int i) {
    tell_lost(i);
    ++nodes_[i].life;
    nodes_[i].core = nullptr;
    nodes_[i].unsaved.clear();
    nodes_[i].known_term = nodes_[i].state.term;  // what was not saved has left for nowhere
  }
  bool is_up(int i) { return nodes_[i].core != nullptr; }

  void cut(int from, int to) {
    cut_.insert({from, to});
    tell_lost(from);
    tell_lost(to);
  }
  void heal() { cut_.clear(); }
  void tell_lost(int i);
  bool all_quiet() {
    return std::ranges::all_of(nodes_, [](const auto& item) { return item.second.core == nullptr || item.second.core->is_quiet(); });
  }
  size_t sent() const { return sent_; }
  void isolate(int i) {
    for (auto& [other, node] : nodes_) {
      if (other != i) cut(i, other), cut(other, i);
    }
  }

  /// Runs events until `end`, or until `done` holds.
  bool run(Duration length, const std::function<bool()>& done = {}) {
    const Instant end = now_ + length;
    while (now_ < end) {
      if (done && done()) return true;
      Instant next = end;
      if (!events_.empty()) next = std::min(next, events_.top().at);
      for (auto& [i, node] : nodes_) {
        if (node.core != nullptr) next = std::min(next, node.core->due());
      }
      now_ = std::max(now_, next);
      while (!events_.empty() && events_.top().at <= now_) {
        const auto run_it = events_.top().run;
        events_.pop();
        run_it();
        check();
      }
      for (auto& [i, node] : nodes_) {
        if (node.core == nullptr || node.core->due() > now_) continue;
        node.core->tick(now_);
        perform(i);
        check();
      }
      if (::testing::Test::HasFatalFailure()) return false;
    }
    return done ? done() : true;
  }

  size_t good_reads() const {
    return static_cast<size_t>(std::ranges::count_if(reads_, [](const auto& one) { return one.second.status.ok(); }));
  }
  void reset_peers(int i, const std::string& members) {
    ASSERT_TRUE(core(i)->reset_peers(now_, *jraft::Configuration::parse(members)).ok());
    perform(i);
  }

  int leader() {
    int found = -1;
    for (auto& [i, node] : nodes_) {
      if (node.core != nullptr && node.core->role() == Role::leader && (found == -1 || node.core->term() > nodes_[found].core->term())) found = i;
    }
    return found;
  }

  bool propose(int i, const std::string& text) {
    const auto proposed = core(i)->propose(now_, {Bytes::copy_of(text)});
    perform(i);
    check();
    return proposed.status.ok();
  }
  jraft::Status change(int i, const std::string& members) {
    const auto status = core(i)->change_members(now_, ++tokens_, *jraft::Configuration::parse(members));
    perform(i);
    return status;
  }
  jraft::Status transfer(int i, int to) {
    const auto status = core(i)->transfer(now_, peer(to));
    perform(i);
    return status;
  }
  uint64_t read(int i) {
    const uint64_t token = ++tokens_;
    read_floors_[token] = most_committed_;
    const auto status = core(i)->read(now_, token);
    if (!status.ok()) reads_[token] = {.status = status};
    perform(i);
    return token;
  }
  const std::map<uint64_t, effect::ReadAt>& reads() const { return reads_; }
  const std::map<uint64_t, jraft::Status>& changes() const { return changes_; }

  /// A snapshot of what is applied.
  void snapshot(int i) {
    Node& node = nodes_[i];
    const int64_t index = node.core->applied_index();
    if (index <= node.snapshot.index) return;
    const LogId id{.index = index, .term = node.core->log().term_of(index)};
    auto members = node.core->log().members_at(index);
    node.snapshot = id;
    node.snapshot_members = members;
    node.core->snapshot_saved(now_, id, members);
    perform(i);
  }

  std::string describe() {
    std::string text;
    for (auto& [i, node] : nodes_) {
      if (node.core == nullptr) continue;
      const Core& core = *node.core;
      text += fmt::format("\n  {}: {} term {} leader {} log [{}, {}] snapshot {} saved {} commit {} applied {} members {} old {}", i,
                          to_string(core.role()), core.term(), core.leader().to_string(), core.log().first(), core.log().last(),
                          core.log().snapshot().index, core.saved_id().index, core.commit_index(), node.applied, core.members().current.to_string(),
                          core.members().old.to_string());
      for (const Core::Follower& one : core.followers()) {
        text += fmt::format("\n     {} {} match {} next {} inflight {} errors {}", one.peer.to_string(), static_cast<int>(one.state), one.match,
                            one.next, one.inflight, one.errors);
      }
    }
    return text;
  }

  int64_t applied(int i) { return nodes_[i].applied; }
  size_t committed_data() const { return committed_data_; }
  int64_t most_committed() const { return most_committed_; }
  /// Whether all that are up have applied the same.
  bool all_applied(int64_t index) {
    for (auto& [i, node] : nodes_) {
      if (node.core != nullptr && node.applied < index) return false;
    }
    return true;
  }

 private:
  struct Node {
    PeerId id{};
    std::unique_ptr<Core> core{};
    uint64_t life = 0;
    // The disk.
    HardState state{};
    int64_t first = 1;
    std::deque<Entry> log{};
    LogId snapshot{};
    std::shared_ptr<const Membership> snapshot_members{};
    std::deque<std::function<void()>> unsaved{};  // in order
    // The state machine.
    int64_t applied = 0;
    std::map<int64_t, uint64_t> hashes{{0, 0}};
    int64_t known_term = 0;
  };
  struct Event {
    Instant at;
    uint64_t order;
    std::function<void()> run;
    bool operator<(const Event& other) const { return std::pair(at, order) > std::pair(other.at, other.order); }
  };

  void at(Duration after, std::function<void()> run) { events_.push({now_ + after, random_.next(), std::move(run)}); }
  /// In the order of their coming.
  void save(int i, std::function<void()> run) {
    Node& node = nodes_[i];
    node.unsaved.push_back(std::move(run));
    if (node.unsaved.size() > 1) return;
    save_next(i, node.life);
  }
  void save_next(int i, uint64_t life) {
    at(std::chrono::microseconds(100) + delay(faults.most_save_delay), [this, i, life] {
      Node& node = nodes_[i];
      if (node.life != life || node.unsaved.empty()) return;
      const auto run = std::move(node.unsaved.front());
      node.unsaved.pop_front();
      run();
      if (!node.unsaved.empty()) save_next(i, life);
    });
  }
  Duration delay(Duration most) { return most == Duration() ? Duration() : Duration(random_.uniform(0, most.count())); }

  void perform(int i) {
    Node& node = nodes_[i];
    if (node.core == nullptr) return;
    for (auto effects = node.core->take(); !effects.empty(); effects = node.core->take()) {
      for (Effect& effect : effects) {
        std::visit([&](auto& one) { perform(i, one); }, effect);
      }
    }
  }
  /// The core that lives now, later.
  template <class F>
  auto still(int i, F function) {
    return [this, i, life = nodes_[i].life, function]() mutable {
      if (nodes_[i].life != life || nodes_[i].core == nullptr) return;
      function(nodes_[i]);
      perform(i);
    };
  }

  void perform(int i, effect::SaveState& one) {
    save(i, still(i, [this, one](Node& node) {
           node.state = {.term = one.term, .voted_for = one.voted_for, .must_reach = one.must_reach};
           node.core->state_saved(now_, one.number);
         }));
  }
  void perform(int i, effect::Append& one) {
    save(i, still(i, [this, entries = std::move(one.entries)](Node& node) {
           for (const Entry& entry : entries) {
             ASSERT_EQ(entry.id.index, node.first + static_cast<int64_t>(node.log.size())) << "a hole on the disk";
             node.log.push_back(entry);
           }
           node.core->log_saved(now_, entries.back().id);
         }));
  }
  void perform(int i, effect::TruncateSuffix& one) {
    save(i, still(i, [one](Node& node) {
           while (!node.log.empty() && node.log.back().id.index > one.last_kept) node.log.pop_back();
         }));
  }
  void perform(int i, effect::TruncatePrefix& one) {
    save(i, still(i, [one](Node& node) {
           while (!node.log.empty() && node.log.front().id.index < one.first_kept) {
             node.log.pop_front();
             ++node.first;
           }
           if (node.log.empty()) node.first = std::max(node.first, one.first_kept);
         }));
  }
  void perform(int i, effect::ResetLog& one) {
    save(i, still(i, [one](Node& node) {
           node.log.clear();
           node.first = one.behind.index + 1;
         }));
  }
  void perform(int i, effect::ReadEntries& one) {
    at(std::chrono::microseconds(50), still(i, [this, one](Node& node) {
         std::vector<Entry> entries;
         size_t bytes = 0;
         for (int64_t index = one.from; index < node.first + static_cast<int64_t>(node.log.size()) && index >= node.first; ++index) {
           if (!entries.empty() && (entries.size() >= one.max_entries || bytes >= one.max_bytes)) break;
           entries.push_back(node.log[static_cast<size_t>(index - node.first)]);
           bytes += entries.back().data.size();
         }
         node.core->entries_read(now_, one.number, std::move(entries));
       }));
  }

  int number_of(const PeerId& id) { return id.port - 9000; }
  bool lost(int from, int to) { return cut_.contains({from, to}) || random_.chance(faults.loss); }

  void perform(int i, effect::Send& one) {
    ++sent_;
    const int to = number_of(one.to);
    const uint64_t life = nodes_[i].life;
    const auto fail_at = [this, i, call = one.call](Duration after) {
      at(after, still(i, [this, call](Node& node) { node.core->failed(now_, call, {jraft::RaftError::etimedout, "no answer"}); }));
    };
    fail_at(one.timeout);  // passed over when it has been answered
    // Requests between two nodes come in their order: a connection.
    const int times = random_.chance(faults.repeat) ? 2 : 1;
    for (int time = 0; time < times; ++time) {
      if (lost(i, to)) continue;
      Instant& last = arrival_[{i, to}];
      last = std::max(last, now_ + std::chrono::milliseconds(1) + delay(faults.most_delay));
      at(last - now_ + Duration(time), [this, i, to, life, call = one.call, request = one.request] {
        Node& target = nodes_[to];
        if (target.core == nullptr) return;
        const uint64_t token = ++tokens_;
        waiting_[token] = {i, life, call};
        target.core->receive(now_, token, static_cast<uint64_t>(i) + 1, request);
        perform(to);
      });
    }
  }
  void perform(int i, effect::Answer& one) {
    const auto found = waiting_.find(one.token);
    ASSERT_NE(found, waiting_.end()) << "answered twice";
    const auto [to, life, call] = found->second;
    waiting_.erase(found);
    if (lost(i, to)) return;
    at(std::chrono::milliseconds(1) + delay(faults.most_delay), [this, to, life, call, response = one.response] {
      Node& node = nodes_[to];
      if (node.life != life || node.core == nullptr) return;
      node.core->answered(now_, call, response);
      perform(to);
    });
  }

  void perform(int i, effect::Apply& one) {
    Node& node = nodes_[i];
    while (node.applied < one.up_to) {
      const int64_t index = node.applied + 1;
      const Entry* entry = nullptr;
      if (index >= node.core->log().cached_from() && index <= node.core->log().last()) {
        entry = &node.core->log().entry(index);
      } else if (index >= node.first && index < node.first + static_cast<int64_t>(node.log.size())) {
        entry = &node.log[static_cast<size_t>(index - node.first)];
      }
      ASSERT_NE(entry, nullptr) << "entry " << index << " of " << i << " cannot be applied";
      apply(i, node, *entry);
    }
    node.core->applied(now_, node.applied);
  }
  void apply(int i, Node& node, const Entry& entry) {
    const uint64_t hash = node.hashes.at(node.applied) * 1'099'511'628'211u ^ std::hash<std::string_view>()(as_text(entry.data.span())) ^
                          static_cast<uint64_t>(entry.id.term) << 32 ^ static_cast<uint64_t>(entry.type);
    node.applied = entry.id.index;
    node.hashes[node.applied] = hash;
    const auto [known, fresh] = committed_.emplace(node.applied, hash);
    ASSERT_EQ(known->second, hash) << "I6: node " << i << " applies another entry " << node.applied;
    if (fresh && entry.type == EntryType::data) ++committed_data_;
    most_committed_ = std::max(most_committed_, node.applied);
  }
  void perform(int, effect::LeaderStarted&) {}
  void perform(int, effect::LeaderStopped&) {}
  void perform(int, effect::FollowingStarted&) {}
  void perform(int, effect::FollowingStopped&) {}
  void perform(int, effect::MembersCommitted&) {}
  void perform(int, effect::ProposalsLost&) {}
  void perform(int i, effect::Failed& one) { ADD_FAILURE() << "node " << i << ": " << one.why.to_string(); }
  void perform(int i, effect::OfferSnapshot& one) {
    at(std::chrono::microseconds(200), still(i, [this, i, one](Node& node) {
         if (node.snapshot.index == 0) return node.core->snapshot_not_opened(now_, one.number, {jraft::RaftError::enoent, "no snapshot"});
         node.core->snapshot_opened(now_, one.number, meta_of(node.snapshot, *node.snapshot_members), std::to_string(i));
       }));
  }
  void perform(int, effect::CloseSnapshot&) {}
  void perform(int i, effect::FetchSnapshot& one) {
    const int from = std::stoi(one.uri);
    at(std::chrono::milliseconds(20) + delay(faults.most_delay), still(i, [this, from, one](Node& node) {
         const LogId id{.index = one.meta.last_included_index, .term = one.meta.last_included_term};
         Node& source = nodes_[from];
         if (source.snapshot.index < id.index || random_.chance(faults.loss)) {
           return node.core->snapshot_loaded(now_, one.number, {jraft::RaftError::enoent, "the snapshot is gone"});
         }
         node.snapshot = id;
         node.snapshot_members = std::make_shared<const Membership>(*members_of(one.meta));
         if (id.index > node.applied) {
           node.applied = id.index;
           node.hashes[id.index] = committed_.at(id.index);
         }
         node.core->snapshot_loaded(now_, one.number, {});
       }));
  }
  void perform(int, effect::CancelFetch&) {}
  void perform(int, effect::ReadAt& one) { ASSERT_TRUE(reads_.emplace(one.token, one).second) << "a read is answered twice"; }
  void perform(int, effect::Changed& one) { ASSERT_TRUE(changes_.emplace(one.token, one.status).second); }

  void check() {
    for (auto& [i, node] : nodes_) {
      if (node.core == nullptr) continue;
      const Core& core = *node.core;
      if (core.is_leader()) {
        const auto [known, fresh] = leaders_.emplace(core.term(), i);
        ASSERT_EQ(known->second, i) << "I1: two leaders of the term " << core.term();
      }
      ASSERT_GE(core.term(), node.known_term) << "I7";
      node.known_term = core.term();
      ASSERT_LE(core.commit_index(), core.log().last());
      ASSERT_LE(core.saved_id().index, core.log().last());
    }
  }

  Random random_;
  CoreOptions options_;
  std::map<int, int> priorities_;
  jraft::Configuration members_;
  Instant now_{std::chrono::seconds(1)};
  std::map<int, Node> nodes_;
  std::priority_queue<Event> events_;
  size_t sent_ = 0;
  std::set<std::pair<int, int>> cut_;
  std::map<std::pair<int, int>, Instant> arrival_;
  struct Waiting {
    int from;
    uint64_t life, call;
  };
  std::map<uint64_t, Waiting> waiting_;
  uint64_t tokens_ = 0;
  std::map<int64_t, int> leaders_;
  std::map<int64_t, uint64_t> committed_;
  size_t committed_data_ = 0;
  int64_t most_committed_ = 0;
  std::map<uint64_t, effect::ReadAt> reads_;
  std::map<uint64_t, int64_t> read_floors_;  // what was committed when it was asked
  std::map<uint64_t, jraft::Status> changes_;
};

/// As the watch of nodes: those that count on node `i` hear that it is gone.
inline void Cluster::tell_lost(int i) {
  for (auto& [other, node] : nodes_) {
    if (node.core == nullptr || other == i) continue;
    at(std::chrono::milliseconds(50), still(other, [this, i](Node& one) { one.core->node_lost(now_, peer(i).address()); }));
  }
}

}  // namespace sofa::raft
