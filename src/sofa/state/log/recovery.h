#pragma once
// Opening a log folder: the lock, the version, and the scan that decides what is there, what was torn and what is corrupt. Blocking.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sofa/state/log/detail/stream_table.h"
#include "sofa/state/log/file.h"
#include "sofa/state/log/options.h"

namespace sofa::log {

struct SegmentFile {
  std::shared_ptr<File> file;
  SegmentId id;
  uint64_t capacity = 0;
};

/// A folder as found. The lock is held as long as this (or what took it over) lives.
struct RecoveredLog {
  std::unique_ptr<FolderLock> lock;
  std::shared_ptr<File> hint;
  DurableHint last_hint;
  detail::StreamTable table;
  std::map<uint64_t, SegmentFile> segments;  // by sequence, without gaps; the prepared next one is not among them
  uint64_t active = 0;                       // the newest segment with a record; 0: none yet
  uint64_t last_batch = 0;                   // where its last batch begins
  uint64_t end = 0;                          // where the next batch goes in it
  bool sealed = false;                       // the active segment takes no more
  uint32_t chain = 0;                        // checksum of the last record
  uint32_t attempt = 0;                      // of the last batch
  SegmentFile prepared;                      // an empty segment with sequence active + 1, when there is one
  std::vector<std::string> notes;            // what an operator should read: a torn tail that was cut, and the like
  uint64_t records = 0;                      // good records read
};

/// Opens the folder. Errors: failed_precondition (in use, newer version, a folder of something else), permission_denied (not writable), data_loss
/// (corruption: file, offset, expected and found checksum, what to do), unavailable and resource_exhausted (the disk). Nothing acknowledged is ever
/// cut.
Result<RecoveredLog> open_folder(FileSystem& files, const LogOptions& options);

}  // namespace sofa::log
