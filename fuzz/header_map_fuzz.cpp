// Any bytes as a header map: an error, or pairs that are found, counted and written again.
#include "must.h"
#include "sofa/wire/bolt/header_map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sofa::bolt::HeaderMap;
  const auto map = HeaderMap::parse({data, size}, 64);
  if (!map) return 0;
  sofa::Buffer written;
  size_t pairs = 0;
  for (const auto& [key, value] : *map) {
    ++pairs;
    fuzz::must(map->find(key).has_value());
    sofa::bolt::append_header_pair(written, key, value);
  }
  const auto again = HeaderMap::parse(written.span(), 64);
  fuzz::must(pairs == map->size() && again && again->size() == pairs);
  for (const auto& [key, value] : *map) {
    fuzz::must(again->find(key) == map->find(key));
  }
  return 0;
}
