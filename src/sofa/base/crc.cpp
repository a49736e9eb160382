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
