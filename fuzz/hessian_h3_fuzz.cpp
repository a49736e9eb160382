#include "hessian_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sofa::hessian::check({data, size}, sofa::hessian::Dialect::h3);
  return 0;
}
