#pragma once
// The names that the bank's programs use all the time.

#include "sofa/io/task.h"

namespace bank {

using sofa::Code;
using sofa::fail;
using sofa::Result;
using sofa::io::or_return;
using sofa::io::Task;

}  // namespace bank
