#pragma once
// Checksums: CRC32 (IEEE 802.3, as java.util.zip.CRC32 and zlib) and CRC32C (Castagnoli, RFC 3720 appendix B.4).

#include <cstdint>

#include "sofa/base/bytes.h"

namespace sofa {

/// CRC32 of the bytes; `previous` is the checksum of what came before them, so that crc32(b, crc32(a)) == crc32(a + b).
uint32_t crc32(ByteSpan bytes, uint32_t previous = 0);

/// CRC32C of the bytes, continued from `previous` in the same way. Uses the SSE4.2 instruction where the machine has it, a
/// table otherwise; both give the same value.
uint32_t crc32c(ByteSpan bytes, uint32_t previous = 0);

/// The table version of crc32c, for tests and for machines without the instruction.
uint32_t crc32c_software(ByteSpan bytes, uint32_t previous = 0);

}  // namespace sofa
