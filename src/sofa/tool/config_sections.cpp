#include "sofa/tool/config_sections.h"

#include "sofa/base/log.h"
#include "sofa/boot/application.h"

namespace sofa::tool {

void add_config_sections(boot::Configuration& configuration) {
  configuration.add<boot::ServerSection>("server", "where this process listens, and how it stops");
  configuration.add<LogOptions>("log");
}

}  // namespace sofa::tool
