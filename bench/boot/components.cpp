// An application of 1,000 components, a graph 10 deep: 10 chains of 9, and 91 components at the end of each. Prints the ready line, as any
// application.
#include <utility>

#include "sofa/boot/application.h"

using namespace sofa;

namespace {

/// What a component of a real application has, too: a step of the start, and one of the stop.
struct Steps {
  static Result<void> start() { return {}; }
  static Result<void> stop() { return {}; }
};

template <size_t Chain, size_t Depth>
struct Node : Steps {
  explicit Node(boot::Ref<Node<Chain, Depth - 1>> before) : depth(before->depth + 1) {}
  size_t depth;
};
template <size_t Chain>
struct Node<Chain, 0> : Steps {
  size_t depth = 1;
};
constexpr size_t kChains = 10, kLong = 9, kEnds = 91;

template <size_t Chain>
struct End : Steps {
  explicit End(boot::Ref<Node<Chain, kLong - 1>> before) : depth(before->depth + 1) {}
  size_t depth;
};

template <size_t Chain>
void add_chain(boot::Application& app) {
  [&]<size_t... Depth>(std::index_sequence<Depth...>) {
    (app.component<Node<Chain, Depth>>(fmt::format("node-{}-{}", Chain, Depth)), ...);
  }(std::make_index_sequence<kLong>{});
  for (size_t i = 0; i < kEnds; ++i) app.component<End<Chain>>(fmt::format("end-{}-{}", Chain, i));
}

}  // namespace

int main(int argc, char** argv) {
  boot::Application app("bench-boot-components", "1,000 components, a graph 10 deep.");
  [&]<size_t... Chain>(std::index_sequence<Chain...>) { (add_chain<Chain>(app), ...); }(std::make_index_sequence<kChains>{});
  return app.run(argc, argv);
}
