#include "sofa/state/log/testing/stepped_log.h"

namespace sofa::log::testing {

Result<std::unique_ptr<SteppedLog>> SteppedLog::open(FileSystem& files, LogOptions options, uint64_t seed) {
  auto recovered = open_folder(files, options);
  if (!recovered) return forward_error(recovered);
  return std::unique_ptr<SteppedLog>(new SteppedLog(files, std::move(options), std::move(*recovered), seed));
}

SteppedLog::SteppedLog(FileSystem& files, LogOptions options, RecoveredLog recovered, uint64_t seed)
    : files_(files), salts_(seed), notes_(std::move(recovered.notes)), writer_(recovered), core_(std::move(options), std::move(recovered)) {}

void SteppedLog::append(uint64_t stream, uint64_t term, uint64_t index, Bytes payload) {
  waiting_.push_back({.kind = Kind::entry, .stream = stream, .term = term, .index = index, .payload = std::move(payload)});
}
void SteppedLog::truncate_suffix(uint64_t stream, uint64_t from_index) {
  waiting_.push_back({.kind = Kind::truncate_suffix, .stream = stream, .index = from_index});
}
void SteppedLog::truncate_prefix(uint64_t stream, uint64_t upto_index) {
  waiting_.push_back({.kind = Kind::truncate_prefix, .stream = stream, .index = upto_index});
}

void SteppedLog::then(Done done) {
  auto& last = waiting_.empty() ? staged_ : waiting_;
  if (last.empty()) return done(core_.failed() ? &*core_.failed() : nullptr);
  last.back().done.push_back(std::move(done));
}

/// As much as the core takes; what it refuses waits.
void SteppedLog::stage_waiting() {
  while (!waiting_.empty()) {
    Wanted& next = waiting_.front();
    Result<void> staged;
    if (next.kind == Kind::entry) {
      NewRecord record{next.stream, next.term, next.index, next.payload};
      auto index = core_.stage({&record, 1}, nullptr);
      if (!index) staged = forward_error(index);
    } else {
      staged = core_.stage_truncate(next.kind, next.stream, next.index, nullptr);
    }
    if (!staged && staged.error().code() != Code::resource_exhausted && !core_.failed()) core_.fail_forever(staged.error());
    if (!staged) return;
    staged_.push_back(std::move(next));
    waiting_.pop_front();
  }
}

bool SteppedLog::prepare() {
  auto made = detail::prepare_segment(files_, core_.options().folder, {core_.next_sequence(), salts_.next()}, core_.options().segment_bytes);
  if (made) {
    core_.segment_ready(std::move(*made));
    return true;
  }
  if (made.error().code() == Code::resource_exhausted) {
    (void)core_.segment_refused(std::move(made.error()));
  } else {
    core_.fail_forever(std::move(made.error()));
  }
  return false;
}

/// What the core has refused waits again, in its order.
void SteppedLog::take_back() {
  (void)core_.refuse_staged();
  std::erase_if(staged_, [](const Wanted& one) { return one.kind == Kind::moved; });
  waiting_.insert(waiting_.begin(), std::make_move_iterator(staged_.begin()), std::make_move_iterator(staged_.end()));
  staged_.clear();
}

void SteppedLog::fail_all(const Error& error) {
  std::deque<Wanted> all = std::exchange(staged_, {});
  all.insert(all.end(), std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  for (Wanted& one : all) {
    for (Done& done : one.done) done(&error);
  }
}

bool SteppedLog::write() {
  if (writing_) return false;
  if (core_.no_segment() && !core_.failed()) (void)prepare();  // perhaps there is room again
  stage_waiting();
  auto next = core_.failed() ? detail::LogCore::Next::nothing : core_.take(batch_);
  if (next == detail::LogCore::Next::need_segment && prepare()) next = core_.take(batch_);
  full_ = next == detail::LogCore::Next::need_segment || (next == detail::LogCore::Next::nothing && has_work());
  if (core_.failed()) {
    const Error error = *core_.failed();
    fail_all(error);
    return false;
  }
  if (next != detail::LogCore::Next::batch) {
    if (full_) take_back();
    return false;
  }
  outcome_ = writer_.write(batch_);
  writing_ = true;
  return true;
}

void SteppedLog::complete() {
  writing_ = false;
  core_.complete(batch_, outcome_);
  const size_t ops = batch_.ops.size();
  batch_.ops.clear();
  if (core_.failed()) {
    const Error error = *core_.failed();
    return fail_all(error);
  }
  if (outcome_.error) {
    full_ = true;
    return take_back();
  }
  std::vector<Done> done;
  for (size_t i = 0; i < ops; ++i) {
    if (staged_.front().kind == Kind::moved) ++moved_;
    for (Done& one : staged_.front().done) done.push_back(std::move(one));
    staged_.pop_front();
  }
  for (Done& one : done) one(nullptr);
}

bool SteppedLog::keep_house(bool compact) {
  if (core_.failed()) return false;
  if (core_.wants_segment() && !core_.no_segment() && core_.active() != 0) return prepare();
  if (const auto path = core_.take_deletable()) {
    auto done = files_.unlink(*path);
    if (done) done = files_.sync_folder(core_.options().folder);
    if (!done) core_.fail_forever(std::move(done.error()));
    return true;
  }
  return compact && compact_oldest();
}

/// Moves the live records of the oldest full segment, when at most a quarter of it is alive.
bool SteppedLog::compact_oldest() {
  if (core_.segments().size() < 3) return false;
  if (std::ranges::any_of(staged_, [](const Wanted& one) { return one.kind == Kind::moved; })) return false;  // one at a time, as in the log
  const auto& [sequence, segment] = *core_.segments().begin();
  if (sequence == core_.active() || core_.table().live(sequence).bytes * 4 > segment.capacity) return false;
  bool any = false;
  for (const auto& [stream, index] : core_.table().entries_of(sequence)) {
    const detail::Stream& found = *core_.table().find(stream);
    auto payload = detail::read_entry(segment, stream, index, found.entries[index - found.first].at);
    if (!payload) {
      core_.fail_forever(std::move(payload.error()));
      return false;
    }
    if (!core_.stage_moved(stream, index, sequence, std::move(*payload), true, nullptr)) continue;
    staged_.push_back({.kind = Kind::moved, .stream = stream, .index = index});
    any = true;
  }
  return any;
}

uint64_t SteppedLog::first_index(uint64_t stream) const {
  const detail::Stream* found = core_.table().find(stream);
  return found == nullptr ? 1 : found->first;
}
uint64_t SteppedLog::last_index(uint64_t stream) const {
  const detail::Stream* found = core_.table().find(stream);
  return found == nullptr ? 0 : found->next() - 1;
}
std::optional<uint64_t> SteppedLog::term_at(uint64_t stream, uint64_t index) const {
  const detail::Stream* found = core_.table().find(stream);
  if (found == nullptr || index < found->first || index >= found->next()) return std::nullopt;
  return core_.table().term_of(found->entries.term_at(index - found->first));
}
Result<Bytes> SteppedLog::read(uint64_t stream, uint64_t index) const {
  const detail::Stream* found = core_.table().find(stream);
  if (found == nullptr || index < found->first || index >= found->next()) {
    return fail(Code::out_of_range, "stream {} has no record {}", stream, index);
  }
  const detail::Location at = found->entries[index - found->first].at;
  return detail::read_entry(core_.segments().at(at.segment), stream, index, at);
}

}  // namespace sofa::log::testing
