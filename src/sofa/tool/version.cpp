// sofa version

#include "sofa/tool/commands.h"

namespace sofa::tool {

namespace {

struct VersionOptions : OutputFlags {
  static void describe(Description<VersionOptions>& d) { d.inherit<OutputFlags>(); }
};

/// What `sofa version` tells.
struct Version {
  std::string version = SOFA_VERSION;
  std::string compiler = "clang " __clang_version__;
  std::string built =
#ifdef NDEBUG
      "release";
#else
      "debug";
#endif
  static void describe(Description<Version>& d) {
    d.field("version", &Version::version);
    d.field("compiler", &Version::compiler);
    d.field("built", &Version::built);
  }
};

Exit version(Arguments<VersionOptions>& given, Terminal& terminal) {
  print_object(Version(), given.options.output, terminal);
  return Exit::ok;
}

}  // namespace

Command version_command() { return command<VersionOptions, version>({.name = "version", .summary = "tells the version of this program"}); }

}  // namespace sofa::tool
