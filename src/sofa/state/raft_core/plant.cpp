#include "sofa/state/raft_core/plant.h"

#ifdef SOFA_SIM
#include <algorithm>
#include <array>

namespace sofa::raft {

std::span<const PlantInfo> plants() {
  static constexpr std::array kPlants{
#define SOFA_RAFT_PLANT(name, what) PlantInfo{Plant::name, #name, what},
      SOFA_RAFT_PLANTS(SOFA_RAFT_PLANT)
#undef SOFA_RAFT_PLANT
  };
  return kPlants;
}

std::optional<Plant> plant_named(std::string_view name) {
  const auto found = std::ranges::find(plants(), name, &PlantInfo::name);
  return found == plants().end() ? std::nullopt : std::optional(found->plant);
}

}  // namespace sofa::raft
#endif
