#include "sofa/base/crc.h"

#include <array>
#include <cstring>

#include <zlib.h>

namespace sofa {

namespace {
constexpr uint32_t kCastagnoliReflected = 0x82f63b78;

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kCastagnoliReflected : 0);
    table[i] = crc;
  }
  return table;
}
constexpr auto kTable = make_table();

/// Eight tables, so that eight bytes are read at a time: table[k] is of a byte with k zero bytes behind it.
constexpr std::array<std::array<uint64_t, 256>, 8> make_tables64() {
  constexpr uint64_t kEcma182 = 0x42f0e1eba9ea3693;
  std::array<std::array<uint64_t, 256>, 8> tables{};
  for (uint64_t i = 0; i < 256; ++i) {
    uint64_t crc = i << 56;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc >> 63) != 0 ? kEcma182 : 0);
    tables[0][i] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t i = 0; i < 256; ++i) tables[k][i] = (tables[k - 1][i] << 8) ^ tables[0][tables[k - 1][i] >> 56];
  }
  return tables;
}
constexpr auto kTables64 = make_tables64();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_hardware(ByteSpan bytes, uint32_t previous) {
  uint64_t crc = ~previous;
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  auto narrow = static_cast<uint32_t>(crc);
  for (; left > 0; ++at, --left) narrow = __builtin_ia32_crc32qi(narrow, *at);
  return ~narrow;
}
#endif
}  // namespace

uint32_t crc32(ByteSpan bytes, uint32_t previous) { return static_cast<uint32_t>(::crc32_z(previous, bytes.data(), bytes.size())); }

uint64_t crc64(ByteSpan bytes, uint64_t previous) {
  uint64_t crc = previous;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    crc ^= __builtin_bswap64(word);
    uint64_t next = 0;
    for (size_t k = 0; k < 8; ++k) next ^= kTables64[7 - k][crc >> (56 - 8 * k) & 0xff];
    crc = next;
  }
  for (const uint8_t byte : bytes) crc = (crc << 8) ^ kTables64[0][(crc >> 56) ^ byte];
  return crc;
}

uint32_t crc32c_software(ByteSpan bytes, uint32_t previous) {
  uint32_t crc = ~previous;
  for (uint8_t byte : bytes) crc = (crc >> 8) ^ kTable[(crc ^ byte) & 0xff];
  return ~crc;
}

uint32_t crc32c(ByteSpan bytes, uint32_t previous) {
#if defined(__x86_64__)
  static const bool hardware = __builtin_cpu_supports("sse4.2") != 0;
  if (hardware) return crc32c_hardware(bytes, previous);
#endif
  return crc32c_software(bytes, previous);
}

}  // namespace sofa
