#include "replica.h"

#include <cmath>
#include <limits>

#include "sofa/base/crc.h"
#include "sofa/state/raft_core/plant.h"

namespace sofa::raft_sim {

using jraft::RaftError;
using jraft::Status;
using raft::Kept;
using raft::KeptFile;
using raft::KeptSnapshot;
using raft::Plant;
using raft::planted;
namespace effect = raft::effect;

namespace {

uint64_t entries_stream(int group) { return static_cast<uint64_t>(group) * 2 + 1; }
uint64_t kept_stream(int group) { return static_cast<uint64_t>(group) * 2 + 2; }

size_t bytes_of(const jraft::Message& message) {
  const auto* append = std::get_if<jraft::AppendEntriesRequest>(&message);
  return 100 + (append == nullptr ? 0 : append->entries.size() * 10 + (append->data ? append->data->size() : 0));
}

Duration exponential(Random& random, Duration mean) {
  return Duration(static_cast<int64_t>(-std::log(1 - random.unit()) * static_cast<double>(mean.count())));
}

std::string_view name_of(const jraft::Message& message) {
  return std::visit(
      [](const auto& one) {
        const std::string_view name = std::decay_t<decltype(one)>::kName;
        return name.substr(name.find('$') + 1);
      },
      message);
}

/// A message in the trace: with what one wants to know of it first.
std::string told(const jraft::Message& message) {
  if (const auto* one = std::get_if<jraft::AppendEntriesRequest>(&message)) {
    if (one->is_heartbeat()) return fmt::format("heartbeat of {}", one->term);
    return fmt::format("entries behind {} of {}: {}", one->prev_log_index, one->prev_log_term, one->entries.size());
  }
  if (const auto* one = std::get_if<jraft::AppendEntriesResponse>(&message))
    return fmt::format("{} up to {}", one->success ? "yes" : "no", one->last_log_index.value_or(-1));
  if (const auto* one = std::get_if<jraft::ErrorResponse>(&message)) return fmt::format("error {}: {}", one->code, one->message.value_or(""));
  return std::string(name_of(message));
}

}  // namespace

Replica::Replica(Machine& machine, int group) : world_(machine.world), machine_(machine), group_(group), truth_(machine.world.truth(group)) {}
Replica::~Replica() = default;

// Start and stop.

Result<void> Replica::start() {
  stop();
  const uint64_t stream = entries_stream(group_);
  SteppedLog& log = *machine_.log;
  if (auto made = log::create_folders(machine_.disk.files(), folder()); !made) return made;
  kept_ = {};
  kept_index_ = log.last_index(kept_stream(group_));
  if (kept_index_ != 0) {
    auto record = log.read(kept_stream(group_), kept_index_);
    if (!record) return forward_error(record);
    auto kept = raft::decode_kept(*record);
    if (!kept) return forward_error(kept);
    kept_ = std::move(*kept);
  }
  if (auto done = recover_snapshot(); !done) return done;
  log_first_ = static_cast<int64_t>(log.first_index(stream));
  log_next_ = static_cast<int64_t>(log.last_index(stream)) + 1;
  auto found = raft::find_log(
      kept_.snapshot, log_first_, log_next_ - 1, [&](int64_t index) { return *log.term_at(stream, static_cast<uint64_t>(index)); },
      [&](int64_t index) -> Result<Entry> {
        auto payload = log.read(stream, static_cast<uint64_t>(index));
        if (!payload) return forward_error(payload);
        return raft::decode_entry_record(index, *log.term_at(stream, static_cast<uint64_t>(index)), *payload);
      });
  if (!found) return forward_error(found);
  if (auto done = check_recovered(*found); !done) return done;
  drop_other_files();

  raft::CoreOptions options = world_.options.core;
  options.group = world_.group_name(group_);
  options.self = world_.peer_of(machine_.number);
  const raft::HardState state = kept_.state;
  core_ = std::make_unique<Core>(options, state, std::move(*found), machine_.knows_first_members ? world_.first_members() : jraft::Configuration(),
                                 world_.world.derive(fmt::format("core {} {} {}", machine_.number, group_, world_.world.events())));
  last_role_ = raft::Role::uninitialized;
  last_term_ = core_->term();
  truth_.on_term(machine_.number, last_term_);
  last_commit_ = core_->commit_index();
  last_applied_ = applied_;
  apply_twice_ = kept_.snapshot.id.index == 0 ? 0 : kept_.snapshot.id.index + 1;
  input([&](Core& core, Instant now) { core.start(now); });
  return {};
}

void Replica::stop() {
  ++life_;
  lived_in_ = lives_in();
  core_ = nullptr;
  tick_at_ = sweep_at_ = kNoDeadline;
  chain_.clear();
  following_.clear();
  told_to_campaign_in_ = 0;
  calls_.clear();
  asked_.clear();
  // Who waits here learns nothing; its connection breaks.
  reads_.clear();
  reads_at_.clear();
  proposals_.clear();
  for (auto& [token, ended] : std::exchange(changes_, {})) {
    if (ended) ended({RaftError::enodeshutdown, "the machine has stopped"});
  }
  kv_ = {};
  applied_ = apply_target_ = 0;
  applying_ = snapshotting_ = members_were_set_ = false;
  readers_.clear();
  offers_.clear();
  fetch_.reset();
}

std::vector<std::shared_ptr<const Membership>> Replica::lives_in() const {
  if (machine_.state() == Machine::State::ruined) return {};  // it never starts again as it is
  if (core_ == nullptr) return lived_in_;
  const raft::LogView& log = core_->log();
  std::vector<std::shared_ptr<const Membership>> all{std::make_shared<const Membership>(core_->members())};
  for (int64_t from = log.members_from(log.last()); from > core_->commit_index(); from = log.members_from(from - 1)) {
    const bool first = from == 1 && machine_.knows_first_members;
    all.push_back(first ? std::make_shared<const Membership>(Membership{.current = world_.first_members()}) : log.members_at(from - 1));
  }
  return all;
}

bool Replica::counts_on(const PeerId& peer) const {
  return std::ranges::any_of(lives_in(), [&](const auto& one) { return one->current.has_peer(peer) || one->old.has_peer(peer); });
}

/// What is found, against what was said to be durable; and every entry, against what it was.
Result<void> Replica::check_recovered(const raft::FoundLog& found) {
  const bool damaged = world_.atlas.is_damaged(machine_.number);
  const auto lost = [&](const std::string& what) -> Result<void> {
    // Of a write that the disk has lost at the very end nothing is left that could tell.
    if (damaged) return fail(Code::data_loss, "{}", what);
    throw sim::Broken("D1_nothing_durable_is_lost", fmt::format("node {} group {} after a restart: {}", machine_.number, group_, what));
  };
  if (kept_.state.term < durable_.term) return lost(fmt::format("the term {}, where {} was saved", kept_.state.term, durable_.term));
  if (kept_.state.term == durable_.term && !durable_.voted_for.is_nobody() && !(kept_.state.voted_for == durable_.voted_for)) {
    return lost(fmt::format("the vote for {} of the term {}", durable_.voted_for.to_string(), durable_.term));
  }
  if (kept_.snapshot.id.index < durable_.snapshot) return lost(fmt::format("the snapshot {}", durable_.snapshot));
  chain_.clear();
  chain_base_ = log_first_ == 1 ? 0 : truth_.chain_of(kept_.snapshot.id).value_or(0);
  uint64_t chain = chain_base_;
  for (int64_t index = log_first_; index < log_next_; ++index) {
    auto entry = entry_at(index);
    if (!entry) return forward_error(entry);
    const auto known = truth_.chain_of(entry->id);
    const bool begins = (index == log_first_ && index != 1) || truth_.is_forgotten(index - 1);
    chain = begins ? known.value_or(0) : truth_.chain_after(chain, *entry);
    if (truth_.is_forgotten(index)) {
      chain_.push_back(chain);
      continue;
    }
    if (!known || *known != chain) return lost(fmt::format("the entry {} of the term {} is not what it was", index, entry->id.term));
    chain_.push_back(chain);
  }
  const LogId last = durable_.last;
  if (last.index > kept_.snapshot.id.index) {
    if (found.last < last.index) return lost(fmt::format("a log up to {}, where {} was saved", found.last, last.index));
    const auto term = machine_.log->term_at(entries_stream(group_), static_cast<uint64_t>(last.index));
    if (term && raft::term_of_record(*term) != last.term) return lost(fmt::format("the entry {} of the term {}", last.index, last.term));
  }
  // What it has found it goes by: it must stay.
  durable_ = {.term = kept_.state.term, .voted_for = kept_.state.voted_for, .last = {}, .snapshot = kept_.snapshot.id.index};
  if (!found.term_begins.empty()) durable_.last = {.index = found.last, .term = found.term_begins.back().term};
  return {};
}

// Inputs and effects.

void Replica::perform() {
  const uint64_t life = life_;
  for (auto effects = core_->take(); !effects.empty(); effects = core_->take()) {
    for (raft::Effect& effect : effects) {
      std::visit([&](auto& one) { perform(one); }, effect);
      if (life != life_) return;
    }
  }
  check();
  schedule_tick();
  machine_.kick_log();
}

void Replica::schedule_tick() {
  const Instant due = core_->due();
  if (due == kNoDeadline) return;
  const Instant at = std::max(machine_.clock.world_at(due) + Duration(1), world_.world.now() + Duration(1));
  if (at >= tick_at_) return;
  tick_at_ = at;
  machine_.later(at - world_.world.now(), [this, life = life_, at] {
    if (life != life_ || tick_at_ != at) return;
    tick_at_ = kNoDeadline;
    if (core_->due() > machine_.now()) return schedule_tick();
    input([](Core& core, Instant now) { core.tick(now); });
  });
}

SteppedLog::Done Replica::when_saved(std::function<void()> saved) {
  return [this, life = life_, saved = std::move(saved)](const Error* error) {
    if (life != life_ || core_ == nullptr) return;
    if (error == nullptr || planted(Plant::fsync_error_ignored)) return saved();
    world_.marks.reach("disk has failed");
    input([&](Core& core, Instant now) { core.fail(now, {RaftError::eio, error->to_string()}); });
  };
}

void Replica::save_kept(std::function<void()> saved, bool early) {
  SteppedLog& log = *machine_.log;
  log.append(kept_stream(group_), 0, ++kept_index_, raft::encode_kept(kept_));
  if (kept_index_ > 1) log.truncate_prefix(kept_stream(group_), kept_index_ - 1);
  if (early) return machine_.later(std::chrono::microseconds(1), std::move(saved));
  log.then(when_saved(std::move(saved)));
  machine_.kick_log();
}

void Replica::perform(effect::SaveState& one) {
  kept_.state = {.term = one.term, .voted_for = one.voted_for, .must_reach = one.must_reach};
  save_kept(
      [this, one] {
        if (one.term > durable_.term || durable_.voted_for.is_nobody()) durable_.voted_for = one.voted_for;
        durable_.term = std::max(durable_.term, one.term);
        input([&](Core& core, Instant now) { core.state_saved(now, one.number); });
      },
      planted(Plant::state_saved_before_sync));
}

void Replica::perform(effect::Append& one) {
  for (const Entry& entry : one.entries) {
    world_.largest_entry = std::max(world_.largest_entry, entry.data.size());
    if (entry.id.index != log_next_) {
      truth_.broken("I3_no_holes", fmt::format("node {} appends {} where {} comes next", machine_.number, entry.id.index, log_next_));
    }
    if (entry.type == raft::EntryType::configuration && core_->is_leader()) {
      const auto before = core_->log().members_at(entry.id.index - 1);
      truth_.on_members(machine_.number, *before, *entry.membership);
      if (core_->is_leader()) check_caught_up(*before, *entry.membership);
    }
    const uint64_t chain = truth_.chain_after(chain_.empty() ? chain_base_ : chain_.back(), entry);
    truth_.check_chain(machine_.number, entry.id, chain);
    chain_.push_back(chain);
    machine_.log->append(entries_stream(group_), raft::record_term(entry), static_cast<uint64_t>(log_next_++), raft::encode_entry_record(entry));
  }
  const auto saved = [this, last = one.entries.back().id] {
    if (core_->log().term_of(last.index) == last.term && last.index >= durable_.last.index) durable_.last = last;
    input([&](Core& core, Instant now) { core.log_saved(now, last); });
  };
  if (planted(Plant::log_saved_before_sync)) return machine_.later(std::chrono::microseconds(1), saved);
  machine_.log->then(when_saved(saved));
}

void Replica::perform(effect::TruncateSuffix& one) {
  if (core_->is_leader())
    truth_.broken("I3_leader_append_only", fmt::format("node {} leads and cuts its log behind {}", machine_.number, one.last_kept));
  if (one.last_kept < applied_) {
    truth_.broken("I6_one_history", fmt::format("node {} cuts its log behind {}, and has applied {}", machine_.number, one.last_kept, applied_));
  }
  world_.marks.reach("suffix cut");
  if (machine_.log->is_writing()) world_.marks.reach("suffix cut while a write is under way");
  machine_.log->truncate_suffix(entries_stream(group_), static_cast<uint64_t>(one.last_kept) + 1);
  while (log_next_ > one.last_kept + 1 && !chain_.empty()) {
    chain_.pop_back();
    --log_next_;
  }
  if (durable_.last.index > one.last_kept) durable_.last = {.index = one.last_kept, .term = core_->log().term_of(one.last_kept)};
}

void Replica::perform(effect::TruncatePrefix& one) {
  if (one.first_kept <= log_first_) return;
  world_.marks.reach("prefix cut");
  machine_.log->truncate_prefix(entries_stream(group_), static_cast<uint64_t>(one.first_kept) - 1);
  while (log_first_ < one.first_kept) {
    if (chain_.empty()) {
      log_first_ = log_next_ = one.first_kept;
      chain_base_ = truth_.chain_of(core_->log().snapshot()).value_or(0);
      break;
    }
    chain_base_ = chain_.front();
    chain_.pop_front();
    ++log_first_;
  }
}

void Replica::perform(effect::ResetLog& one) {
  world_.marks.reach("log reset");
  if (log_next_ > log_first_) machine_.log->truncate_suffix(entries_stream(group_), static_cast<uint64_t>(log_first_));
  machine_.log->truncate_prefix(entries_stream(group_), static_cast<uint64_t>(one.behind.index));
  log_first_ = log_next_ = one.behind.index + 1;
  chain_.clear();
  chain_base_ = truth_.chain_of(one.behind).value_or(0);
  durable_.last = {};
}

Result<Entry> Replica::entry_at(int64_t index) {
  if (core_ != nullptr && index >= core_->log().cached_from() && index <= core_->log().last()) return core_->log().entry(index);
  const uint64_t stream = entries_stream(group_);
  auto payload = machine_.log->read(stream, static_cast<uint64_t>(index));
  if (!payload) return forward_error(payload);
  return raft::decode_entry_record(index, *machine_.log->term_at(stream, static_cast<uint64_t>(index)), *payload);
}

void Replica::perform(effect::ReadEntries& one) {
  world_.marks.reach("entries read from the disk");
  machine_.later(std::chrono::microseconds(50), [this, life = life_, one] {
    if (life != life_ || machine_.log == nullptr) return;
    std::vector<Entry> entries;
    size_t bytes = 0;
    const uint64_t stream = entries_stream(group_);
    const auto last = static_cast<int64_t>(machine_.log->last_index(stream));
    for (int64_t index = one.from; index <= last && index >= static_cast<int64_t>(machine_.log->first_index(stream)); ++index) {
      if (!entries.empty() && (entries.size() >= one.max_entries || bytes >= one.max_bytes)) break;
      auto payload = machine_.log->read(stream, static_cast<uint64_t>(index));
      Result<Entry> entry = payload ? raft::decode_entry_record(index, *machine_.log->term_at(stream, static_cast<uint64_t>(index)), *payload)
                                    : Result<Entry>(forward_error(payload));
      if (!entry) {
        world_.marks.reach("disk has failed");
        return input([&](Core& core, Instant now) { core.fail(now, {RaftError::eio, entry.error().to_string()}); });
      }
      bytes += entry->data.size();
      entries.push_back(std::move(*entry));
    }
    machine_.later(machine_.disk.take_latency(), [this, life, number = one.number, entries = std::move(entries)]() mutable {
      if (life != life_) return;
      input([&](Core& core, Instant now) { core.entries_read(now, number, std::move(entries)); });
    });
  });
}

// The network.

void Replica::perform(effect::Send& one) {
  check_told(one.request);
  if (std::holds_alternative<jraft::TimeoutNowRequest>(one.request) && core_->is_leader()) told_to_campaign_in_ = core_->term();
  if (const auto* vote = std::get_if<jraft::RequestVoteRequest>(&one.request); vote != nullptr && !vote->pre_vote) {
    truth_.on_vote(machine_.number, vote->term, world_.peer(machine_.number));
  }
  calls_[one.call] = {.deadline = world_.world.now() + one.timeout};
  schedule_sweep(world_.world.now() + one.timeout);
  send(one.call, RaftWorld::machine_of(one.to), std::move(one.request), false);
}

void Replica::send(uint64_t call, int to, jraft::Message request, bool again) {
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  const uint64_t connection = world_.network.connect(machine_.number, to, RaftWorld::kRaft);
  const size_t bytes = bytes_of(request);
  found->second.to = to;
  found->second.connection = connection;
  if (!again && world_.options.resend > 0) found->second.request = request;
  const bool sent = world_.network.send(connection, sim::Way::there, bytes,
                                        [this, connection, from = machine_.number, to, call, request = std::move(request)]() mutable {
                                          Machine& target = world_.machine(to);
                                          target.enter([&target, group = group_, connection, from, call, request = std::move(request)]() mutable {
                                            target.replica(group).receive(connection, from, call, std::move(request));
                                          });
                                        });
  if (!sent) fail_call(call, std::chrono::milliseconds(1), connection == 0 ? RaftError::ehostdown : RaftError::ebusy);
}

void Replica::fail_call(uint64_t call, Duration after, RaftError code) {
  machine_.later(after, [this, life = life_, call, code] {
    if (life != life_ || calls_.erase(call) == 0) return;
    input([&](Core& core, Instant now) { core.failed(now, call, {code, "no answer"}); });
  });
}

void Replica::schedule_sweep(Instant deadline) {
  if (deadline >= sweep_at_) return;
  sweep_at_ = deadline;
  machine_.later(deadline - world_.world.now() + Duration(1), [this, life = life_, deadline] {
    if (life != life_ || sweep_at_ != deadline) return;
    sweep_at_ = kNoDeadline;
    sweep_calls();
  });
}

void Replica::sweep_calls() {
  std::vector<uint64_t> over;
  Instant next = kNoDeadline;
  for (const auto& [call, one] : calls_) {
    if (one.deadline <= world_.world.now()) {
      over.push_back(call);
    } else {
      next = std::min(next, one.deadline);
    }
  }
  std::ranges::sort(over);
  if (next != kNoDeadline) schedule_sweep(next);
  const uint64_t life = life_;
  for (const uint64_t call : over) {
    if (life != life_ || calls_.erase(call) == 0) continue;
    world_.marks.reach("call timed out");
    input([&](Core& core, Instant now) { core.failed(now, call, {RaftError::etimedout, "no answer in time"}); });
  }
}

void Replica::receive(uint64_t connection, int from, uint64_t call, jraft::Message request) {
  if (world_.meddle) {
    const RaftWorld::Passing passing{
        .from = from, .to = machine_.number, .group = group_, .call = call, .connection = connection, .message = request};
    if (!world_.meddle(passing)) return;
  }
  take_request(connection, from, call, std::move(request));
}

void Replica::take_request(uint64_t connection, int from, uint64_t call, jraft::Message request) {
  if (core_ == nullptr) return;
  const uint64_t token = next_token_++;
  Asked& asked = asked_[token];
  asked = {.connection = connection, .call = call, .from = from};
  if (const auto* vote = std::get_if<jraft::RequestVoteRequest>(&request); vote != nullptr && !vote->pre_vote) {
    asked.vote_term = vote->term;
    asked.candidate = PeerId::parse(vote->server_id).value_or(PeerId());
  }
  if (const auto* append = std::get_if<jraft::AppendEntriesRequest>(&request); append != nullptr) {
    if (append->term < core_->term()) asked.old_term = append->term;
    if (!append->entries.empty())
      asked.last = {.index = append->prev_log_index + static_cast<int64_t>(append->entries.size()), .term = append->entries.back().term};
  }
  world_.world.trace("{}.{} <- {} {}", machine_.number, group_, from, told(request));
  input([&](Core& core, Instant now) { core.receive(now, token, connection, request); });
}

void Replica::perform(effect::Answer& one) {
  const auto found = asked_.find(one.token);
  if (found == asked_.end()) truth_.broken("I13_answered_once", fmt::format("node {} answers the request {} again", machine_.number, one.token));
  const Asked asked = found->second;
  asked_.erase(found);
  const bool failure = std::holds_alternative<jraft::ErrorResponse>(one.response);
  if (core_->role() == raft::Role::error && !failure) {
    truth_.broken("I14_nothing_from_a_failed_node", fmt::format("node {} has failed, and answers {}", machine_.number, name_of(one.response)));
  }
  if (const auto* vote = std::get_if<jraft::RequestVoteResponse>(&one.response); vote != nullptr && vote->granted && asked.vote_term != 0) {
    truth_.on_vote(machine_.number, asked.vote_term, asked.candidate);
  }
  if (const auto* append = std::get_if<jraft::AppendEntriesResponse>(&one.response); append != nullptr && append->success && asked.old_term != 0) {
    truth_.broken("I5_nothing_from_an_old_leader", fmt::format("node {} is in the term {}, and takes what a leader of the term {} has sent",
                                                               machine_.number, core_->term(), asked.old_term));
  }
  if (const auto* index = std::get_if<jraft::ReadIndexResponse>(&one.response); index != nullptr && index->success)
    world_.check_lease(machine_.number, group_);
  check_told(one.response);
  check_acknowledged(asked.last, one.response);
  const size_t bytes = bytes_of(one.response);
  (void)world_.network.send(asked.connection, sim::Way::back, bytes,
                            [this, to = asked.from, call = asked.call, response = std::move(one.response)]() mutable {
                              Machine& target = world_.machine(to);
                              target.enter([&target, group = group_, from = machine_.number, call, response = std::move(response)]() mutable {
                                target.replica(group).answered(from, call, std::move(response));
                              });
                            });
}

void Replica::answered(int from, uint64_t call, jraft::Message response) {
  if (world_.meddle && !world_.meddle({.from = from, .to = machine_.number, .group = group_, .is_answer = true, .call = call, .message = response})) {
    return;
  }
  if (core_ == nullptr || calls_.erase(call) == 0) return;
  world_.world.trace("{}.{} has {}", machine_.number, group_, told(response));
  input([&](Core& core, Instant now) { core.answered(now, call, std::move(response)); });
}

void Replica::take_answer(uint64_t call, jraft::Message response) {
  calls_.erase(call);
  input([&](Core& core, Instant now) { core.answered(now, call, std::move(response)); });
}

void Replica::connection_broke(const sim::Network::End& end) {
  if (core_ == nullptr) return;
  if (end.channel == RaftWorld::kFiles && end.from == machine_.number && fetch_ && fetch_->source == end.to && !fetch_->named) {
    return fetch_failed("the connection has broken");
  }
  if (end.channel != RaftWorld::kRaft) return;
  if (end.to == machine_.number) {
    for (auto& [token, one] : asked_) {
      if (one.connection == end.connection) one.closed = true;
    }
    input([&](Core& core, Instant) { core.close_lane(end.connection); });
    return;
  }
  std::vector<uint64_t> broken;
  for (const auto& [call, one] : calls_) {
    if (one.connection == end.connection) broken.push_back(call);
  }
  std::ranges::sort(broken);
  Random& random = world_.world.random("resend");
  for (const uint64_t call : broken) {
    Call& one = calls_.at(call);
    if (random.chance(world_.options.resend)) {
      world_.marks.reach("request sent again");
      const Duration wait = exponential(random, std::chrono::milliseconds(5));
      machine_.later(wait, [this, life = life_, call, to = one.to, request = one.request] {
        if (life == life_ && core_ != nullptr) send(call, to, request, true);
      });
    } else {
      fail_call(call, Duration(1), RaftError::ehostdown);
    }
  }
  machine_.later(exponential(random, std::chrono::milliseconds(20)), [this, life = life_, to = end.to] {
    if (life != life_ || !world_.network.is_up(to)) return;
    input([&](Core& core, Instant now) { core.connected(now, world_.peer(to)); });
  });
}

// The state machine.

void Replica::perform(effect::Apply& one) {
  apply_target_ = std::max(apply_target_, one.up_to);
  if (applying_ || applied_ >= apply_target_) return;
  applying_ = true;
  machine_.later(exponential(world_.world.random("apply"), world_.options.mean_apply), [this, life = life_] {
    if (life != life_) return;
    applying_ = false;
    apply_some();
  });
}

void Replica::apply_some() {
  constexpr int kMost = 64;
  for (int i = 0; i < kMost && applied_ < apply_target_; ++i) {
    const int64_t index = applied_ + 1;
    auto entry = entry_at(index);
    if (!entry) {
      if (core_->role() == raft::Role::error) return;
      if (index < log_first_ || index >= log_next_) {
        truth_.broken("I6_one_history",
                      fmt::format("node {} is to apply {}, and its log has {} to {}", machine_.number, index, log_first_, log_next_ - 1));
      }
      world_.marks.reach("disk has failed");
      return input([&](Core& core, Instant now) { core.fail(now, {RaftError::eio, entry.error().to_string()}); });
    }
    int64_t done_at = index;
    std::string result;
    if (entry->type == raft::EntryType::data) {
      if (const auto command = decode_command(entry->data)) {
        result = kv_.apply(*command, done_at);
        if (index == apply_twice_ && planted(Plant::duplicate_apply)) (void)kv_.apply(*command, done_at);
      }
    }
    applied_ = index;
    const size_t at = static_cast<size_t>(index - log_first_);
    truth_.on_apply(machine_.number, *entry, at < chain_.size() ? chain_[at] : 0, kv_.hash());
    if (const auto waiting = proposals_.find(index); waiting != proposals_.end()) {
      const Proposal proposal = std::move(waiting->second);
      proposals_.erase(waiting);
      if (proposal.respond) {
        const bool own = proposal.term == entry->id.term;
        proposal.respond({.kind = own ? Reply::Kind::done : Reply::Kind::failed, .value = result, .index = done_at, .leader = machine_.number});
      }
    }
  }
  const uint64_t life = life_;
  input([&](Core& core, Instant now) { core.applied(now, applied_); });
  if (life != life_) return;
  after_apply();
  effect::Apply more{.up_to = apply_target_};
  perform(more);
}

void Replica::after_apply() {
  while (!reads_at_.empty() && reads_at_.begin()->first <= applied_) {
    const uint64_t token = reads_at_.begin()->second;
    reads_at_.erase(reads_at_.begin());
    finish_read(token);
  }
  const int64_t every = world_.options.snapshot_every;
  if (every != 0 && applied_ - kept_.snapshot.id.index >= every) take_snapshot();
}

void Replica::perform(effect::LeaderStarted& one) {
  world_.marks.reach("leader started");
  world_.world.trace("{}.{} leads in the term {}", machine_.number, group_, one.term);
  world_.check_lease(machine_.number, group_);
}
void Replica::perform(effect::LeaderStopped& one) { world_.world.trace("{}.{} leads no more: {}", machine_.number, group_, one.why.to_string()); }
void Replica::perform(effect::FollowingStarted&) {}
void Replica::perform(effect::FollowingStopped&) {}
void Replica::perform(effect::MembersCommitted& one) {
  if (one.members->is_joint()) world_.marks.reach("joint members committed");
}

void Replica::perform(effect::ProposalsLost& one) {
  for (auto waiting = proposals_.upper_bound(one.committed); waiting != proposals_.end();) {
    const Respond respond = std::move(waiting->second.respond);
    waiting = proposals_.erase(waiting);
    world_.marks.reach("proposals lost");
    if (respond) respond({.kind = Reply::Kind::failed});
  }
}

void Replica::perform(effect::Failed& one) {
  world_.marks.reach("node in ERROR");
  world_.world.trace("{}.{} fails: {}", machine_.number, group_, one.why.to_string());
}

// Users.

void Replica::request(const Request& request, Respond respond) {
  if (core_ == nullptr) return;
  const auto not_leader = [&] {
    const PeerId& leader = core_->leader();
    respond({.kind = Reply::Kind::not_leader, .leader = leader.is_nobody() ? -1 : RaftWorld::machine_of(leader)});
  };
  if (request.kind == Request::Kind::local_read) {
    if (planted(Plant::local_reads_go_back) && applied_ % 2 == 0) {
      const int64_t index = kept_.snapshot.id.index;
      return respond({.kind = Reply::Kind::done,
                      .value = truth_.value_at(request.key, index),
                      .index = index,
                      .leader = machine_.number,
                      .life = machine_.life()});
    }
    return respond({.kind = Reply::Kind::done, .value = kv_.get(request.key), .index = applied_, .leader = machine_.number, .life = machine_.life()});
  }
  const uint64_t life = life_;
  if (request.kind == Request::Kind::write) {
    const auto proposed = core_->propose(machine_.now(), {request.command});
    if (proposed.status.ok()) {
      proposals_[proposed.first.index] = {.term = proposed.first.term, .respond = std::move(respond)};
    } else if (proposed.status.code == RaftError::eperm) {
      not_leader();
    } else {
      world_.marks.reach("proposal refused: busy");
      respond({.kind = Reply::Kind::not_leader});
    }
    if (life == life_) perform();
    return;
  }
  const uint64_t token = next_token_++;
  reads_[token] = {.key = request.key, .respond = respond};
  const Status status = core_->read(machine_.now(), token);
  if (!status.ok()) {
    reads_.erase(token);
    not_leader();
  }
  if (life == life_) perform();
}

void Replica::perform(effect::ReadAt& one) {
  const auto found = reads_.find(one.token);
  if (found == reads_.end()) truth_.broken("I13_answered_once", fmt::format("node {} ends the read {} again", machine_.number, one.token));
  if (!one.status.ok()) {
    const Respond respond = std::move(found->second.respond);
    reads_.erase(found);
    return respond({.kind = Reply::Kind::not_leader});
  }
  if (one.index <= applied_) return finish_read(one.token);
  world_.marks.reach("read waits to be applied");
  found->second.at = one.index;
  reads_at_.emplace(one.index, one.token);
}

void Replica::finish_read(uint64_t token) {
  const auto found = reads_.find(token);
  if (found == reads_.end()) return;
  const Read read = std::move(found->second);
  reads_.erase(found);
  if (core_->is_leader()) world_.check_lease(machine_.number, group_);
  read.respond({.kind = Reply::Kind::done, .value = kv_.get(read.key), .index = applied_, .leader = machine_.number});
}

jraft::Status Replica::change_members(const jraft::Configuration& next, RaftWorld::Ended ended) {
  const uint64_t token = next_token_++;
  changes_[token] = std::move(ended);
  const Status status = core_->change_members(machine_.now(), token, next);
  if (!status.ok()) changes_.erase(token);
  perform();
  return status;
}

void Replica::perform(effect::Changed& one) {
  const auto found = changes_.find(one.token);
  if (found == changes_.end()) truth_.broken("I13_answered_once", fmt::format("node {} ends the change {} again", machine_.number, one.token));
  const RaftWorld::Ended ended = std::move(found->second);
  changes_.erase(found);
  world_.marks.reach(one.status.ok() ? "members changed" : "change of members failed");
  world_.world.trace("{}.{} change of members ends: {}", machine_.number, group_, one.status.to_string());
  if (ended) ended(one.status);
}

jraft::Status Replica::transfer(const PeerId& to) {
  const Status status = core_->transfer(machine_.now(), to);
  perform();
  return status;
}
jraft::Status Replica::reset_peers(const jraft::Configuration& next) {
  truth_.members_forced = true;
  members_were_set_ = true;
  const Status status = core_->reset_peers(machine_.now(), next);
  perform();
  return status;
}
jraft::Status Replica::propose(Bytes data) {
  const auto proposed = core_->propose(machine_.now(), {std::move(data)});
  perform();
  return proposed.status;
}
void Replica::fail_state_machine(const jraft::Status& why) {
  input([&](Core& core, Instant now) { core.fail(now, why); });
}
void Replica::node_lost(const std::string& address) {
  input([&](Core& core, Instant now) { core.node_lost(now, address); });
}
void Replica::shut_down() {
  input([](Core& core, Instant now) { core.shut_down(now); });
}

LogId Replica::oldest() const {
  LogId oldest{.index = std::numeric_limits<int64_t>::max(), .term = durable_.term == 0 ? std::numeric_limits<int64_t>::max() : durable_.term};
  if (log_next_ > log_first_) oldest.index = log_first_ - 1;
  if (kept_.snapshot.id.index != 0) oldest.index = std::min(oldest.index, kept_.snapshot.id.index);
  for (const auto& [number, snapshot] : readers_) oldest.index = std::min(oldest.index, snapshot.id.index);
  if (fetch_) oldest.index = std::min(oldest.index, fetch_->meta.last_included_index);
  return oldest;
}

std::string Replica::describe() const {
  if (core_ == nullptr) return "";
  const Core& core = *core_;
  std::string text = fmt::format(
      "  {}.{}: {} term {} leader {} log [{}, {}] snapshot {} saved {} commit {} applied {} members {} old {} waits: reads {}, proposals {}, changes "
      "{}{}",
      machine_.number, group_, raft::to_string(core.role()), core.term(), core.leader().to_string(), core.log().first(), core.log().last(),
      core.log().snapshot().index, core.saved_id().index, core.commit_index(), applied_, core.members().current.to_string(),
      core.members().old.to_string(), reads_.size(), proposals_.size(), changes_.size(),
      fetch_ ? fmt::format(" fetches {}", fetch_->meta.last_included_index) : "");
  for (const Core::Follower& one : core.followers()) {
    text += fmt::format("\n     {} state {} match {} next {} inflight {} errors {}", one.peer.to_string(), static_cast<int>(one.state), one.match,
                        one.next, one.inflight, one.errors);
  }
  return text + "\n";
}

}  // namespace sofa::raft_sim
