#pragma once
// Plan: who is whose, and who starts before whom, worked out of the registered components before anything is constructed. Pure.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/boot/component.h"
#include "sofa/boot/module.h"

namespace sofa::boot {

/// An offer of a component, by their numbers.
struct OfferRef {
  size_t component = 0;
  size_t offer = 0;
  friend bool operator==(const OfferRef&, const OfferRef&) = default;
};

/// A contribution of a component, by their numbers.
struct ContributionRef {
  size_t component = 0;
  size_t contribution = 0;
  friend bool operator==(const ContributionRef&, const ContributionRef&) = default;
};

/// Where one need is met: in this process, or by a client of a remote service, or (an optional one) nowhere.
struct PlannedNeed {
  std::vector<OfferRef> targets{};  ///< in the order of their registration; more than one for All alone
  std::string url{};                ///< of the remote providers, when it is met there
};

struct PlannedComponent {
  std::vector<PlannedNeed> needs{};
  std::vector<std::vector<ContributionRef>> points{};  ///< of each of its extension points, in the order of registration
  std::vector<size_t> waits_for{};                     ///< components that start before it, ascending
  std::vector<size_t> dependants{};                    ///< those that it is waited for by, ascending
};

/// By the numbers of the specs that it was made of.
struct Plan {
  std::vector<PlannedComponent> components{};
  std::vector<size_t> order{};  ///< of construction: what is referred to comes first; of independent ones the first registered
};

struct PlanOptions {
  /// Where a service is found outside of this process, by its interface's name and unique id: its URL, or empty.
  std::function<std::string(std::string_view interface, std::string_view unique_id)> remote_url{};
  /// Whether a reference is to be a client of a remote service although a component of this process provides it.
  std::function<bool(std::string_view interface, std::string_view unique_id)> force_remote{};
};

/// Every problem at once, a line each, as invalid_argument: needs that nobody meets, doubled names, offers and extension points, cycles, modules
/// that require what is not there, components that refer or contribute to what their module may not see, contributions to no point or of another
/// type. Each names the components and where they are registered. Modules that are not active, and their components, must be left out by the caller.
Result<Plan> make_plan(std::span<const ComponentSpec> components, std::span<const ModuleSpec> modules = {}, const PlanOptions& options = {});

}  // namespace sofa::boot
