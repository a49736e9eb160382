#pragma once
// One file that holds the whole book: written beside the old one, synced, renamed. Blocking; call it off the loop.

#include <string>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/state/log/file.h"

namespace bank {

struct Snapshot {
  int64_t last = 0;     // sequence of the last entry, 0 when there is no snapshot
  sofa::Bytes entries;  // 1..last, as Book::encode_entries writes them
};

/// Replaces the folder's snapshot by one of the entries 1..last. After a crash there is the old one or the new one, never neither.
sofa::Result<void> write_snapshot(sofa::log::FileSystem& files, const std::string& folder, int64_t last, sofa::ByteSpan entries);
/// The folder's snapshot; data_loss when its checksum, which covers every byte, does not fit. Makes the folder when it is missing.
sofa::Result<Snapshot> read_newest_snapshot(sofa::log::FileSystem& files, const std::string& folder);

}  // namespace bank
