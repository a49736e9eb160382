#pragma once
// For tests of frame parsers: what they make of bytes that arrive piece by piece.

#include <gtest/gtest.h>

#include <vector>

#include "sofa/base/bytes.h"

namespace sofa {

/// `Parser` has a `Status next(Buffer&, Frame&)`.
template <class Parser, class Frame, class Status>
struct Decoded {
  std::vector<Frame> frames;
  Status last = Status::need_more;

  void take(Parser& parser, Buffer& in) {
    for (;;) {
      Frame frame;
      last = parser.next(in, frame);
      if (last != Status::frame) return;
      frames.push_back(std::move(frame));
    }
  }

  /// All frames of `bytes`, which arrive in two pieces cut at `cut`.
  static Decoded of(ByteSpan bytes, size_t cut) {
    Parser parser;
    Buffer in;
    Decoded out;
    in.append(bytes.first(cut));
    out.take(parser, in);
    in.append(bytes.subspan(cut));
    out.take(parser, in);
    EXPECT_TRUE(in.empty());
    return out;
  }
};

}  // namespace sofa
