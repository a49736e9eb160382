#pragma once
// One file that holds the whole book: written beside the old one, synced, renamed. Blocking; call it off the loop.

#include <string>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

namespace bank {

/// Replaces the folder's snapshot by one of the entries 1..last. After a crash there is the old one or the new one, never neither.
sofa::Result<void> write_snapshot(const std::string& folder, int64_t last, sofa::ByteSpan entries);
/// The entries of the snapshot, empty when there is none; data_loss when its checksum does not fit. Makes the folder when it is missing.
sofa::Result<sofa::Bytes> read_newest_snapshot(const std::string& folder);

}  // namespace bank
