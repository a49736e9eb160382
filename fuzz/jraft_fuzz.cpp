// Any bytes as what JRaft's nodes say and keep: the first byte chooses a message, an entry of a log, or a file; the rest is its content. What is read
// is written and read again to the same; anything else is an error that says why.
#include "must.h"
#include "sofa/wire/jraft/entry.h"
#include "sofa/wire/jraft/messages.h"

namespace {

using namespace sofa;
using namespace sofa::jraft;
using fuzz::must;
using fuzz::must_say_why;

template <size_t... I>
void check_message(size_t which, const Bytes& content, std::index_sequence<I...>) {
  const auto check = [&]<class M>(std::type_identity<M>) {
    const auto message = decode_message(M::kName, content);
    must_say_why(message);
    if (message) must(decode_message(M::kName, encode(std::get<M>(*message))).value() == *message);
  };
  ((which == I ? check(std::type_identity<std::variant_alternative_t<I, Message>>()) : void()), ...);
}

void check_entry(const Bytes& content) {
  const auto entry = decode_entry(content);
  must_say_why(entry);
  if (!entry) return;
  const auto again = decode_entry(encode_entry(*entry));
  must(again && again->id == entry->id && again->type == entry->type && checksum_of(*again) == checksum_of(*entry));
}

template <class M>
void check_file(const Bytes& content) {
  const auto message = decode_file<M>(content);
  must_say_why(message);
  if (message) must(decode_file<M>(encode_file(*message)).value() == *message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr size_t kMessages = std::variant_size_v<Message>;
  const Bytes content = Bytes::copy_of(ByteSpan(data + 1, size - 1));
  switch (const size_t which = data[0] % (kMessages + 3); which) {
    case kMessages:
      check_entry(content);
      break;
    case kMessages + 1:
      check_file<StablePBMeta>(content);
      break;
    case kMessages + 2:
      check_file<LocalSnapshotPbMeta>(content);
      break;
    default:
      check_message(which, content, std::make_index_sequence<kMessages>());
  }
  return 0;
}
