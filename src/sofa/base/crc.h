#pragma once
// Checksums: CRC32 (IEEE 802.3, as java.util.zip.CRC32 and zlib), CRC32C (Castagnoli, RFC 3720 appendix B.4) and CRC64 (ECMA-182).

#include <cstdint>

#include "sofa/base/bytes.h"

namespace sofa {

/// CRC32 of the bytes; `previous` is the checksum of what came before them, so that crc32(b, crc32(a)) == crc32(a + b).
uint32_t crc32(ByteSpan bytes, uint32_t previous = 0);

/// CRC32C of the bytes, continued from `previous` in the same way. Uses the SSE4.2 instruction where the machine has it, a
/// table otherwise; both give the same value.
uint32_t crc32c(ByteSpan bytes, uint32_t previous = 0);

/// CRC64 of ECMA-182 as JRaft has it (jraft.md 4.2b): not reflected, from 0, without a final exclusive or; continued from `previous`.
uint64_t crc64(ByteSpan bytes, uint64_t previous = 0);

/// The table version of crc32c, for tests and for machines without the instruction.
uint32_t crc32c_software(ByteSpan bytes, uint32_t previous = 0);

}  // namespace sofa
