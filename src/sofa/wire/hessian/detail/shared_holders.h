#pragma once
// Keeps a copy of each shared_ptr that a reader filled, whatever its type, so that later references can share its object: the holder that was
// filled may have moved meanwhile.

#include <cstddef>
#include <deque>

#include "sofa/base/description.h"
#include "sofa/wire/hessian/reader.h"

namespace sofa::hessian {

struct Reader::SharedHolders {
  struct Holder {
    const Type* type;
    alignas(std::shared_ptr<void>) std::byte pointer[sizeof(std::shared_ptr<void>)];
  };

  SharedHolders() = default;
  SharedHolders(const SharedHolders&) = delete;
  SharedHolders& operator=(const SharedHolders&) = delete;
  ~SharedHolders() {
    for (Holder& holder : holders) holder.type->destroy(holder.pointer);
  }

  void* copy(const Type& type, const void* holder) {
    Holder& kept = holders.emplace_back();
    kept.type = &type;
    type.construct(kept.pointer);
    type.indirect->share(kept.pointer, holder);
    return kept.pointer;
  }

  std::deque<Holder> holders;
};

}  // namespace sofa::hessian
