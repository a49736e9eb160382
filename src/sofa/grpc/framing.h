#pragma once
// gRPC's length-prefixed messages: 1 byte of flags (1: compressed), 4 bytes of length, big-endian, then the message. No sockets in here.

#include <optional>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

namespace sofa::grpc {

inline constexpr size_t kPrefix = 5;

enum class Encoding : uint8_t { identity, gzip };
/// Nothing for an encoding that is not ours.
std::optional<Encoding> encoding_of(std::string_view name);
std::string_view to_string(Encoding encoding);
/// What "grpc-accept-encoding" says of us: "identity,gzip".
std::string_view accepted_encodings();

/// The message in gzip.
Result<Bytes> compress(ByteSpan message);
/// What was compressed, never longer than `max_message`. Errors as Deframer::next.
Result<Bytes> decompress(ByteSpan compressed, size_t max_message);

/// Writes one message in front of which kPrefix bytes were left: `out` holds them at `at`, the message behind to the end.
void finish_prefix(Buffer& out, size_t at, bool compressed);
/// The message with its prefix, compressed when that is asked for.
Result<Bytes> frame(ByteSpan message, Encoding encoding);

/// Puts messages together from pieces of any size. Bounded by `max_message`, also after decompression.
class Deframer {
 public:
  /// `encoding` is that of "grpc-encoding".
  Deframer(size_t max_message, Encoding encoding) : max_message_(max_message), encoding_(encoding) {}

  void feed(ByteSpan data);
  /// Before the first message is taken: the encoding is known only when the head has come.
  void set_encoding(Encoding encoding) { encoding_ = encoding; }
  /// The next whole message; nothing when more bytes are needed. Fails with Code::resource_exhausted over the limit ("the message has N bytes, more
  /// than max_message ..."), Code::internal for a broken prefix or compressed bytes.
  Result<std::optional<Bytes>> next();
  /// A message has begun and is not whole.
  bool is_inside() const;
  /// Bytes that have come and were not taken.
  size_t held() const { return received_.size(); }
  /// Of the message that was taken last.
  bool was_compressed() const { return was_compressed_; }

 private:
  size_t max_message_;
  Encoding encoding_;
  bool was_compressed_ = false;
  Buffer received_;
};

}  // namespace sofa::grpc
