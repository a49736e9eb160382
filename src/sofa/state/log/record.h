#pragma once
// Records as callers of the log see them.

#include <cstdint>

#include "sofa/base/bytes.h"

namespace sofa::log {

struct NewRecord {
  uint64_t stream = 0;  // whose record it is: a Raft group, a ledger
  uint64_t term = 0;    // kept and given back, never judged
  uint64_t index = 0;   // 0: the next one of the stream; otherwise it must be the next one
  Bytes payload;
};

struct ReadRecord {
  uint64_t term = 0;
  uint64_t index = 0;
  Bytes payload;
};

}  // namespace sofa::log
