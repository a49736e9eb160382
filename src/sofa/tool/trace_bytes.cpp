// sofa trace-bytes FILE|-

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include "sofa/base/bytes.h"
#include "sofa/base/json.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/explain.h"

namespace sofa::tool {

namespace {

enum class ByteFormat : uint8_t { automatic, bolt, dubbo, http2, hessian, hessian4 };
void describe(EnumDescription<ByteFormat>& d) {
  d.value("auto", ByteFormat::automatic, "by the first bytes").value("bolt", ByteFormat::bolt).value("dubbo", ByteFormat::dubbo);
  d.value("h2", ByteFormat::http2).value("hessian", ByteFormat::hessian, "of SOFARPC and Bolt");
  d.value("hessian4", ByteFormat::hessian4, "of Dubbo, Seata and sofa-hessian 4");
}

struct TraceOptions : OutputFlags {
  ByteFormat as = ByteFormat::automatic;

  static void describe(Description<TraceOptions>& d) {
    d.inherit<OutputFlags>();
    d.field("as", &TraceOptions::as).doc("what the bytes are");
  }
};

constexpr size_t kMostBytes = size_t{64} << 20;

Result<std::string> read_all(const std::string& name) {
  std::ifstream file;
  if (name != "-") file.open(name, std::ios::binary);
  if (name != "-" && !file) return fail(Code::invalid_argument, "{} cannot be read; '-' reads standard input", name);
  std::istream& in = name == "-" ? std::cin : file;
  std::string bytes;
  while (in && bytes.size() <= kMostBytes) {
    constexpr size_t kPiece = size_t{64} << 10;
    const size_t had = bytes.size();
    bytes.resize(had + kPiece);
    in.read(bytes.data() + had, kPiece);
    bytes.resize(had + static_cast<size_t>(in.gcount()));
  }
  if (bytes.size() > kMostBytes) return fail(Code::invalid_argument, "{} has more than {} bytes, which can be explained: cut it", name, kMostBytes);
  if (bytes.empty()) return fail(Code::invalid_argument, "{} is empty", name == "-" ? "standard input" : name);
  return bytes;
}

/// Text of hex digits, with any spaces, line ends, colons and commas between, is what it says; anything else is the bytes themselves.
std::string decoded(std::string input) {
  std::string digits;
  std::ranges::copy_if(input, std::back_inserter(digits), [](char c) { return std::string_view(" \t\r\n:,").find(c) == std::string_view::npos; });
  std::vector<uint8_t> bytes;
  if (digits.empty() || !from_hex(digits, bytes)) return input;
  return std::string(bytes.begin(), bytes.end());
}

/// A whole frame of a known type, less than 64 KiB long (RFC 9113, 4.1).
bool begins_with_http2_frame(std::string_view bytes) {
  constexpr size_t kHead = 9, kTypes = 10;
  if (bytes.size() < kHead || bytes[0] != 0) return false;
  const size_t length = size_t{static_cast<uint8_t>(bytes[1])} << 8 | static_cast<uint8_t>(bytes[2]);
  return static_cast<uint8_t>(bytes[3]) < kTypes && static_cast<uint8_t>(bytes[5]) < 0x80 && bytes.size() >= kHead + length;
}

ByteFormat detected(std::string_view bytes) {
  if (bytes.starts_with("\xda\xbb")) return ByteFormat::dubbo;
  if (bytes.starts_with("PRI") || begins_with_http2_frame(bytes)) return ByteFormat::http2;
  const bool bolt = bytes.size() >= 3 && ((bytes[0] == 1 && bytes[1] <= 2) || (bytes[0] == 2 && bytes[1] >= 1 && bytes[1] <= 2 && bytes[2] <= 2));
  return bolt ? ByteFormat::bolt : ByteFormat::hessian;
}

void explain(Walk& walk, ByteFormat format) {
  switch (format) {
    case ByteFormat::bolt:
      return explain_bolt(walk);
    case ByteFormat::dubbo:
      return explain_dubbo(walk);
    case ByteFormat::http2:
      return explain_http2(walk);
    case ByteFormat::hessian4:
      return explain_hessian(walk, walk.left(), hessian::Dialect::h4);
    default:
      return explain_hessian(walk, walk.left(), hessian::Dialect::h3);
  }
}

std::string hex(ByteSpan bytes, size_t most) {
  std::string text;
  for (const uint8_t byte : bytes.first(std::min(bytes.size(), most))) text += fmt::format("{}{:02x}", text.empty() ? "" : " ", byte);
  return bytes.size() > most ? text + " .." : text;
}

ByteSpan bytes_of(const Piece& piece, std::string_view bytes) { return as_bytes(bytes.substr(piece.offset, piece.size)); }

std::string text_of(const Walk& walk, std::string_view bytes, const Terminal& terminal) {
  constexpr size_t kShown = 8;
  std::string text = terminal.paint(Colour::bold, fmt::format("{:>6}  {:<26}  {:<28}  {}", "offset", "bytes", "field", "value")) + "\n";
  for (const Piece& piece : walk.pieces()) {
    const std::string name = std::string(size_t{piece.level} * 2, ' ') + piece.name;
    const std::string bytes_text = terminal.paint(Colour::faint, fmt::format("{:<26}", hex(bytes_of(piece, bytes), kShown)));
    text += fmt::format("{:>6}  {}  {:<28}  {}\n", piece.offset, bytes_text, name, piece.value);
  }
  return text;
}

std::string wrong_text(const WrongByte& wrong, std::string_view bytes) {
  const std::string found = wrong.offset < bytes.size() ? fmt::format("{:02x}", static_cast<uint8_t>(bytes[wrong.offset])) : "the end";
  return fmt::format("byte {} is wrong: expected {}; found {}", wrong.offset, wrong.expected, found);
}

std::string json_of(const Walk& walk, std::string_view bytes) {
  std::string fields;
  for (const Piece& piece : walk.pieces()) {
    fields += fmt::format(R"({}{{"offset":{},"size":{},"level":{},"bytes":"{}","name":{},"value":{}}})", fields.empty() ? "" : ",", piece.offset,
                          piece.size, piece.level, hex(bytes_of(piece, bytes), piece.size), json_quoted(piece.name), json_quoted(piece.value));
  }
  const auto& wrong = walk.wrong();
  const std::string problem = wrong ? fmt::format(R"({{"offset":{},"message":{}}})", wrong->offset, json_quoted(wrong_text(*wrong, bytes))) : "null";
  return fmt::format(R"({{"fields":[{}],"wrong":{}}})", fields, problem);
}

Exit trace_bytes(Arguments<TraceOptions>& given, Terminal& terminal) {
  auto input = read_all(given.positional[0]);
  if (!input) {
    terminal.complain(input.error().to_string());
    return Exit::wrong_usage;
  }
  const std::string bytes = decoded(std::move(*input));
  Walk walk(as_bytes(bytes));
  explain(walk, given.options.as == ByteFormat::automatic ? detected(bytes) : given.options.as);
  if (is_document(given.options.output)) {
    print_document(json_of(walk, bytes), given.options.output, terminal);
  } else {
    terminal.print(text_of(walk, bytes, terminal));
    if (walk.wrong()) terminal.complain(wrong_text(*walk.wrong(), bytes));
  }
  return walk.ok() ? Exit::ok : Exit::refused;
}

constexpr std::string_view kAbout = R"(Explains recorded bytes field by field, up to the first that is wrong.

  sofa trace-bytes recorded.bin
  echo '02 01 01 0000 01 00000007 01 00 00000bb8 0000 0000 00000000' | sofa trace-bytes -

The input is the bytes themselves or their hex digits, of Bolt, Dubbo 2, HTTP/2 (one direction of a connection) or Hessian.)";

}  // namespace

Command trace_bytes_command() {
  return command<TraceOptions, trace_bytes>({.name = "trace-bytes",
                                             .usage = "FILE",
                                             .summary = "explains recorded bytes of Bolt, Dubbo, HTTP/2 and Hessian field by field",
                                             .about = kAbout,
                                             .least = 1,
                                             .most = 1});
}

}  // namespace sofa::tool
