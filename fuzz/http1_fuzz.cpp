// Any bytes as the input of a served HTTP/1.1 connection: the same messages however they are cut; what was read is written and read again as the same
// one message (nothing is smuggled past us); and any target finds its route or an answer.
#include "must.h"
#include "sofa/http/detail/http1_parser.h"
#include "sofa/http/detail/http1_writer.h"
#include "sofa/http/fields.h"
#include "sofa/http/router.h"

namespace {

using namespace sofa;
using namespace sofa::http;
using namespace sofa::http::detail;
using fuzz::must;

struct Message {
  RequestHead head;
  std::string body;
  Headers trailers;
};

struct Outcome {
  std::vector<Message> whole;
  Message begun;
  int status = 0;
};

MessageLimits limits() {
  MessageLimits small;
  small.max_header_list = 4096;
  small.max_target = 1024;
  small.max_headers = 20;
  return small;
}

void take(RequestParser& parser, Buffer& in, size_t max_data, Outcome& out) {
  for (;;) {
    switch (parser.next(in, max_data)) {
      case Step::need_more:
        return;
      case Step::head:
        out.begun = {};
        out.begun.head = parser.head();
        break;
      case Step::data:
        must(!parser.data().empty() && parser.data().size() <= max_data);
        out.begun.body += as_text(parser.data());
        break;
      case Step::end:
        out.begun.trailers = parser.trailers();
        out.whole.push_back(std::move(out.begun));
        break;
      case Step::refused:
        out.status = parser.refusal().status;
        must(out.status >= 400 && !parser.refusal().reason.empty());
        return;
    }
  }
}

Outcome read(ByteSpan bytes, size_t piece, size_t max_data) {
  RequestParser parser(limits(), 1 << 16);
  Buffer in;
  Outcome out;
  for (size_t at = 0; at < bytes.size() && out.status == 0; at += piece) {
    in.append(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    take(parser, in, max_data, out);
  }
  return out;
}

bool same(const Headers& a, const Headers& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || a[i].value != b[i].value) return false;
  }
  return true;
}
bool same(const Message& a, const Message& b) {
  return a.head.method == b.head.method && a.head.target == b.head.target && a.head.authority == b.head.authority && a.body == b.body &&
         same(a.head.headers, b.head.headers) && same(a.trailers, b.trailers);
}

void write_and_read_again(const Message& message) {
  Headers fields = message.head.headers;
  RequestHead head = message.head;
  if (fields.get_or("host").empty()) head.headers.remove("host");
  if (head.version == Version::http1_0) head.headers.remove("expect");  // it is written as HTTP/1.1, which alone knows expectations
  must(check_fields(head.headers).has_value());
  Buffer out;
  append_request_head(out, head, {.framing = message.body.empty() ? Framing::none : Framing::chunked});
  BodyWriter writer;
  writer.begin(message.body.empty() ? Framing::none : Framing::chunked);
  GatherList parts;
  must(writer.data(Bytes::copy_of(message.body), true, parts).has_value());
  for (const Bytes& part : parts.parts()) out.append(part.span());
  if (message.body.empty() && fields.contains("content-length") && fields.get_or("content-length").find_first_not_of('0') != std::string_view::npos)
    return;
  const Outcome again = read(out.span(), SIZE_MAX, SIZE_MAX);
  const bool too_large = again.status == 431;  // a field more than before
  must(too_large || (again.status == 0 && again.whole.size() == 1 && again.whole[0].body == message.body));
}

/// Counts what is sent.
class Answered final : public Exchange {
 public:
  Answered(const RequestHead& head, int& heads) : heads_(heads) { request_ = head; }
  const io::Address& peer() const override { return peer_; }
  void consumed(size_t) override {}
  Result<void> send_response(int, const Headers& headers, bool) override {
    must(check_fields(headers).has_value());
    ++heads_;
    return {};
  }
  Result<void> send_data(Bytes, bool) override { return {}; }
  Result<void> send_trailers(const Headers&) override { return {}; }
  void reset(Reset) override {}
  size_t pending_bytes() const override { return 0; }
  bool write_blocked() const override { return false; }

 private:
  int& heads_;
  const io::Address peer_;
};

void route(const RequestHead& head) {
  static Router& router = *[] {
    auto* made = new Router;
    const auto answer = [](const ExchangePtr& exchange) { [[maybe_unused]] const auto sent = respond(*exchange, 200, "", {}); };
    for (const std::string_view pattern : {"/", "/a", "/a/{x}", "/a/b/{y}", "/{x}/c", "/f/{rest...}"}) made->get(pattern, answer);
    return made;
  }();
  int heads = 0;
  router.handle(std::make_unique<Answered>(head, heads));
  must(heads == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan bytes(data + 1, size - 1);
  const Outcome whole = read(bytes, SIZE_MAX, SIZE_MAX);
  const Outcome cut = read(bytes, 1 + data[0] % 32, 1 + data[0] / 8);
  must(whole.status == cut.status && whole.whole.size() == cut.whole.size());
  for (size_t i = 0; i < whole.whole.size(); ++i) {
    must(same(whole.whole[i], cut.whole[i]));
    write_and_read_again(whole.whole[i]);
    route(whole.whole[i].head);
  }
  return 0;
}
