// Any bytes as the input of a Bolt connection: frames, or one reason to close; cut in two, the same; and what was read is written to the same bytes.
#include "must.h"
#include "sofa/wire/bolt/frame_parser.h"
#include "sofa/wire/bolt/frame_writer.h"

namespace {

using namespace sofa;
using namespace sofa::bolt;
using fuzz::must;

struct Outcome {
  std::vector<Frame> frames;
  ParseStatus end = ParseStatus::need_more;
};

void decode(FrameParser& parser, Buffer& in, Outcome& out) {
  for (;;) {
    Frame frame;
    out.end = parser.next(in, frame);
    if (out.end != ParseStatus::frame) return;
    out.frames.push_back(std::move(frame));
  }
}

Outcome decode_cut(ByteSpan bytes, size_t cut) {
  FrameParser parser(Limits{.max_frame = 1 << 16});
  Buffer in;
  Outcome out;
  in.append(bytes.first(cut));
  decode(parser, in, out);
  in.append(bytes.subspan(cut));
  decode(parser, in, out);
  must(out.end != ParseStatus::error || !parser.reason().empty());
  return out;
}

bool same(const Frame& a, const Frame& b) {
  return static_cast<const FrameHead&>(a) == b && a.class_size == b.class_size && a.header_size == b.header_size && a.body == b.body;
}

// The command's own version byte is not kept, so the comparison is of frames, not of bytes.
void check_written(const Frame& frame) {
  FrameWriter writer(16);
  must(writer.append(frame, frame.class_name(), frame.header(), frame.content_bytes()).has_value());
  GatherList out;
  writer.take(out);
  Buffer in;
  in.append(out.join().span());
  FrameParser parser;
  Frame again;
  must(parser.next(in, again) == ParseStatus::frame && same(frame, again) && in.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan bytes(data + 1, size - 1);
  const Outcome whole = decode_cut(bytes, 0);
  const Outcome cut = decode_cut(bytes, bytes.empty() ? 0 : data[0] % bytes.size());
  must(whole.end == cut.end && whole.frames.size() == cut.frames.size());
  for (size_t i = 0; i < whole.frames.size(); ++i) {
    must(same(whole.frames[i], cut.frames[i]));
    check_written(whole.frames[i]);
  }
  return 0;
}
