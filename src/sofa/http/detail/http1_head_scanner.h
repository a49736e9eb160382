#pragma once
// Finds the end of a head, and refuses what RFC 9112 (2.2, 5.1, 5.2) calls invalid or obsolete and readers understand differently.

#include <cstddef>
#include <string_view>

#include "sofa/base/bytes.h"

namespace sofa::http::detail {

class HeadScanner {
 public:
  enum class Found : uint8_t { need_more, whole, bad };

  /// Looks at the bytes that have come since the last call; `bytes` begins with the head. With `whole`, size() is its length with the empty line.
  Found scan(ByteSpan bytes);
  size_t size() const { return at_; }
  /// Bytes of the first line so far, and whether it is whole.
  size_t first_line() const { return first_line_; }
  bool first_line_whole() const { return line_ > 0; }
  /// With `bad`: what is wrong.
  const char* problem() const { return problem_; }

 private:
  Found bad(const char* problem) {
    problem_ = problem;
    return Found::bad;
  }

  size_t at_ = 0;          // bytes seen
  size_t line_ = 0;        // lines that are whole
  size_t line_begin_ = 0;  // where the line at hand begins
  size_t first_line_ = 0;
  bool after_cr_ = false;
  bool name_ended_ = false;  // the line at hand has its colon
  const char* problem_ = nullptr;
};

}  // namespace sofa::http::detail
