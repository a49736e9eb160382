#include "sofa/http/detail/http1_head_scanner.h"

namespace sofa::http::detail {

HeadScanner::Found HeadScanner::scan(ByteSpan bytes) {
  for (; at_ < bytes.size(); ++at_) {
    const uint8_t c = bytes[at_];
    if (after_cr_) {
      if (c != '\n') return bad("a carriage return stands alone");
      after_cr_ = false;
      const bool empty = at_ - line_begin_ == 1;
      if (empty && line_ > 0) {
        ++at_;
        return Found::whole;
      }
      if (line_ > 0 && !name_ended_) return bad("a header line has no colon");
      ++line_;
      line_begin_ = at_ + 1;
      name_ended_ = false;
      continue;
    }
    if (line_ == 0) first_line_ = at_ + 1;
    switch (c) {
      case '\r':
        after_cr_ = true;
        break;
      case '\n':
        return bad("a line ends with a line feed alone");
      case '\0':
        return bad("there is a zero byte in it");
      case ' ':
      case '\t':
        if (line_ > 0 && at_ == line_begin_) return bad("a header line is folded (it begins with white space)");
        if (line_ > 0 && !name_ended_) return bad("white space stands in a header's name or before its colon");
        break;
      case ':':
        name_ended_ = true;
        break;
      default:
        break;
    }
  }
  return Found::need_more;
}

}  // namespace sofa::http::detail
