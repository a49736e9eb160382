#pragma once
// What the node of `sofa raft lab` is made of: its state machine, and the handler of its clients' requests.

#include <deque>
#include <vector>

#include "sofa/io/task_group.h"
#include "sofa/state/raft/node.h"
#include "sofa/state/raft/snapshot.h"
#include "sofa/tool/raft_lab_state.h"
#include "sofa/transport/session.h"

namespace sofa::tool {

/// A snapshot is one file, `data`. What it holds is frozen when it begins; sorting and encoding happen on the blocking pool, so that the shard
/// stands still for neither.
class LabMachine final : public raft::StateMachine {
 public:
  void apply(raft::Batch& batch) override;
  io::Task<Result<void>> save(raft::SnapshotWriter& to) override;
  io::Task<Result<void>> load(raft::SnapshotReader& from) override;
  const LabState& state() const { return state_; }

 private:
  LabState state_;
};

/// Answers sofa.lab.KvRequest: the bytes of a LabRequest. The answer: 00 and the result, 01 and the leader for a write on another node, 02 and a
/// sentence, 03 for a key that is missing. No coroutine and no allocation for reads and writes. Belongs to the node's shard.
class LabHandler final : public transport::Handler {
 public:
  static constexpr std::string_view kRequest = "sofa.lab.KvRequest", kResponse = "sofa.lab.KvResponse";
  static constexpr uint64_t kMostOfDump = uint64_t{1} << 30;  ///< a larger state is refused; the server must let so much wait for one peer

  /// From now on; requests before are refused with a sentence. Both outlive the requests.
  void serve(raft::Node& node, const LabMachine& machine);
  void handle(transport::IncomingRequest& request, transport::Responder& responder) override;
  /// When the node has ended.
  io::Task<void> join();

 private:
  /// A request on its way through the node. Places are used again.
  struct Waiting {
    transport::Responder responder{};
    Bytes request{};  // of a read
  };
  uint32_t wait(transport::Responder& responder, Bytes request);
  Waiting take(uint32_t place);
  void write(Bytes entry, transport::Responder& responder);
  void read(Bytes request, transport::Responder& responder);
  void trigger_snapshot(transport::Responder& responder);
  void answer_value(const LabRequest& request, transport::Responder& responder) const;
  void answer_dump(transport::Responder& responder) const;
  void answer_not_leader(transport::Responder& responder) const;
  std::string info() const;

  raft::Node* node_ = nullptr;
  const LabMachine* machine_ = nullptr;
  std::deque<Waiting> waiting_;
  std::vector<uint32_t> free_;
  io::TaskGroup tasks_;
};

}  // namespace sofa::tool
