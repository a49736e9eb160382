#include "sofa/state/log/detail/log_runtime.h"

#include <pthread.h>

#include "sofa/base/log.h"
#include "sofa/base/random.h"

namespace sofa::log::detail {

namespace {
const Logger& logger() {
  static const Logger instance{"log"};
  return instance;
}
}  // namespace

Worker::Worker(const char* name)
    : thread_([this, name] {
        ::pthread_setname_np(::pthread_self(), name);
        run();
      }) {}

void Worker::submit(std::function<void()> work) {
  {
    std::lock_guard hold(mutex_);
    queue_.push_back(std::move(work));
  }
  arrived_.notify_one();
}

void Worker::stop() {
  {
    std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  std::lock_guard hold(joining_);
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  std::unique_lock hold(mutex_);
  for (;;) {
    arrived_.wait(hold, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    hold.unlock();
    work();
    work = nullptr;
    hold.lock();
  }
}

LogRuntime::LogRuntime(FileSystem& files, LogOptions options, RecoveredLog recovered)
    : home_(io::Shard::current()),
      files_(files),
      notes_(std::move(recovered.notes)),
      writer_(recovered),
      core_(std::move(options), std::move(recovered)) {
  for (const std::string& note : notes_) logger().warn("recovered", {{"note", note}});
}

Result<void> LogRuntime::check_open() const {
  assert(home_.is_current() && "a log is used on the shard that opened it");
  if (closed_) return fail(Code::failed_precondition, "The log {} is closed; open it again", core_.options().folder);
  return {};
}

Result<uint64_t> LogRuntime::stage(std::span<NewRecord> records, AppendWaiter* waiter) {
  if (auto open = check_open(); !open) return forward_error(open);
  auto index = core_.stage(records, waiter);
  if (!index) {
    ++stats_.refused;
    if (index.error().code() == Code::resource_exhausted) keep_house(true);  // perhaps there is space again
    return index;
  }
  home_.at_turn_end(turn_end_);
  return index;
}

Result<void> LogRuntime::stage_truncate(Kind kind, uint64_t stream, uint64_t index, AppendWaiter* waiter) {
  if (auto open = check_open(); !open) return open;
  auto staged = core_.stage_truncate(kind, stream, index, waiter);
  if (staged) home_.at_turn_end(turn_end_);
  return staged;
}

bool LogRuntime::stage_moved(uint64_t stream, uint64_t index, uint64_t segment, Bytes payload, AppendWaiter* waiter) {
  if (closed_ || !core_.stage_moved(stream, index, segment, std::move(payload), true, waiter)) return false;
  ++stats_.records_moved;
  home_.at_turn_end(turn_end_);
  return true;
}

void LogRuntime::on_turn_end(void* context) { static_cast<LogRuntime*>(context)->hand_over(); }

void LogRuntime::hand_over() {
  if (stopped_) {
    if (!core_.in_flight()) refuse_staged(Error(Code::cancelled, fmt::format("The log {} was closed", core_.options().folder)));
    return;
  }
  switch (core_.take(batch_)) {
    case LogCore::Next::nothing:
      break;
    case LogCore::Next::need_segment:
      prepare_next();
      break;
    case LogCore::Next::batch:
      done_.keep = shared_from_this();
      writer_thread_.submit([this] {
        outcome_ = writer_.write(batch_);
        home_.post(done_);
      });
      break;
  }
}

void LogRuntime::on_written(io::PostNode& node) {
  auto& done = static_cast<Done&>(node);
  const std::shared_ptr<LogRuntime> keep = std::move(done.keep);
  keep->written();
}

void LogRuntime::written() {
  const bool had_failed = core_.failed().has_value();
  core_.complete(batch_, outcome_);
  if (!outcome_.error) {
    stats_.records += batch_.ops.size();
    stats_.bytes += batch_.end - batch_.begin;
    ++stats_.batches;
    stats_.sync_nanoseconds.add(static_cast<uint64_t>(outcome_.sync_time.count()));
    stats_.batch_records.add(batch_.ops.size());
  }
  const std::optional<Error> error = core_.failed() ? core_.failed() : outcome_.error;
  // What reached the disk is acknowledged, also when something else has ended the log meanwhile.
  const std::optional<Error> of_batch = !outcome_.error && had_failed ? std::nullopt : error;
  for (const Op& op : batch_.ops) {
    if (op.ends_group && op.waiter != nullptr) finish(op.waiter, of_batch);
  }
  if (error) {
    logger().error(complaints_, "append failed", {{"error", *error}, {"final", core_.failed().has_value()}});
    refuse_staged(*error);
  }
  batch_.ops.clear();
  // The woken appenders run first in this turn; their next appends go with the next batch at its end.
  if (stopped_) {
    hand_over();
  } else if (!core_.idle()) {
    home_.at_turn_end(turn_end_);
  }
  keep_house(false);
  tell_quiet();
}

void LogRuntime::refuse_staged(const Error& error) {
  for (void* waiter : core_.refuse_staged()) {
    ++stats_.refused;
    finish(waiter, error);
  }
}

void LogRuntime::finish(void* opaque, const std::optional<Error>& error) {
  auto* waiter = static_cast<AppendWaiter*>(opaque);
  if (waiter->abandoned) {
    delete waiter;
    return;
  }
  waiter->error = error;
  waiter->done = true;
  waiter->on_done != nullptr ? waiter->on_done(*waiter) : waiter->wait.wake();
}

void LogRuntime::tell_quiet() {
  while (quiet() && !quiet_waits_.empty()) quiet_waits_.front().wake();
}

void LogRuntime::begin_end() {
  ending_ = true;
  refuse_hand_over();
  housekeeper_.submit([this, keep = shared_from_this()]() mutable {
    writer_thread_.stop();
    writer_.sync_hint();
    home_.post([this, kept = std::move(keep)] { finish_end(); });
  });
}

void LogRuntime::finish_end() {
  housekeeper_.stop();
  core_.unlock();
  ending_ = false;
  ended_ = true;
  tell_quiet();
}

void LogRuntime::keep_house(bool retry) {
  if (closed_) return;
  if (core_.wants_segment() && (retry || !core_.no_segment())) prepare_next();
  delete_oldest();
}

void LogRuntime::prepare_next() {
  if (preparing_) return;
  preparing_ = true;
  // Zeros would take half of what the disk can write from a log that takes all of it.
  const Instant before = std::exchange(prepared_at_, home_.now());
  const Space space = before != Instant() && prepared_at_ - before < core_.options().hurry ? Space::reserved : Space::zeroed;
  housekeeper_.submit([this, keep = shared_from_this(), space, id = SegmentId{core_.next_sequence(), system_seed()}]() mutable {
    auto made = std::make_shared<Result<SegmentFile>>(prepare_segment(files_, core_.options().folder, id, core_.options().segment_bytes, space));
    home_.post([this, kept = std::move(keep), made] {
      preparing_ = false;
      if (*made) {
        ++stats_.segments_made;
        core_.segment_ready(std::move(**made));
      } else {
        Error error = std::move(made->error());
        logger().error(complaints_, "no next segment", {{"error", error}});
        if (error.code() == Code::resource_exhausted) {
          error = core_.segment_refused(std::move(error));
        } else {
          core_.fail_forever(error);
        }
        // Only what needs the new segment is refused; a batch under way goes on, and its end comes back here.
        if (core_.blocked_on_segment() || (core_.failed() && !core_.in_flight())) refuse_staged(error);
      }
      hand_over();
      tell_quiet();
    });
  });
}

void LogRuntime::delete_oldest() {
  if (deleting_) return;
  auto path = core_.take_deletable();
  if (!path) return;
  deleting_ = true;
  housekeeper_.submit([this, keep = shared_from_this(), path = *path]() mutable {
    // In order and each one durable, so that no crash leaves a hole between the segments.
    auto done = files_.unlink(path);
    if (done) done = files_.sync_folder(core_.options().folder);
    auto outcome = std::make_shared<Result<void>>(std::move(done));
    home_.post([this, kept = std::move(keep), outcome, path] {
      deleting_ = false;
      if (!*outcome) {
        const Error error = std::move(outcome->error());
        logger().error("old segment not deleted", {{"path", path}, {"error", error}});
        core_.fail_forever(error);
        if (!core_.in_flight()) refuse_staged(error);
        tell_quiet();
        return;
      }
      ++stats_.segments_deleted;
      keep_house(true);
    });
  });
}

void LogRuntime::stop() {
  refuse_hand_over();
  join_threads();
  core_.unlock();
  hand_over();
}

void LogRuntime::join_threads() {
  writer_thread_.stop();
  housekeeper_.stop();
}

}  // namespace sofa::log::detail
