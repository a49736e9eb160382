#pragma once
// Content codings of bodies (RFC 9110, 8.4.1): gzip, zstd (RFC 8878) and br (RFC 7932), both ways, in pieces, with a bound on what comes out.

#include <memory>
#include <optional>
#include <string_view>

#include "sofa/http/middleware.h"

namespace sofa::http {

enum class ContentCoding : uint8_t { identity, gzip, zstd, br };

std::string_view to_string(ContentCoding coding);
/// By its name, also "x-gzip"; nothing for one that is not spoken.
std::optional<ContentCoding> parse_content_coding(std::string_view name);
/// The best coding that an accept-encoding header takes: the highest weight, of equal ones br, zstd, gzip. Identity when it takes nothing of ours or
/// is empty.
ContentCoding choose_content_coding(std::string_view accept_encoding);

/// What is wrong with a request whose body is still coded where a handler reads it as it is, no ContentCodings standing before it; empty when nothing
/// is.
std::string undecoded(const RequestHead& head);
/// What an answer of 415 tells such a caller beside the sentence: the codings that are taken.
Headers accepted_codings(std::string_view list = "identity");

/// Compresses one body.
class Compressor {
 public:
  virtual ~Compressor() = default;
  enum class Flush : uint8_t {
    none,  ///< may keep bytes back
    sync,  ///< everything so far can be decompressed from what came out
    end,   ///< the body is whole
  };
  virtual Result<void> compress(ByteSpan in, Flush flush, Buffer& out) = 0;
};

/// Decompresses one body.
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  /// Takes from the front of `in`, and appends at most `max` bytes to `out`. Call it again while it appends, or with more input.
  /// Code::invalid_argument when the bytes are not of the coding.
  virtual Result<void> decompress(Buffer& in, size_t max, Buffer& out) = 0;
  /// The end of the compressed body was seen: with bytes left over, or without it, a body is broken.
  virtual bool is_whole() const = 0;
};

/// `level`: of the library, 0 for a fast one (gzip 1, zstd 1, br 4). Not for identity.
std::unique_ptr<Compressor> make_compressor(ContentCoding coding, int level = 0);
std::unique_ptr<Decompressor> make_decompressor(ContentCoding coding);

struct ContentCodingOptions {
  uint64_t max_decompressed = uint64_t{64} << 20;  ///< bytes of a request's body, decompressed: 413
  size_t window = size_t{1} << 20;                 ///< decompressed bytes that the handler has not given back
  size_t min_size = 1024;                          ///< answers with a shorter content-length are not compressed
  int level = 0;                                   ///< of make_compressor
};

/// Middleware: decompresses bodies of requests by their content-encoding (another one gets 415 with the list of ours), which the handlers behind it
/// no longer see, and compresses answers of kinds that get shorter (text, JSON, XML, JavaScript, SVG, event streams ...) when the client accepts it.
/// What has a content-encoding already, 206, HEAD, messages of gRPC and of Connect's streams, and "cache-control: no-transform" pass as they are.
/// Every send_data is flushed, so that streams stay streams.
class ContentCodings final : public Middleware {
 public:
  explicit ContentCodings(Handler& next, ContentCodingOptions options = {}) : Middleware(next), options_(options) {}
  void handle(ExchangePtr exchange) override;

 private:
  const ContentCodingOptions options_;
};

}  // namespace sofa::http
