#include "sofa/base/recycled.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace sofa {

namespace {

constexpr bool kRecycle = !__has_feature(address_sanitizer);  // memory that comes back would hide a use after free

constexpr size_t kStep = 64;                               // sizes are rounded up to it
constexpr size_t kReadBlock = (size_t{16} << 10) + kStep;  // what a connection reads into lies in such a piece: io's kReadRoom and its block's head
constexpr size_t kSmallKinds = 34;                         // up to a block of 2 KiB and its head
constexpr size_t kMostSmall = kSmallKinds * kStep;
constexpr size_t kMostKept = size_t{32} << 10;  // bytes of one kind
constexpr size_t kReadBlocksKept = 16;

/// The free pieces of this thread, a list for each size.
class SparePieces {
 public:
  ~SparePieces() {
    for (Kind& kind : kinds_) {
      while (kind.first != nullptr) std::free(take(kind));
      kind.room = 0;  // what other objects of the thread give back later is freed
    }
  }

  void* take(size_t size) {
    Kind* const kind = kind_of(size);
    if (kind == nullptr) return std::malloc(size);
    return kind->first == nullptr ? std::malloc(rounded(size)) : take(*kind);
  }
  void give(void* memory, size_t size) {
    Kind* const kind = kind_of(size);
    if (kind == nullptr || kind->room == 0) return std::free(memory);
    --kind->room;
    kind->first = new (memory) Piece{kind->first};
  }

 private:
  struct Piece {
    Piece* next;
  };
  struct Kind {
    Piece* first = nullptr;
    size_t room = 0;  // pieces that are kept beside those of the list
  };
  using Kinds = std::array<Kind, kSmallKinds + 1>;  // the last one: read blocks

  static size_t rounded(size_t size) { return (std::max<size_t>(size, 1) + kStep - 1) / kStep * kStep; }
  static Kinds empty_kinds() {
    Kinds kinds;
    for (size_t i = 0; i < kSmallKinds; ++i) kinds[i].room = kMostKept / ((i + 1) * kStep);
    kinds.back().room = kReadBlocksKept;
    return kinds;
  }
  /// Null: a size that is not kept.
  Kind* kind_of(size_t size) {
    if (size <= kMostSmall) return &kinds_[rounded(size) / kStep - 1];
    return rounded(size) == kReadBlock ? &kinds_.back() : nullptr;
  }
  static void* take(Kind& kind) {
    ++kind.room;
    Piece* const piece = kind.first;
    kind.first = piece->next;
    return piece;
  }

  Kinds kinds_ = empty_kinds();
};

thread_local SparePieces pieces;

}  // namespace

void* take_memory(size_t size) {
  void* const memory = kRecycle ? pieces.take(size) : std::malloc(size);
  if (memory == nullptr) [[unlikely]]
    throw std::bad_alloc();
  return memory;
}

void give_memory(void* memory, size_t size) noexcept {
  if (!kRecycle || memory == nullptr) return std::free(memory);
  pieces.give(memory, size);
}

}  // namespace sofa
