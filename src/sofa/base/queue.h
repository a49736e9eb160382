#pragma once
// Queue: a double-ended queue that takes no memory while it is empty and new. The standard's takes 576 bytes for each, which counts where there are
// tens of thousands of them.

#include <boost/container/deque.hpp>

namespace sofa {

/// As std::deque; its blocks have about 256 bytes.
template <class T>
using Queue = boost::container::deque<T, void, boost::container::deque_options_t<boost::container::block_bytes<256u>>>;

/// Of a container that is empty: what it has kept goes.
template <class Container>
void give_memory_back(Container& empty) {
  if (!empty.empty()) return;
  Container fresh;
  empty.swap(fresh);
}

}  // namespace sofa
