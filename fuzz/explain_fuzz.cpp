// Bytes of any protocol, as `sofa trace-bytes` explains them: each field lies inside the input, and behind the one before.
#include "must.h"
#include "sofa/tool/explain.h"

namespace {

using namespace sofa;

void check(void (*explain)(tool::Walk&), ByteSpan bytes) {
  tool::Walk walk(bytes);
  explain(walk);
  size_t at = 0;
  for (const tool::Piece& piece : walk.pieces()) {
    fuzz::must(piece.offset == at && piece.size <= bytes.size() - at);
    at += piece.size;
  }
  fuzz::must(!walk.wrong() || walk.wrong()->offset <= bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  check(tool::explain_bolt, bytes);
  check(tool::explain_dubbo, bytes);
  check(tool::explain_http2, bytes);
  check([](tool::Walk& walk) { tool::explain_hessian(walk, walk.left(), hessian::Dialect::h3); }, bytes);
  check([](tool::Walk& walk) { tool::explain_hessian(walk, walk.left(), hessian::Dialect::h4); }, bytes);
  return 0;
}
