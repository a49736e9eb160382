#pragma once
// Memory of small things that come and go with every call. What a thread gives back it takes again, last first, so that it is still in the
// processor's cache; malloc takes a lock for what does not fit in its few pieces of a size.

#include <cstddef>

namespace sofa {

/// At least `size` bytes, aligned as malloc's are. Throws std::bad_alloc.
[[nodiscard]] void* take_memory(size_t size);
/// Gives back what take_memory(size) has given, on any thread; null is allowed. The thread keeps 32 KiB of a size at most, the rest is freed.
void give_memory(void* memory, size_t size) noexcept;

/// Objects of a class that derives from this lie in such memory. Such a class has a virtual destructor, or is deleted as what it is.
class Recycled {
 public:
  static void* operator new(size_t size) { return take_memory(size); }
  static void operator delete(void* memory, size_t size) noexcept { give_memory(memory, size); }
};

}  // namespace sofa
