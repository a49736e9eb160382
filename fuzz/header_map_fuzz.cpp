// Any bytes as a header map: an error, or pairs that are found, counted and written again.
#include "sofa/wire/bolt/header_map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sofa::bolt::HeaderMap;
  const auto map = HeaderMap::parse({data, size}, 64);
  if (!map) return 0;
  sofa::Buffer written;
  size_t pairs = 0;
  for (const auto& [key, value] : *map) {
    ++pairs;
    if (!map->find(key)) __builtin_trap();
    sofa::bolt::append_header_pair(written, key, value);
  }
  const auto again = HeaderMap::parse(written.span(), 64);
  if (pairs != map->size() || !again || again->size() != pairs) __builtin_trap();
  for (const auto& [key, value] : *map) {
    if (again->find(key) != map->find(key)) __builtin_trap();
  }
  return 0;
}
