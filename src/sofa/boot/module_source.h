#pragma once
// ModuleSource: where modules come from that are not compiled into the program, as native libraries or as Wasm. What it gives are modules and
// components like any other: they are planned, configured, started, watched and stopped with the rest, and see only what they may.
//
//   class Plugins final : public boot::ModuleSource {
//     std::string_view kind() const override { return "native"; }
//     Result<std::vector<boot::LoadedModule>> load() override { ... }
//   };
//   app.modules_from(std::make_shared<Plugins>("/opt/app/plugins"));

#include <string_view>
#include <vector>

#include "sofa/base/error.h"
#include "sofa/boot/component.h"
#include "sofa/boot/module.h"

namespace sofa::boot {

struct LoadedModule {
  ModuleSpec spec{};
  std::vector<ComponentSpec> components{};  ///< their `module` is set to the module's name
};

/// Outlives the running application: the code of its components may belong to it.
class ModuleSource {
 public:
  virtual ~ModuleSource() = default;
  /// "native", "wasm": stands before its errors.
  virtual std::string_view kind() const = 0;
  /// Called once, by Application::configure, since components have sections of the configuration; may block. An error ends the start.
  virtual Result<std::vector<LoadedModule>> load() = 0;
};

}  // namespace sofa::boot
