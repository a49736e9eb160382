#pragma once
// Members of a group as a snapshot's meta, or an entry's, carries them: texts.

#include "sofa/base/error.h"
#include "sofa/wire/jraft/entry.h"
#include "sofa/wire/jraft/messages.h"

namespace sofa::raft {

/// Errors: invalid_argument for a text that is no name of a node.
Result<jraft::Membership> members_of(const jraft::SnapshotMeta& meta);
Result<jraft::Membership> members_of(const jraft::EntryMeta& meta);
jraft::SnapshotMeta meta_of(jraft::LogId id, const jraft::Membership& members);
void put_members(const jraft::Membership& members, jraft::EntryMeta& into);

}  // namespace sofa::raft
