#include "sofa/base/entropy.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace sofa {

void system_entropy(std::span<uint8_t> bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::getrandom(bytes.data() + done, bytes.size() - done, 0);
    if (n < 0 && errno != EINTR) std::abort();
    if (n > 0) done += static_cast<size_t>(n);
  }
}

}  // namespace sofa
