#include "sofa/transport/dubbo_protocol.h"

namespace sofa::transport {

namespace {

constexpr uint8_t kFirstByte = dubbo::kMagic >> 8;
constexpr uint8_t kSecondByte = dubbo::kMagic & 0xff;
constexpr std::string_view kPrompt = "dubbo>";

bool is_text(ByteSpan first_bytes) { return first_bytes[0] != kFirstByte; }

io::Task<Result<size_t>> read_some(io::Stream& stream, Buffer& in, size_t max) { co_return co_await stream.read_some(in, max); }

/// The next line of `in`, taken out without its end; nothing as long as it has none.
std::optional<std::string> take_line(Buffer& in) {
  const size_t end = as_text(in.span()).find('\n');
  if (end == std::string_view::npos) return {};
  std::string line(as_text(in.span()).substr(0, end));
  if (line.ends_with('\r')) line.pop_back();
  in.consume(end + 1);
  return line;
}

}  // namespace

DubboProtocol::DubboProtocol(DubboHandler& handler, DubboServerOptions options)
    : handler_(handler),
      options_(options),
      shared_(options.max_in_flight, options.log_lines_per_second, options.max_half_frame_bytes, options.unsent) {}

Detected DubboProtocol::detect(ByteSpan first_bytes) const {
  if (is_text(first_bytes)) return options_.text_commands ? Detected::yes : Detected::no;
  if (first_bytes.size() == 1) return Detected::maybe;
  return first_bytes[1] == kSecondByte ? Detected::yes : Detected::no;
}

io::Task<void> DubboProtocol::serve(io::Stream stream, Buffer prefix, Connection& connection) {
  if (is_text(prefix.span())) co_return co_await serve_text(std::move(stream), std::move(prefix), connection);
  DubboSessionRef session = DubboSession::create(std::move(stream), options_.session, &handler_, &shared_, std::move(prefix));
  connection.live_stats = &session->stats();
  connection.on_drain([](void* context) { static_cast<DubboSession*>(context)->drain(); }, session.get());
  [[maybe_unused]] const auto why = co_await session->run();
  connection.on_drain(nullptr, nullptr);
  connection.live_stats = nullptr;
  connection.final_stats = session->stats();
  connection.close_kind = session->close_kind();
}

// One command after another; a line that is too long, silence for idle_timeout and `exit` end the connection.
io::Task<void> DubboProtocol::serve_text(io::Stream stream, Buffer in, Connection& connection) {
  connection.on_drain([](void* context) { static_cast<io::Stream*>(context)->close(); }, &stream);
  while (stream.is_open()) {
    if (const auto line = take_line(in)) {
      if (*line == "exit" || *line == "quit") break;
      std::string answer = co_await handler_.command(*line, stream.peer());
      answer.append("\r\n").append(kPrompt);
      if (!stream.write(Bytes::copy_of(answer))) break;
      continue;
    }
    if (in.size() >= options_.max_line) {
      connection.close_kind = CloseKind::too_large;
      break;
    }
    const auto got = co_await io::with_timeout(options_.session.idle_timeout, read_some(stream, in, options_.max_line - in.size()));
    if (!got || *got == 0) break;
  }
  connection.on_drain(nullptr, nullptr);
  [[maybe_unused]] const auto flushed = co_await io::with_timeout(options_.session.linger, stream.close_after_flush());
}

}  // namespace sofa::transport
