// Any bytes as the input of a Dubbo connection: frames, or one reason to close; cut in two, the same; bodies are read or refused with a sentence, and
// what was read of a call is read again from its own writing.
#include "must.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/dubbo/frame_codec.h"

namespace {

using namespace sofa;
using namespace sofa::dubbo;
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
  FrameParser parser(1 << 16);
  Buffer in;
  Outcome out;
  in.append(bytes.first(cut));
  decode(parser, in, out);
  in.append(bytes.subspan(cut));
  decode(parser, in, out);
  must(out.end == ParseStatus::need_more || !parser.reason().empty());
  return out;
}

void check_call(ByteSpan body) {
  const auto call = read_call(body);
  if (!call) return fuzz::must_say_why(call);
  Buffer again;
  hessian::Writer writer(again, writer_options());
  write_call_head(writer, *call);
  again.append(body.subspan(call->arguments_at, call->arguments_end - call->arguments_at));
  write_attachments(writer, call->attachments);
  const auto second = read_call(again.span());
  must(second && second->path == call->path && second->method == call->method && second->parameter_types == call->parameter_types &&
       second->attachments == call->attachments);
}

void check_body(const Frame& frame) {
  (void)read_event(frame.body);
  (void)read_sentence(frame.body);
  check_call(frame.body);
  const auto answer = read_answer(frame.body);
  fuzz::must_say_why(answer);
  must(!answer || answer->value_end <= frame.body.size());
}

void check_written(const Frame& frame) {
  Buffer wire;
  append_frame(wire, frame, frame.body);
  FrameParser parser;
  Frame again;
  must(parser.next(wire, again) == ParseStatus::frame && wire.empty());
  must(static_cast<const FrameHead&>(again) == frame && again.body == frame.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan bytes(data + 1, size - 1);
  const Outcome whole = decode_cut(bytes, 0);
  const Outcome cut = decode_cut(bytes, bytes.empty() ? 0 : data[0] % bytes.size());
  must(whole.end == cut.end && whole.frames.size() == cut.frames.size());
  for (size_t i = 0; i < whole.frames.size(); ++i) {
    must(static_cast<const FrameHead&>(whole.frames[i]) == cut.frames[i] && whole.frames[i].body == cut.frames[i].body);
    check_written(whole.frames[i]);
    check_body(whole.frames[i]);
  }
  return 0;
}
