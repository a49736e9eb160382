// A member of a group whose peers say anything, at any time, while its disk takes what it likes: no input ends it, each request is answered at most
// once, its term and what is committed never go back, it votes once in a term, and what is committed stays what it was.
//
//   how u8 | steps: kind u8, what the kind takes
#include <deque>
#include <map>
#include <set>

#include "input.h"
#include "must.h"
#include "sofa/state/raft_core/core.h"
#include "sofa/state/raft_core/members.h"

namespace {

using namespace sofa;
using namespace sofa::raft;
using namespace std::chrono_literals;
using fuzz::Input;
using fuzz::must;

constexpr std::string_view kNames[] = {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4", "127.0.0.1:2:1", "127.0.0.1:3::9", "", "nobody"};
constexpr size_t kMostCalls = 1000;  // that wait for an answer

/// The node, its disk and its state machine; and what must hold of it.
class World {
 public:
  explicit World(Input& input) : input_(input), how_(input.byte()), core_(options(how_), {}, {}, *jraft::Configuration::parse(members(how_)), 1) {
    core_.start(now_);
    perform();
  }

  void step() {
    const uint8_t kind = input_.byte();
    switch (kind % 16) {
      case 0:
      case 1:
        now_ += std::chrono::milliseconds(10 * input_.byte());
        core_.tick(now_);
        break;
      case 2:
      case 3:
      case 4:
        receive(append());
        break;
      case 5:
        receive(vote());
        break;
      case 6:
        receive(install());
        break;
      case 7:
        receive(jraft::TimeoutNowRequest{.group_id = "g", .server_id = name(), .peer_id = name(), .term = near(core_.term())});
        break;
      case 8:
        receive(read_index());
        break;
      case 9:
      case 10:
        answer_call();
        break;
      case 11:
        disk();
        break;
      case 12:
        snapshot();
        break;
      case 13:
        (void)core_.propose(now_, {input_.bytes()}, -1);
        break;
      case 14:
        user();
        break;
      default:
        core_.close_lane(input_.byte() % 3);
        break;
    }
    perform();
    check();
  }

 private:
  static CoreOptions options(uint8_t how) {
    CoreOptions options;
    options.group = "g";
    options.self = *PeerId::parse(kNames[0]);
    options.checksum = (how & 1) != 0;
    options.lease_reads = (how & 2) != 0;
    if ((how & 4) != 0) options.quiet_after = 1s;
    options.max_entry_bytes = 1000;
    options.cache_bytes = (how & 8) != 0 ? 100 : 100'000;
    return options;
  }
  static std::string members(uint8_t how) {
    switch (how >> 4 & 3) {
      case 0:
        return std::string(kNames[0]);
      case 1:
        return fmt::format("{},{}/learner", kNames[1], kNames[0]);
      default:
        return fmt::format("{},{},{}", kNames[0], kNames[1], kNames[2]);
    }
  }

  // What the peers say.

  std::string name() { return std::string(kNames[input_.byte() % std::size(kNames)]); }
  /// A number that is near to another, or far from all.
  int64_t near(int64_t other) {
    const uint8_t apart = input_.byte();
    if (apart == 0x80) return INT64_MIN;
    if (apart == 0x7f) return INT64_MAX;
    return static_cast<int64_t>(static_cast<uint64_t>(other) + static_cast<uint64_t>(static_cast<int64_t>(static_cast<int8_t>(apart))));
  }
  std::vector<std::string> names() {
    std::vector<std::string> some;
    for (uint8_t left = input_.byte() % 4; left > 0; --left) some.push_back(name());
    return some;
  }
  jraft::EntryMeta entry(int64_t term, Buffer& data) {
    const Bytes content = input_.bytes();
    data.append(content.span());
    jraft::EntryMeta meta{.term = near(term), .type = input_.byte() % 5};
    const uint8_t what = input_.byte();
    if ((what & 1) == 0) meta.data_len = (what & 2) == 0 ? static_cast<int64_t>(content.size()) : near(static_cast<int64_t>(content.size()));
    if ((what & 4) != 0) meta.checksum = what;
    if ((what & 8) != 0) meta.peers = names();
    if ((what & 16) != 0) meta.old_peers = names();
    if ((what & 32) != 0) meta.learners = names();
    return meta;
  }
  jraft::AppendEntriesRequest append() {
    jraft::AppendEntriesRequest request{.group_id = "g", .server_id = name(), .peer_id = std::string(kNames[0]), .term = near(core_.term())};
    request.prev_log_index = near(core_.log().last());
    const uint8_t what = input_.byte();
    request.prev_log_term = (what & 1) == 0 ? core_.log().term_of(request.prev_log_index) : near(core_.term());
    request.committed_index = near(core_.log().last());
    Buffer data;
    for (int left = what >> 1 & 3; left > 0; --left) request.entries.push_back(entry(request.term, data));
    if ((what & 8) == 0) request.data = data.take();
    if ((what & 16) != 0) request.quiet = true;
    return request;
  }
  jraft::RequestVoteRequest vote() {
    return {.group_id = "g",
            .server_id = name(),
            .peer_id = name(),
            .term = near(core_.term()),
            .last_log_term = near(core_.log().last_id().term),
            .last_log_index = near(core_.log().last()),
            .pre_vote = (input_.byte() & 1) != 0};
  }
  jraft::InstallSnapshotRequest install() {
    jraft::InstallSnapshotRequest request{.group_id = "g", .server_id = name(), .peer_id = std::string(kNames[0]), .term = near(core_.term())};
    request.meta = {.last_included_index = near(core_.log().last()), .last_included_term = near(core_.term()), .peers = names()};
    request.uri = input_.bytes().text();
    return request;
  }
  jraft::ReadIndexRequest read_index() {
    jraft::ReadIndexRequest request{.group_id = "g", .server_id = name(), .entries = {input_.bytes()}};
    request.peer_id = name();
    if ((input_.byte() & 1) != 0) request.read_only = jraft::ReadOnlyType::lease_based;
    return request;
  }
  void receive(const jraft::Message& request) {
    asked_.insert(++token_);
    core_.receive(now_, token_, input_.byte() % 3, request);
  }

  void answer_call() {
    if (calls_.empty()) return;
    const auto at = calls_.begin() + input_.byte() % calls_.size();
    const uint64_t call = *at;
    const uint8_t kind = input_.byte();
    if ((kind & 16) == 0) calls_.erase(at);  // else one call is answered twice
    switch (kind % 8) {
      case 0:
        return core_.failed(now_, call, {jraft::RaftError::ehostdown, "gone"});
      case 1:
        return core_.answered(now_, call, jraft::RequestVoteResponse{.term = near(core_.term()), .granted = (kind & 32) != 0});
      case 2:
        return core_.answered(now_, call, jraft::InstallSnapshotResponse{.term = near(core_.term()), .success = (kind & 32) != 0});
      case 3:
        return core_.answered(now_, call, jraft::TimeoutNowResponse{.term = near(core_.term()), .success = (kind & 32) != 0});
      case 4:
        return core_.answered(now_, call, jraft::ReadIndexResponse{.index = near(core_.commit_index()), .success = (kind & 32) != 0});
      case 5:
        return core_.answered(now_, call, jraft::ErrorResponse{.code = 1000 + input_.byte(), .message = "no"});
      default: {
        jraft::AppendEntriesResponse response{.term = near(core_.term()), .success = (kind & 32) != 0};
        if ((kind & 64) != 0) response.last_log_index = near(core_.log().last());
        if ((kind & 128) != 0) response.quiet = true;
        return core_.answered(now_, call, response);
      }
    }
  }

  // The disk and the state machine.

  void disk() {
    withheld_ = (input_.byte() & 1) != 0;
    if (withheld_) return;
    while (!saves_.empty()) {
      auto save = std::move(saves_.front());
      saves_.pop_front();
      save();
    }
  }
  void save(std::move_only_function<void()> done) {
    if (withheld_) return saves_.push_back(std::move(done));
    done();
  }
  void snapshot() {
    const uint8_t what = input_.byte();
    if ((what & 1) != 0 && core_.applied_index() > 0 && core_.log().term_of(core_.applied_index()) != 0) {
      const LogId id{.index = core_.applied_index(), .term = core_.log().term_of(core_.applied_index())};
      if (id.index > core_.log().snapshot().index) core_.snapshot_saved(now_, id, core_.log().members_at(id.index));
    }
    if ((what & 2) != 0 && offered_ != 0) {
      const uint64_t number = std::exchange(offered_, 0);
      if ((what & 4) != 0) return core_.snapshot_not_opened(now_, number, {jraft::RaftError::eio, "no"});
      core_.snapshot_opened(now_, number, meta_of(core_.log().snapshot(), core_.members()), "remote://127.0.0.1:1/1");
    }
    if ((what & 8) != 0 && fetched_) {
      const effect::FetchSnapshot fetch = *std::exchange(fetched_, std::nullopt);
      if ((what & 16) != 0) return core_.snapshot_loaded(now_, fetch.number, {jraft::RaftError::eio, "no"});
      core_.snapshot_loaded(now_, fetch.number, {});
    }
  }
  void user() {
    const uint8_t what = input_.byte();
    switch (what % 6) {
      case 0:
        return (void)core_.read(now_, ++token_);
      case 1: {
        auto next = jraft::Configuration::parse(fmt::format("{},{},{}/learner", name(), name(), name()));
        return (void)core_.change_members(now_, ++token_, next.value_or(jraft::Configuration()));
      }
      case 2: {
        auto next = jraft::Configuration::parse(fmt::format("{},{}", name(), name()));
        return (void)core_.reset_peers(now_, next.value_or(jraft::Configuration()));
      }
      case 3:
        return (void)core_.transfer(now_, PeerId::parse(name()).value_or(PeerId()));
      case 4:
        return core_.connected(now_, PeerId::parse(name()).value_or(PeerId()));
      default:
        return core_.node_lost(now_, name());
    }
  }

  void perform() {
    for (int turns = 0; core_.has_effects(); ++turns) {
      must(turns < 1000);
      for (Effect& effect : core_.take()) {
        std::visit([this](auto& one) { perform(one); }, effect);
      }
    }
  }
  void perform(effect::SaveState& one) {
    must(one.term >= state_.term);
    must(one.term > state_.term || state_.voted_for.is_nobody() || one.voted_for == state_.voted_for);
    state_ = {.term = one.term, .voted_for = one.voted_for};
    save([this, number = one.number] { core_.state_saved(now_, number); });
  }
  void perform(effect::Append& one) {
    must(!one.entries.empty());
    for (Entry& entry : one.entries) {
      must(entry.id.index == (log_.empty() ? entry.id.index : log_.rbegin()->first + 1));
      log_.emplace(entry.id.index, entry);
    }
    save([this, last = one.entries.back().id] { core_.log_saved(now_, last); });
  }
  void perform(effect::TruncateSuffix& one) {
    must(one.last_kept >= core_.commit_index());
    log_.erase(log_.upper_bound(one.last_kept), log_.end());
  }
  void perform(effect::TruncatePrefix& one) { log_.erase(log_.begin(), log_.lower_bound(one.first_kept)); }
  void perform(effect::ResetLog&) {
    log_.clear();
    committed_.clear();
  }
  void perform(effect::ReadEntries& one) {
    std::vector<Entry> entries;
    for (auto at = log_.find(one.from); at != log_.end() && entries.size() < one.max_entries; ++at) entries.push_back(at->second);
    core_.entries_read(now_, one.number, std::move(entries));
  }
  void perform(effect::Send& one) {
    if (calls_.size() < kMostCalls) calls_.push_back(one.call);
  }
  void perform(effect::Answer& one) { must(asked_.erase(one.token) == 1); }
  void perform(effect::Apply& one) {
    must(one.up_to <= core_.commit_index());
    core_.applied(now_, one.up_to);
  }
  void perform(effect::OfferSnapshot& one) { offered_ = one.number; }
  void perform(effect::FetchSnapshot& one) { fetched_ = one; }
  void perform(effect::CancelFetch& one) {
    if (fetched_ && fetched_->number == one.number) fetched_ = std::nullopt;
  }
  void perform(auto&) {}

  void check() {
    must(core_.term() >= term_ && core_.commit_index() >= commit_ && core_.applied_index() <= core_.commit_index());
    must(core_.commit_index() <= core_.log().last());
    term_ = core_.term();
    for (commit_ = std::max(commit_, core_.log().first() - 1); commit_ < core_.commit_index(); ++commit_) {
      committed_[commit_ + 1] = core_.log().term_of(commit_ + 1);
    }
    committed_.erase(committed_.begin(), committed_.lower_bound(core_.log().first()));
    for (const auto& [index, term] : committed_) must(core_.log().term_of(index) == term);
  }

  Input& input_;
  const uint8_t how_;
  Instant now_ = Instant() + 100s;
  Core core_;
  uint64_t token_ = 0;
  std::set<uint64_t> asked_;
  std::vector<uint64_t> calls_;
  std::map<int64_t, Entry> log_;
  std::deque<std::move_only_function<void()>> saves_;
  bool withheld_ = false;
  HardState state_;
  uint64_t offered_ = 0;
  std::optional<effect::FetchSnapshot> fetched_;
  int64_t term_ = 0, commit_ = 0;
  std::map<int64_t, int64_t> committed_;  // terms by index
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;
  Input input{ByteSpan(data, size)};
  World world(input);
  while (!input.empty()) world.step();
  return 0;
}
