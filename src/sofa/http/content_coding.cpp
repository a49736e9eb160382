#include "sofa/http/content_coding.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <new>

#include "sofa/http/detail/text.h"

namespace sofa::http {

namespace {

constexpr size_t kStep = size_t{16} << 10;
constexpr int kFastBrotli = 4;
/// Window of a compressed body that is taken, as a power of two: 8 MiB, what RFC 9659 asks of zstd; br and gzip have smaller ones.
constexpr int kMaxZstdWindow = 23;

std::unexpected<Error> broken(std::string_view coding, std::string_view why) {
  return fail(Code::invalid_argument, "the body is not {}: {}", coding, why);
}

/// What a library has made, which gives nothing when there is no memory.
template <class T>
T* made(T* state) {
  if (state == nullptr) throw std::bad_alloc();
  return state;
}

/// zlib's answer where only memory may be missing.
void expect_memory(int code) {
  if (code != Z_OK) throw std::bad_alloc();
}

// ---------------------------------------------------------------- gzip

class GzipCompressor final : public Compressor {
 public:
  explicit GzipCompressor(int level) {
    expect_memory(::deflateInit2(&stream_, level == 0 ? 1 : level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY));
  }
  ~GzipCompressor() override { ::deflateEnd(&stream_); }

  Result<void> compress(ByteSpan in, Flush flush, Buffer& out) override {
    stream_.next_in = const_cast<Bytef*>(in.data());
    stream_.avail_in = static_cast<uInt>(in.size());
    const int mode = flush == Flush::end ? Z_FINISH : flush == Flush::sync ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    do {
      out.reserve(kStep);
      stream_.next_out = out.free_space().data();
      stream_.avail_out = static_cast<uInt>(out.room());
      const size_t room = out.room();
      ::deflate(&stream_, mode);
      out.commit(room - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return {};
  }

 private:
  z_stream stream_{};
};

class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor() { expect_memory(::inflateInit2(&stream_, MAX_WBITS + 16)); }
  ~GzipDecompressor() override { ::inflateEnd(&stream_); }

  Result<void> decompress(Buffer& in, size_t max, Buffer& out) override {
    while (max > 0 && !in.empty() && !whole_) {
      const size_t most = std::min(max, kStep);
      out.reserve(most);
      stream_.next_in = const_cast<Bytef*>(in.data());
      stream_.avail_in = static_cast<uInt>(in.size());
      stream_.next_out = out.free_space().data();
      stream_.avail_out = static_cast<uInt>(most);
      const int code = ::inflate(&stream_, Z_NO_FLUSH);
      const size_t made = most - stream_.avail_out;
      out.commit(made);
      max -= made;
      in.consume(in.size() - stream_.avail_in);
      whole_ = code == Z_STREAM_END;
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return broken("gzip", stream_.msg == nullptr ? "it is damaged" : stream_.msg);
      if (code == Z_BUF_ERROR || (made == 0 && stream_.avail_in == 0)) break;
    }
    return {};
  }
  bool is_whole() const override { return whole_; }

 private:
  z_stream stream_{};
  bool whole_ = false;
};

// ---------------------------------------------------------------- zstd

class ZstdCompressor final : public Compressor {
 public:
  explicit ZstdCompressor(int level) : context_(made(::ZSTD_createCCtx())) {
    ::ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level == 0 ? 1 : level);
  }
  ~ZstdCompressor() override { ::ZSTD_freeCCtx(context_); }

  Result<void> compress(ByteSpan in, Flush flush, Buffer& out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    const ZSTD_EndDirective mode = flush == Flush::end ? ZSTD_e_end : flush == Flush::sync ? ZSTD_e_flush : ZSTD_e_continue;
    for (;;) {
      out.reserve(kStep);
      ZSTD_outBuffer output{out.free_space().data(), out.room(), 0};
      const size_t left = ::ZSTD_compressStream2(context_, &output, &input, mode);
      if (::ZSTD_isError(left)) return fail(Code::internal, "zstd cannot compress: {}", ::ZSTD_getErrorName(left));
      out.commit(output.pos);
      if (flush == Flush::none ? input.pos == input.size : left == 0) return {};
    }
  }

 private:
  ZSTD_CCtx* context_;
};

class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor() : context_(made(::ZSTD_createDCtx())) { ::ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMaxZstdWindow); }
  ~ZstdDecompressor() override { ::ZSTD_freeDCtx(context_); }

  Result<void> decompress(Buffer& in, size_t max, Buffer& out) override {
    while (max > 0 && !whole_) {
      const size_t most = std::min(max, kStep);
      out.reserve(most);
      ZSTD_inBuffer input{in.data(), in.size(), 0};
      ZSTD_outBuffer output{out.free_space().data(), most, 0};
      const size_t left = ::ZSTD_decompressStream(context_, &output, &input);
      if (::ZSTD_isError(left)) return broken("zstd", ::ZSTD_getErrorName(left));
      out.commit(output.pos);
      in.consume(input.pos);
      max -= output.pos;
      whole_ = left == 0 && (input.pos > 0 || output.pos > 0);
      if (output.pos < most && in.empty()) break;
    }
    return {};
  }
  bool is_whole() const override { return whole_; }

 private:
  ZSTD_DCtx* context_;
  bool whole_ = false;
};

// ---------------------------------------------------------------- br

class BrotliCompressor final : public Compressor {
 public:
  explicit BrotliCompressor(int level) : state_(made(::BrotliEncoderCreateInstance(nullptr, nullptr, nullptr))) {
    ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<uint32_t>(level == 0 ? kFastBrotli : level));
  }
  ~BrotliCompressor() override { ::BrotliEncoderDestroyInstance(state_); }

  Result<void> compress(ByteSpan in, Flush flush, Buffer& out) override {
    size_t left = in.size();
    const uint8_t* next = in.data();
    const BrotliEncoderOperation mode = flush == Flush::end    ? BROTLI_OPERATION_FINISH
                                        : flush == Flush::sync ? BROTLI_OPERATION_FLUSH
                                                               : BROTLI_OPERATION_PROCESS;
    do {
      out.reserve(kStep);
      size_t room = out.room();
      uint8_t* to = out.free_space().data();
      const size_t before = room;
      if (!::BrotliEncoderCompressStream(state_, mode, &left, &next, &room, &to, nullptr)) return fail(Code::internal, "br cannot compress");
      out.commit(before - room);
    } while (left > 0 || ::BrotliEncoderHasMoreOutput(state_));
    return {};
  }

 private:
  BrotliEncoderState* state_;
};

class BrotliDecompressor final : public Decompressor {
 public:
  BrotliDecompressor() : state_(made(::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr))) {}
  ~BrotliDecompressor() override { ::BrotliDecoderDestroyInstance(state_); }

  Result<void> decompress(Buffer& in, size_t max, Buffer& out) override {
    while (max > 0 && !whole_) {
      const size_t most = std::min(max, kStep);
      out.reserve(most);
      size_t left = in.size(), room = most;
      const uint8_t* next = in.data();
      uint8_t* to = out.free_space().data();
      const BrotliDecoderResult code = ::BrotliDecoderDecompressStream(state_, &left, &next, &room, &to, nullptr);
      out.commit(most - room);
      in.consume(in.size() - left);
      max -= most - room;
      if (code == BROTLI_DECODER_RESULT_ERROR) return broken("br", ::BrotliDecoderErrorString(::BrotliDecoderGetErrorCode(state_)));
      whole_ = code == BROTLI_DECODER_RESULT_SUCCESS;
      if (code == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) break;
    }
    return {};
  }
  bool is_whole() const override { return whole_; }

 private:
  BrotliDecoderState* state_;
  bool whole_ = false;
};

}  // namespace

std::string_view to_string(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::gzip:
      return "gzip";
    case ContentCoding::zstd:
      return "zstd";
    case ContentCoding::br:
      return "br";
    case ContentCoding::identity:
      break;
  }
  return "identity";
}

std::optional<ContentCoding> parse_content_coding(std::string_view name) {
  for (const ContentCoding coding : {ContentCoding::identity, ContentCoding::gzip, ContentCoding::zstd, ContentCoding::br}) {
    if (equal_without_case(name, to_string(coding))) return coding;
  }
  if (equal_without_case(name, "x-gzip")) return ContentCoding::gzip;
  return std::nullopt;
}

ContentCoding choose_content_coding(std::string_view accept_encoding) {
  constexpr ContentCoding kOurs[] = {ContentCoding::br, ContentCoding::zstd, ContentCoding::gzip};
  double weights[3] = {-1, -1, -1}, any = 0;
  detail::for_each_item(accept_encoding, [&](std::string_view item) {
    const size_t semicolon = std::min(item.find(';'), item.size());
    const std::string_view name = trimmed(item.substr(0, semicolon));
    double weight = 1;
    if (semicolon < item.size()) {
      const std::string_view parameter = trimmed(item.substr(semicolon + 1));
      if (parameter.starts_with("q=") || parameter.starts_with("Q=")) weight = std::strtod(std::string(parameter.substr(2)).c_str(), nullptr);
    }
    if (name == "*") any = weight;
    const auto coding = parse_content_coding(name);
    for (size_t i = 0; i < 3; ++i) {
      if (coding == kOurs[i]) weights[i] = weight;
    }
  });
  ContentCoding best = ContentCoding::identity;
  double best_weight = 0;
  for (size_t i = 0; i < 3; ++i) {
    const double weight = weights[i] < 0 ? any : weights[i];
    if (weight > best_weight) best = kOurs[i], best_weight = weight;
  }
  return best;
}

std::unique_ptr<Compressor> make_compressor(ContentCoding coding, int level) {
  switch (coding) {
    case ContentCoding::gzip:
      return std::make_unique<GzipCompressor>(level);
    case ContentCoding::zstd:
      return std::make_unique<ZstdCompressor>(level);
    case ContentCoding::br:
      return std::make_unique<BrotliCompressor>(level);
    case ContentCoding::identity:
      break;
  }
  return nullptr;
}

std::unique_ptr<Decompressor> make_decompressor(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::gzip:
      return std::make_unique<GzipDecompressor>();
    case ContentCoding::zstd:
      return std::make_unique<ZstdDecompressor>();
    case ContentCoding::br:
      return std::make_unique<BrotliDecompressor>();
    case ContentCoding::identity:
      break;
  }
  return nullptr;
}

}  // namespace sofa::http
