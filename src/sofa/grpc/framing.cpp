#include "sofa/grpc/framing.h"

#include <zlib.h>

#include <algorithm>

namespace sofa::grpc {

namespace {

constexpr int kGzipWindow = 15 + 16;        // zlib: the largest window, with gzip's head and trailer
constexpr int kGzipOrZlibWindow = 15 + 32;  // zlib: finds out which of the two it is
constexpr size_t kFirstPiece = size_t{16} << 10;

uint8_t* input_of(ByteSpan bytes) { return const_cast<uint8_t*>(bytes.data()); }

/// Appends the compressed message.
Result<void> deflate_into(Buffer& out, ByteSpan message) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return fail(Code::resource_exhausted, "no memory to compress a message of {} bytes", message.size());
  }
  const size_t at = out.size();
  const size_t most = deflateBound(&stream, message.size());
  stream.next_in = input_of(message);
  stream.avail_in = static_cast<uInt>(message.size());
  stream.next_out = out.extend(most);
  stream.avail_out = static_cast<uInt>(most);
  const int done = deflate(&stream, Z_FINISH);
  const size_t written = stream.total_out;
  deflateEnd(&stream);
  if (done != Z_STREAM_END) return fail(Code::internal, "a message of {} bytes could not be compressed: zlib says {}", message.size(), done);
  out.truncate(at + written);
  return {};
}

Error over_limit(size_t max_message) {
  return Error(
      Code::resource_exhausted,
      fmt::format("the message has more than {} bytes when decompressed, which is max_message; send a smaller one or raise the limit", max_message));
}

}  // namespace

Result<Bytes> decompress(ByteSpan compressed, size_t max_message) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOrZlibWindow) != Z_OK) return fail(Code::resource_exhausted, "no memory to decompress a message");
  stream.next_in = input_of(compressed);
  stream.avail_in = static_cast<uInt>(compressed.size());
  Buffer out;
  int state = Z_OK;
  size_t piece = kFirstPiece;
  while (state == Z_OK && out.size() <= max_message) {
    // One byte more than may be there, so that a message of exactly the limit is told from a longer one.
    const size_t room = std::min(piece, max_message + 1 - out.size());
    const size_t at = out.size();
    stream.next_out = out.extend(room);
    stream.avail_out = static_cast<uInt>(room);
    state = inflate(&stream, Z_NO_FLUSH);
    out.truncate(at + room - stream.avail_out);
    piece *= 2;
  }
  const bool whole = state == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (out.size() > max_message) return std::unexpected(over_limit(max_message));
  if (!whole) return fail(Code::internal, "a compressed message of {} bytes is no gzip: zlib says {}", compressed.size(), state);
  return out.take();
}

Result<Bytes> compress(ByteSpan message) {
  Buffer out;
  if (auto done = deflate_into(out, message); !done) return forward_error(done);
  return out.take();
}

std::optional<Encoding> encoding_of(std::string_view name) {
  if (name.empty() || name == "identity") return Encoding::identity;
  if (name == "gzip") return Encoding::gzip;
  return std::nullopt;
}

std::string_view to_string(Encoding encoding) { return encoding == Encoding::gzip ? "gzip" : "identity"; }

std::string_view accepted_encodings() { return "identity,gzip"; }

void finish_prefix(Buffer& out, size_t at, bool compressed) {
  const uint8_t flag = compressed ? 1 : 0;
  out.patch(at, {&flag, 1});
  out.patch_be32(at + 1, static_cast<uint32_t>(out.size() - at - kPrefix));
}

Result<Bytes> frame(ByteSpan message, Encoding encoding) {
  if (message.size() > UINT32_MAX) return fail(Code::resource_exhausted, "a message of {} bytes does not fit a frame; send less", message.size());
  Buffer out(kPrefix + (encoding == Encoding::identity ? message.size() : 0));
  out.extend(kPrefix);
  if (encoding == Encoding::identity) {
    out.append(message);
  } else if (auto done = deflate_into(out, message); !done) {
    return forward_error(done);
  }
  finish_prefix(out, 0, encoding != Encoding::identity);
  return out.take();
}

void Deframer::feed(ByteSpan data) { received_.append(data); }

bool Deframer::is_inside() const { return !received_.empty(); }

Result<std::optional<Bytes>> Deframer::next() {
  if (received_.size() < kPrefix) return std::nullopt;
  const uint8_t flags = received_.data()[0];
  const size_t size = load_be<uint32_t>(received_.data() + 1);
  if (flags > 1) return fail(Code::internal, "a message begins with the flags {:#04x}, of which only 0 and 1 have a meaning", flags);
  if (flags == 1 && encoding_ == Encoding::identity) {
    return fail(Code::internal, "a message is compressed, but grpc-encoding names no compression");
  }
  if (size > max_message_) {
    return fail(Code::resource_exhausted, "the message has {} bytes, more than max_message ({}); send a smaller one or raise the limit", size,
                max_message_);
  }
  if (received_.size() < kPrefix + size) return std::nullopt;
  received_.consume(kPrefix);
  was_compressed_ = flags == 1;
  if (flags == 0) return received_.take(size);
  const Bytes compressed = received_.take(size);
  auto message = decompress(compressed, max_message_);
  if (!message) return forward_error(message);
  return std::move(*message);
}

}  // namespace sofa::grpc
