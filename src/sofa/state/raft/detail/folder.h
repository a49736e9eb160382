#pragma once
// The folder of a server: whose it is, and which streams of the log its groups have.
//
//   folder/identity   the format, and the name of the node
//   folder/log        one log for all groups: stream 1 lists them
//   folder/snapshot   see snapshot.h

#include <map>
#include <string>

#include "sofa/io/task.h"
#include "sofa/state/log/log.h"
#include "sofa/state/raft/detail/group_log.h"
#include "sofa/wire/jraft/peer.h"

namespace sofa::raft::detail {

/// Makes the folder and its identity, or finds that it is this node's. Errors: failed_precondition (of another node, or a newer version), data_loss,
/// and those of the disk. Blocking.
Result<void> claim_folder(log::FileSystem& files, const std::string& folder, const std::string& identity);

/// The groups that a log holds.
class Directory {
 public:
  explicit Directory(log::Log& log) : log_(log) {}
  io::Task<Result<void>> read();
  /// The streams of a member, new ones when it has none.
  io::Task<Result<GroupStreams>> streams_of(std::string group, jraft::PeerId self);

 private:
  static std::string key(std::string_view group, const jraft::PeerId& self);
  log::Log& log_;
  std::map<std::string, uint64_t> numbers_;  // of the record that names it
};

}  // namespace sofa::raft::detail
