#pragma once
// Points at which a core may do what it seldom does (give a leadership up, forget what is under way), so that a simulation sees it often. Only where
// no option of CoreOptions asks for the same. As with plant.h, they are in sofa_state_raft_core_sim alone; what they do is always allowed.

#include <string_view>

#ifdef SOFA_SIM
#include <functional>
#endif

namespace sofa::raft {

#ifdef SOFA_SIM

/// Whether a point fires now; the simulation that runs gives it. Empty: never.
inline std::function<bool(std::string_view point)> the_buggify{};
inline bool buggify(std::string_view point) { return the_buggify && the_buggify(point); }

#else

constexpr bool buggify(std::string_view) { return false; }

#endif

}  // namespace sofa::raft
