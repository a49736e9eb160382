#pragma once
// Recorded bytes, explained field by field. Each protocol is a function that walks over the bytes; `sofa trace-bytes` prints what they leave behind.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/wire/hessian/dialect.h"

namespace sofa::tool {

/// One field.
struct Piece {
  size_t offset = 0, size = 0;  ///< bytes; a heading has none
  unsigned level = 0;           ///< inside how many others
  std::string name;
  std::string value;  ///< in words
};

/// Where the bytes stop to make sense.
struct WrongByte {
  size_t offset = 0;
  std::string expected;
};

/// Steps over bytes and notes what they are. After the first wrong byte nothing more is noted, and every read gives zeros.
class Walk {
 public:
  explicit Walk(ByteSpan bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  bool done() const { return wrong_.has_value() || left() == 0; }
  bool ok() const { return !wrong_.has_value(); }
  ByteSpan rest() const { return bytes_.subspan(at_); }

  /// A big-endian number of 1 to 8 bytes. `meaning`: what it stands for, beside its digits.
  uint64_t number(size_t size, std::string_view name) {
    return number(size, name, [](uint64_t) { return std::string(); });
  }
  template <class F>
  uint64_t number(size_t size, std::string_view name, F meaning) {
    const uint64_t value = peek(size, name);
    if (ok()) note(size, name, with_meaning(value, meaning(value)));
    return value;
  }
  /// Bytes as they are, or as text.
  ByteSpan bytes(size_t size, std::string_view name);
  std::string_view text(size_t size, std::string_view name);
  /// The next `size` bytes with the words of the caller.
  void note(size_t size, std::string_view name, std::string value);
  /// What is noted while it lives stands below the note before.
  class Level {
   public:
    explicit Level(Walk& walk) : walk_(walk) { ++walk.level_; }
    ~Level() { --walk_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Walk& walk_;
  };
  /// The byte at `at() + offset` is wrong.
  void fail(std::string expected, size_t offset = 0);

  const std::vector<Piece>& pieces() const { return pieces_; }
  const std::optional<WrongByte>& wrong() const { return wrong_; }

 private:
  uint64_t peek(size_t size, std::string_view name);
  bool need(size_t size, std::string_view name);
  static std::string with_meaning(uint64_t value, const std::string& meaning);

  const ByteSpan bytes_;
  size_t at_ = 0;
  unsigned level_ = 0;
  std::vector<Piece> pieces_;
  std::optional<WrongByte> wrong_;
};

/// Bolt frames of both versions, with their headers and contents (docs/protocols/bolt.md).
void explain_bolt(Walk& walk);
/// Dubbo 2 frames (docs/protocols/dubbo.md).
void explain_dubbo(Walk& walk);
/// One direction of a connection of HTTP/2, with or without the client's preface (RFC 9113, RFC 7541).
void explain_http2(Walk& walk);
/// Messages of gRPC in `size` bytes of a stream, each with its prefix and, when it is whole and not compressed, the fields of protobuf by their
/// numbers. `missing`: bytes of a message that began before; returns those that are missing behind these, and nothing when the bytes end in a prefix.
std::optional<size_t> explain_grpc(Walk& walk, size_t size, size_t missing);
/// Whether a stream of which nothing else is known may be one of gRPC's messages.
bool begins_with_grpc(ByteSpan data);
/// Hessian values, one after another, in `size` bytes (docs/protocols/hessian.md). `names` are what the first ones are called.
void explain_hessian(Walk& walk, size_t size, hessian::Dialect dialect, const std::vector<std::string>& names = {});

/// Text shortened for one line, in quotes.
std::string shown_text(std::string_view text);

}  // namespace sofa::tool
