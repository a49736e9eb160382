#pragma once
// What RFC 9113, 8.2 and 8.3 ask of the fields of a request. nghttp2 knows these rules too, and takes three times as long for them.

#include <cstdint>
#include <optional>
#include <string_view>

namespace sofa::http::detail {

/// Looks at the fields of one header block at a time, in their order. Pure.
class RequestRules {
 public:
  enum class Block : uint8_t { head, trailers };

  /// Forgets the block before.
  void begin(Block block);
  /// Whether the field is to be kept. It is not when it breaks the request; nor when it is no field at all (a byte that none may hold, blanks
  /// around its value), which is passed over.
  bool admit(std::string_view name, std::string_view value);
  /// After the last field: whether the request is malformed (8.1.1). `end`: nothing comes behind the block.
  bool is_malformed(bool end) const;
  /// What content-length says.
  std::optional<uint64_t> length() const { return length_; }

 private:
  bool admit_pseudo(std::string_view name, std::string_view value);
  bool admit_regular(std::string_view name, std::string_view value);
  bool admit_length(std::string_view value);
  bool once(uint8_t part);
  bool is_whole_head() const;
  /// Breaks the request.
  bool refuse() { return !(broken_ = true); }

  Block block_ = Block::head;
  bool broken_ = false;
  bool regular_came_ = false;  // after which no pseudo field may
  bool is_connect_ = false;
  bool is_options_ = false;
  bool is_of_http_ = false;  // the scheme
  char path_begins_ = 0;     // '*' only when it is all
  uint8_t parts_ = 0;        // that came
  std::optional<uint64_t> length_;
};

}  // namespace sofa::http::detail
