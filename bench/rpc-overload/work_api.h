#pragma once
// The work that the servers carry out, and the service that does it for callers of Java interfaces.

#include <cstdint>

#include "sofa/rpc/interface.h"

namespace bench {

/// Steps of xorshift64, each of which needs the one before: about 2 ns a round, alike in every compiled language.
inline int64_t compute(int64_t rounds) {
  uint64_t state = 0x9e3779b97f4a7c15;
  for (int64_t round = 0; round < rounds; ++round) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  return static_cast<int64_t>(state >> 1);
}

struct WorkService : sofa::rpc::Interface {
  static constexpr std::string_view kName = "sofa.bench.Work";
  sofa::rpc::Method<int64_t(int64_t)> compute{this, "compute"};
};

}  // namespace bench
