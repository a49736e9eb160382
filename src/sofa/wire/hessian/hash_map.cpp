#include "sofa/wire/hessian/hash_map.h"

#include <random>

namespace sofa::hessian::detail {

uint64_t hash_secret() {
  static const uint64_t secret = [] {
    std::random_device random;
    return uint64_t{random()} << 32 | random();
  }();
  return secret;
}

namespace {

uint64_t word_at(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}
uint32_t half_at(const char* at) {
  uint32_t half;
  std::memcpy(&half, at, 4);
  return half;
}

}  // namespace

/// Folded 128-bit products (the scheme of wyhash): each half of a product depends on the secret.
uint64_t hash_of(const char* at, size_t n, uint64_t secret) {
  uint64_t state = secret ^ n;
  for (; n > 16; at += 16, n -= 16) state = fold(word_at(at) ^ kFoldKey ^ secret, word_at(at + 8) ^ state);
  uint64_t a = 0, b = 0;
  if (n >= 8) {
    a = word_at(at);
    b = word_at(at + n - 8);
  } else if (n >= 4) {
    a = half_at(at);
    b = half_at(at + n - 4);
  } else if (n > 0) {
    a = uint64_t{static_cast<uint8_t>(at[0])} << 16 | uint64_t{static_cast<uint8_t>(at[n / 2])} << 8 | static_cast<uint8_t>(at[n - 1]);
  }
  return fold(fold(a ^ kFoldKey ^ secret, b ^ state), kFoldKey ^ state);
}

}  // namespace sofa::hessian::detail
