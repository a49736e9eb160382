#pragma once
// Entries and members as the messages carry them.

#include <vector>

#include "sofa/base/error.h"
#include "sofa/wire/jraft/entry.h"
#include "sofa/wire/jraft/messages.h"

namespace sofa::raft::detail {

/// The entries of a request, with their data cut from its own. Errors: lengths that do not fit, terms that fall or are above the request's,
/// members that are no names, and with `check` a checksum that is not the entry's.
Result<std::vector<jraft::Entry>> entries_of(const jraft::AppendEntriesRequest& request, bool check);

/// Puts entries that follow each other into a request, whose place they begin behind.
void put_entries(const std::vector<jraft::Entry>& entries, jraft::AppendEntriesRequest& request);

}  // namespace sofa::raft::detail
