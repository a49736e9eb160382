#include "sofa/tool/explain.h"
#include "sofa/wire/bolt/frame.h"

namespace sofa::tool {

namespace {

std::string type_name(uint64_t type) {
  switch (static_cast<bolt::FrameType>(type)) {
    case bolt::FrameType::response:
      return "response";
    case bolt::FrameType::request:
      return "request";
    case bolt::FrameType::oneway:
      return "oneway request";
  }
  return {};
}

std::string command_name(uint64_t command) {
  switch (static_cast<bolt::Command>(command)) {
    case bolt::Command::heartbeat:
      return "heartbeat";
    case bolt::Command::request:
      return "request";
    case bolt::Command::response:
      return "response";
    case bolt::Command::goaway:
      return "goaway";
  }
  return "unknown command";
}

std::string codec_name(uint64_t codec) {
  switch (codec) {
    case bolt::kCodecHessian:
      return "hessian2";
    case bolt::kCodecProtobuf:
      return "protobuf";
    case bolt::kCodecJson:
      return "json";
    default:
      return "unknown serializer";
  }
}

struct Lengths {
  size_t class_name, header, content;
};

class BoltWalk {
 public:
  explicit BoltWalk(Walk& walk) : walk_(walk) {}

  void frame() {
    walk_.note(0, "frame", fmt::format("at byte {}", walk_.at()));
    const Walk::Level level(walk_);
    if (walk_.rest()[0] != 1 && walk_.rest()[0] != 2) return walk_.fail("1 or 2, the version of Bolt that begins a frame");
    const uint64_t protocol = walk_.number(1, "protocol");
    const uint64_t version =
        protocol == 2 ? walk_.number(1, "version", [](uint64_t v) { return std::string(v == 2 ? "with CRC where asked" : ""); }) : 1;
    if (walk_.left() > 0 && walk_.rest()[0] > 2) return walk_.fail("0, 1 or 2: response, request or oneway request");
    const uint64_t type = walk_.number(1, "type", type_name);
    walk_.number(2, "command", command_name);
    walk_.number(1, "command version");
    walk_.number(4, "request id");
    const uint64_t codec = walk_.number(1, "serializer", codec_name);
    const uint64_t switches =
        protocol == 2 ? walk_.number(1, "switches", [](uint64_t v) { return std::string((v & bolt::kSwitchCrc) != 0 ? "CRC" : ""); }) : 0;
    const bool response = type == static_cast<uint64_t>(bolt::FrameType::response);
    if (response) {
      walk_.number(2, "status", [](uint64_t v) { return std::string(to_string(static_cast<bolt::Status>(v))); });
    } else {
      walk_.number(4, "timeout", [](uint64_t v) { return fmt::format("{} ms", static_cast<int32_t>(v)); });
    }
    Lengths lengths{};
    lengths.class_name = walk_.number(2, "class name length");
    lengths.header = walk_.number(2, "header length");
    lengths.content = walk_.number(4, "content length");
    body(lengths, codec, response);
    if (protocol == 2 && version == 2 && (switches & bolt::kSwitchCrc) != 0) walk_.number(4, "CRC32");
  }

 private:
  void body(const Lengths& lengths, uint64_t codec, bool response) {
    if (lengths.class_name > 0) walk_.text(lengths.class_name, "class name");
    if (lengths.header > 0) header(lengths.header);
    if (lengths.content == 0 || !walk_.ok()) return;
    if (walk_.left() < lengths.content || codec != bolt::kCodecHessian) {
      if (codec == bolt::kCodecJson) walk_.text(lengths.content, "content");
      if (codec != bolt::kCodecJson) walk_.bytes(lengths.content, "content");
      return;
    }
    walk_.note(0, "content", fmt::format("{} bytes of hessian2", lengths.content));
    const Walk::Level level(walk_);
    std::vector<std::string> names{response ? "response" : "request"};
    for (size_t i = 1; i <= 16 && !response; ++i) names.push_back(fmt::format("argument {}", i));
    explain_hessian(walk_, lengths.content, hessian::Dialect::h3, names);
  }

  /// Pairs of a length and a text (docs/protocols/bolt.md, section 1.6).
  void header(size_t size) {
    walk_.note(0, "header", fmt::format("{} bytes", size));
    const Walk::Level level(walk_);
    const size_t end = walk_.at() + size;
    while (walk_.ok() && walk_.at() < end) {
      text(end, "key");
      text(end, "value");
    }
  }

  void text(size_t end, std::string_view name) {
    const auto length =
        static_cast<int32_t>(walk_.number(4, fmt::format("{} length", name), [](uint64_t v) { return std::string(v == 0xffffffff ? "null" : ""); }));
    if (!walk_.ok() || length == -1) return;
    if (length < 0 || walk_.at() + static_cast<size_t>(length) > end) return walk_.fail(fmt::format("a {} that ends inside the header", name));
    walk_.text(static_cast<size_t>(length), name);
  }

  Walk& walk_;
};

}  // namespace

void explain_bolt(Walk& walk) {
  BoltWalk bolt(walk);
  while (!walk.done()) bolt.frame();
}

}  // namespace sofa::tool
