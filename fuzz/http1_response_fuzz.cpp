// Any bytes as what an HTTP/1.1 server answers: a client sees the same responses however the bytes are cut, and is told why it sees none. The first
// byte chooses the cut, and whether the request was a HEAD.
#include "must.h"
#include "sofa/http/detail/http1_parser.h"

namespace {

using namespace sofa;
using namespace sofa::http::detail;
using fuzz::must;

http::MessageLimits limits() {
  http::MessageLimits small;
  small.max_header_list = 4096;
  small.max_headers = 20;
  return small;
}

std::string text_of(const http::Headers& fields) {
  std::string text;
  for (const http::HeaderField field : fields) text += fmt::format("{}: {}\n", field.name, field.value);
  return text;
}

std::string text_of(ResponseParser& parser, Step step) {
  switch (step) {
    case Step::need_more:
      break;
    case Step::head:
      return fmt::format("{} body {} open {}\n{}", parser.head().status, parser.facts().has_body, parser.facts().keep_alive,
                         text_of(parser.head().headers));
    case Step::data:
      must(!parser.data().empty());
      return std::string(as_text(parser.data()));
    case Step::end:
      return "\nend\n" + text_of(parser.trailers());
    case Step::refused:
      must(parser.refusal().status >= 400 && !parser.refusal().reason.empty());
      return fmt::format("refused {}", parser.refusal().status);
  }
  return {};
}

/// All that a client sees of a stream that comes in pieces and ends.
std::string read(ByteSpan bytes, size_t piece, bool answers_head) {
  ResponseParser parser(limits(), 1 << 16);
  parser.answers_head_request(answers_head);
  Buffer in;
  std::string seen;
  for (size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at)) {
    in.append(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    for (;;) {
      const Step step = parser.next(in, piece);
      if (step == Step::need_more) break;
      seen += text_of(parser, step);
      if (step == Step::refused) return seen;
    }
  }
  return seen + (parser.ends_with_stream() ? "ends here" : parser.idle() ? "" : "cut");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan bytes(data + 1, size - 1);
  const bool answers_head = (data[0] & 1) != 0;
  must(read(bytes, SIZE_MAX, answers_head) == read(bytes, 1 + data[0] / 2, answers_head));
  return 0;
}
