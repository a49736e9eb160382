#include "sofa/boot/component.h"

#include "sofa/boot/detail/place.h"

namespace sofa::boot {

std::string ComponentSpec::described() const { return fmt::format("component \"{}\" ({})", name, detail::place_of(where)); }

std::string name_of(const InterfaceId& interface, std::string_view unique_id) {
  return unique_id.empty() ? std::string(interface.name) : fmt::format("{}:{}", interface.name, unique_id);
}

}  // namespace sofa::boot
