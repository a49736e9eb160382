// gRPC's message framing: the first byte chooses the encoding and how the rest is cut into pieces.
#include "must.h"
#include "sofa/grpc/framing.h"

namespace {

using namespace sofa;
using fuzz::must;

constexpr size_t kMaxMessage = 64 * 1024;

/// All messages and whether an error ended them.
struct Outcome {
  std::vector<Bytes> messages;
  bool failed = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read_all(ByteSpan input, grpc::Encoding encoding, size_t piece) {
  Outcome outcome;
  grpc::Deframer deframer(kMaxMessage, encoding);
  while (!outcome.failed && !input.empty()) {
    const size_t n = std::min(piece, input.size());
    deframer.feed(input.first(n));
    input = input.subspan(n);
    for (;;) {
      auto message = deframer.next();
      outcome.failed = !message;
      if (!message || !*message) break;
      must((*message)->size() <= kMaxMessage);
      outcome.messages.push_back(std::move(**message));
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto encoding = (data[0] & 1) != 0 ? grpc::Encoding::gzip : grpc::Encoding::identity;
  const size_t piece = 1 + (data[0] >> 1);
  const ByteSpan input(data + 1, size - 1);
  const Outcome cut = read_all(input, encoding, piece);
  must(cut == read_all(input, encoding, input.size() + 1));
  for (const Bytes& message : cut.messages) {
    const auto again = grpc::frame(message, encoding);
    must(again && read_all(*again, encoding, again->size()).messages == std::vector{message});
  }
  return 0;
}
