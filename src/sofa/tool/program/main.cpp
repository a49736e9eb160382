// sofa COMMAND [arguments]: calls, measures and explains services from a terminal (docs/tool.md).
#include "sofa/tool/tool.h"

int main(int argc, char** argv) {
  auto terminal = sofa::tool::Terminal::of_process();
  return static_cast<int>(sofa::tool::run(std::span(argv, static_cast<size_t>(argc)), terminal));
}
