#pragma once
// Names of functions by their addresses in this process: from the symbol tables of its program and libraries on disk. Reads files, so not for a
// shard.

#include <cstdint>
#include <string>
#include <vector>

namespace sofa::admin::detail {

class Symbols {
 public:
  /// Reads what is loaded now.
  Symbols();
  /// As C++ has it, without the types of its parameters; "libz.so.1+0x12" where no symbol covers it.
  std::string name_of(uintptr_t address) const;

 private:
  struct Function {
    uintptr_t begin, size;
    std::string name;  // as the linker has it
  };
  struct Module {
    uintptr_t begin, end, base;
    std::string file;
    std::vector<Function> functions;  // by their begin
  };
  static std::vector<Function> read_functions(const std::string& path, uintptr_t base);
  static std::string demangled(const std::string& name);
  std::vector<Module> modules_;
};

}  // namespace sofa::admin::detail
