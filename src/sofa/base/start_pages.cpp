#include "sofa/base/start_pages.h"

#include <link.h>
#include <sys/mman.h>

#include <cstdint>
#include <span>

namespace sofa {

namespace {

/// Segments that are read alone are pages of the file, never changed, so that nothing is lost. What is relocated and then protected is of a segment
/// that is written.
int release_of(dl_phdr_info* object, size_t /*size*/, void* /*unused*/) {
  constexpr uintptr_t kPage = 4096;
  for (const ElfW(Phdr) & segment : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
    if (segment.p_type != PT_LOAD || segment.p_flags != PF_R) continue;
    const uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(kPage - 1);
    const uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_filesz;
    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);  // NOLINT(performance-no-int-to-ptr)
  }
  return 0;
}

}  // namespace

void release_start_pages() { dl_iterate_phdr(release_of, nullptr); }

}  // namespace sofa
