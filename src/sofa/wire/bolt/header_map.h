#pragma once
// The key-value map that SOFARPC keeps in a frame's header (docs/protocols/bolt.md, section 1.6).

#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

namespace sofa::bolt {

/// A checked header map as a view of the bytes it was read from: no allocation, neither to read nor to look up. The bytes must outlive it.
/// Order is kept; pairs with a null key or value do not count; of equal keys the last wins.
class HeaderMap {
 public:
  using Pair = std::pair<std::string_view, std::string_view>;

  HeaderMap() = default;
  /// Checks every pair. Fails with invalid_argument on a cut length, key or value, a negative length other than -1, and over `max_pairs` pairs.
  static Result<HeaderMap> parse(ByteSpan bytes, size_t max_pairs = 512);

  /// The value of the last pair with this key. Linear in the number of pairs: a call's header has about ten.
  std::optional<std::string_view> find(std::string_view key) const;
  /// As `find`, with "" for a key that is not there.
  std::string_view get(std::string_view key) const { return find(key).value_or(std::string_view{}); }
  /// Number of pairs, those of a repeated key included.
  size_t size() const { return pairs_; }
  bool empty() const { return pairs_ == 0; }
  ByteSpan bytes() const { return bytes_; }

  class Iterator {
   public:
    using value_type = Pair;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(ByteSpan rest) : rest_(rest) { advance(); }
    const Pair& operator*() const { return pair_; }
    const Pair* operator->() const { return &pair_; }
    Iterator& operator++() {
      advance();
      return *this;
    }
    void operator++(int) { advance(); }
    bool operator==(std::default_sentinel_t) const { return at_end_; }

   private:
    void advance();
    ByteSpan rest_;
    Pair pair_;
    bool at_end_ = true;
  };
  Iterator begin() const { return Iterator(bytes_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  ByteSpan bytes_;
  size_t pairs_ = 0;
};

/// Appends one pair; a map is its pairs one after another, an empty map no bytes at all.
void append_header_pair(Buffer& out, std::string_view key, std::string_view value);

}  // namespace sofa::bolt
