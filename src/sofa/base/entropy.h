#pragma once
// Randomness for secrets. For everything else random.h has a generator that a run can be repeated with.

#include <cstdint>
#include <span>

namespace sofa {

/// Fills the bytes from the system; ends the program when it has none, since nothing secret can be made then. Any thread.
void system_entropy(std::span<uint8_t> bytes);

}  // namespace sofa
