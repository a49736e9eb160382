#include "sofa/state/raft/state_machine.h"

#include "sofa/state/raft/snapshot.h"

namespace sofa::raft {

io::Task<Result<void>> StateMachine::save(SnapshotWriter&) { co_return fail(Code::unimplemented, "this state machine has no snapshots"); }
io::Task<Result<void>> StateMachine::load(SnapshotReader&) { co_return fail(Code::unimplemented, "this state machine has no snapshots"); }

}  // namespace sofa::raft
