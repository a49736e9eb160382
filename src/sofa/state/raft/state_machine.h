#pragma once
// What a user writes: a state machine that takes committed entries in order, and saves and loads its state.
//
//   class Counter : public raft::StateMachine {
//     int64_t value_ = 0;
//     void apply(raft::Batch& batch) override {
//       for (raft::Committed& one : batch) one.reply(encode(value_ += decode(one.data())));
//     }
//     io::Task<Result<void>> save(raft::SnapshotWriter& to) override { co_return co_await to.put("value", encode(value_)); }
//     io::Task<Result<void>> load(raft::SnapshotReader& from) override {
//       value_ = decode(co_await io::or_return(from.get("value")));
//       co_return Result<void>{};
//     }
//   };
//
// Everything is called on the shard of the group's node, one call at a time.

#include <cstdint>
#include <span>
#include <utility>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/io/task.h"
#include "sofa/state/raft_core/log_view.h"
#include "sofa/wire/jraft/status.h"

namespace sofa::raft {

class SnapshotReader;
class SnapshotWriter;

/// One committed entry with data of the user's.
class Committed {
 public:
  Committed(LogId id, Bytes data, bool waited_for) : id_(id), data_(std::move(data)), waited_for_(waited_for) {}
  LogId id() const { return id_; }
  const Bytes& data() const { return data_; }
  /// Whether somebody on this node waits for a reply: a reply that nobody waits for need not be made.
  bool is_waited_for() const { return waited_for_; }
  void reply(Bytes result) { result_ = std::move(result); }

 private:
  friend class Batch;
  LogId id_;
  Bytes data_;
  Bytes result_{};
  bool waited_for_;
};

/// Committed entries in order, without a gap to those before.
class Batch {
 public:
  explicit Batch(std::span<Committed> entries) : entries_(entries) {}
  Committed* begin() { return entries_.data(); }
  Committed* end() { return entries_.data() + entries_.size(); }
  size_t size() const { return entries_.size(); }
  /// Of the entry with this place in the batch; its reply moves out.
  Bytes take_result(size_t at) { return std::move(entries_[at].result_); }

 private:
  std::span<Committed> entries_;
};

class StateMachine {
 public:
  virtual ~StateMachine() = default;

  /// Must come to the same state on every node: no clock, no randomness, no address. Must not block. An exception ends the node in the state ERROR
  /// (ESTATEMACHINE), since this node's state would differ from then on.
  virtual void apply(Batch& batch) = 0;

  /// Whether save() and load() are there; without them the log grows for ever, and a node that lacks its beginning is never fed.
  virtual bool has_snapshots() const { return true; }
  /// Writes the state as it is at the call. Entries are applied meanwhile: copy what is needed before the first co_await
  /// (docs/raft/state-machine.md).
  virtual io::Task<Result<void>> save(SnapshotWriter& to);
  /// Replaces the whole state. Nothing is applied meanwhile.
  virtual io::Task<Result<void>> load(SnapshotReader& from);

  // What happens to the node, in the order of the log.
  /// All that was committed before is applied.
  virtual void on_leader_start(int64_t /*term*/) {}
  virtual void on_leader_stop(const jraft::Status& /*why*/) {}
  virtual void on_start_following(const jraft::PeerId& /*leader*/, int64_t /*term*/) {}
  virtual void on_stop_following(const jraft::PeerId& /*leader*/, int64_t /*term*/, const jraft::Status& /*why*/) {}
  virtual void on_configuration_committed(const jraft::Configuration& /*members*/) {}
  /// Final: the node is in the state ERROR.
  virtual void on_error(const jraft::Status& /*why*/) {}
};

}  // namespace sofa::raft
