// Any bytes as what a WebSocket peer sends, of either side, compressed or not: the same events however they are cut, and every message within its
// limit.
#include "must.h"
#include "sofa/base/utf8.h"
#include "sofa/http/detail/websocket_codec.h"

namespace {

using namespace sofa;
using namespace sofa::http::detail;
using fuzz::must;
using Event = WebSocketReader::Event;

constexpr size_t kMaxMessage = 1 << 16;

std::string read(bool masked, const DeflateRules* rules, ByteSpan bytes, size_t piece) {
  WebSocketReader reader(masked, kMaxMessage, rules);
  Buffer in;
  std::string events;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    in.append(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    for (;;) {
      const Event event = reader.next(in);
      if (event == Event::need_more) break;
      events += fmt::format("{} ", static_cast<int>(event));
      if (event == Event::failed) return events + std::to_string(reader.close_code());
      const Bytes payload = reader.take_payload();
      must(payload.size() <= kMaxMessage);
      must(event != Event::message || reader.opcode() != Opcode::text || is_utf8(payload.text()));
      events += to_hex(payload.span());
      if (event == Event::close) return events + std::to_string(reader.close_code());
    }
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const bool masked = (data[0] & 1) != 0;
  const DeflateRules rules{.peer_takeover = (data[0] & 2) != 0};
  const DeflateRules* deflate = (data[0] & 4) != 0 ? &rules : nullptr;
  const ByteSpan bytes(data + 2, size - 2);
  must(read(masked, deflate, bytes, SIZE_MAX) == read(masked, deflate, bytes, 1 + data[1] % 32));
  return 0;
}
