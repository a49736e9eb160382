#pragma once

#include "sofa/base/error.h"

namespace bank {

/// The errors after which the same call may succeed. Trying again cannot do harm: every call of the bank is idempotent.
inline bool worth_another_try(const sofa::Error& error) {
  return error.code() == sofa::Code::unavailable || error.code() == sofa::Code::deadline_exceeded || error.code() == sofa::Code::resource_exhausted;
}

}  // namespace bank
