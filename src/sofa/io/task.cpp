#include "sofa/io/task.h"

#include <array>
#include <cstdlib>
#include <new>

namespace sofa::io::detail {

namespace {
constexpr bool kReuseFrames = !__has_feature(address_sanitizer);  // a reused frame would hide a use after free
constexpr size_t kClassBytes = 64;
constexpr size_t kClasses = 32;            // frames up to 2 KiB are kept, larger ones go back to malloc
constexpr uint32_t kMostFramesKept = 256;  // of each class and thread: at most 8.4 MiB a thread in all

class FrameLists {
 public:
  ~FrameLists() {
    for (Class& list : classes_) {
      while (list.first != nullptr) std::free(std::exchange(list.first, list.first->next));
      list.count = kMostFramesKept;
    }
  }
  void* take(size_t size_class) {
    Class& list = classes_[size_class];
    if (list.first == nullptr) return nullptr;
    --list.count;
    return std::exchange(list.first, list.first->next);
  }
  bool keep(void* frame, size_t size_class) {
    Class& list = classes_[size_class];
    if (list.count >= kMostFramesKept) return false;
    ++list.count;
    list.first = new (frame) Free{list.first};
    return true;
  }

 private:
  struct Free {
    Free* next;
  };
  struct Class {
    Free* first = nullptr;
    uint32_t count = 0;
  };
  std::array<Class, kClasses> classes_;
};

thread_local FrameLists frame_lists;

void* checked_malloc(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* allocate_frame(size_t size) {
  const size_t size_class = (size - 1) / kClassBytes;
  if (!kReuseFrames || size_class >= kClasses) return checked_malloc(size);
  if (void* frame = frame_lists.take(size_class)) return frame;
  return checked_malloc((size_class + 1) * kClassBytes);
}

void free_frame(void* frame, size_t size) noexcept {
  const size_t size_class = (size - 1) / kClassBytes;
  if (kReuseFrames && size_class < kClasses && frame_lists.keep(frame, size_class)) return;
  std::free(frame);
}

}  // namespace sofa::io::detail
