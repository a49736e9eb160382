#pragma once
#include "sofa/boot/application.h"

namespace app_name {

/// Registers the components, and what the port says beside their services. main() and the tests call it.
void assemble(sofa::boot::Application& app);

}  // namespace app_name
