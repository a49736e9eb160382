#include "sofa/http/detail/http2_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "sofa/base/recycled.h"

namespace sofa::http::detail {

namespace {

/// Stands before each piece: who frees it does not know its size.
struct alignas(std::max_align_t) PieceHead {
  size_t size;  // with this head
};

PieceHead* head_of(void* piece) { return static_cast<PieceHead*>(piece) - 1; }

// nghttp2 is written in C: null tells it that there is no memory.
void* allocate(size_t size, void*) {
  const size_t whole = sizeof(PieceHead) + size;
  if (whole < size) return nullptr;
  try {
    return new (take_memory(whole)) PieceHead{whole} + 1;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void release(void* piece, void*) {
  if (piece != nullptr) give_memory(head_of(piece), head_of(piece)->size);
}

void* allocate_zeroed(size_t count, size_t size, void*) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
  void* const piece = allocate(bytes, nullptr);
  return piece == nullptr ? nullptr : std::memset(piece, 0, bytes);
}

void* reallocate(void* piece, size_t size, void*) {
  void* const larger = allocate(size, nullptr);
  if (larger == nullptr || piece == nullptr) return larger;
  std::memcpy(larger, piece, std::min(size, head_of(piece)->size - sizeof(PieceHead)));
  release(piece, nullptr);
  return larger;
}

}  // namespace

nghttp2_mem* http2_memory() {
  static nghttp2_mem memory{.mem_user_data = nullptr, .malloc = &allocate, .free = &release, .calloc = &allocate_zeroed, .realloc = &reallocate};
  return &memory;
}

}  // namespace sofa::http::detail
