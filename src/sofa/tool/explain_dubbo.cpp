#include "sofa/tool/explain.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/dubbo/descriptor.h"
#include "sofa/wire/dubbo/frame.h"

namespace sofa::tool {

namespace {

constexpr uint8_t kRequest = 0x80, kTwoWay = 0x40, kEvent = 0x20, kSerialization = 0x1f;  // docs/protocols/dubbo.md, section 1

std::string flags_text(uint64_t flags) {
  return fmt::format("{}{}{}, serialization {} {}", (flags & kRequest) != 0 ? "request" : "response",
                     (flags & kTwoWay) != 0 ? ", wants an answer" : "", (flags & kEvent) != 0 ? ", event" : "", flags & kSerialization,
                     dubbo::serialization_name(flags & kSerialization));
}

/// The parts of a call; those behind a descriptor that cannot be read have none.
std::vector<std::string> names_of_call(ByteSpan body) {
  std::vector<std::string> names{"dubbo version", "service", "service version", "method", "parameter types"};
  const auto call = dubbo::read_call(body);
  const auto types = call ? dubbo::parse_descriptor(call->parameter_types) : Result<std::vector<std::string>>();
  if (!call || !types) return names;
  for (size_t i = 0; i < types->size(); ++i) names.push_back(fmt::format("argument {}", i + 1));
  names.emplace_back("attachments");
  return names;
}

std::vector<std::string> names_of(uint64_t flags, uint64_t status, ByteSpan body) {
  if ((flags & kEvent) != 0) return {"event"};
  if ((flags & kRequest) != 0) return names_of_call(body);
  if (status != static_cast<uint64_t>(dubbo::Status::ok)) return {"sentence"};
  return {"kind of answer", "result", "attachments"};
}

void frame(Walk& walk) {
  walk.note(0, "frame", fmt::format("at byte {}", walk.at()));
  const Walk::Level level(walk);
  if (walk.left() >= 2 && (walk.rest()[0] != 0xda || walk.rest()[1] != 0xbb)) return walk.fail("da bb, the magic that begins a frame");
  walk.number(2, "magic", [](uint64_t) { return std::string("dubbo"); });
  const uint64_t flags = walk.number(1, "flags", flags_text);
  const uint64_t status = walk.number(
      1, "status", [&](uint64_t v) { return (flags & kRequest) != 0 ? std::string("none") : std::string(to_string(static_cast<dubbo::Status>(v))); });
  walk.number(8, "request id");
  const size_t size = walk.number(4, "body length");
  if (size == 0 || !walk.ok()) return;
  if ((flags & kSerialization) != dubbo::kHessian2 || walk.left() < size) {
    walk.bytes(size, "body");
    return;
  }
  walk.note(0, "body", fmt::format("{} bytes of hessian2", size));
  const Walk::Level body(walk);
  explain_hessian(walk, size, hessian::Dialect::h4, names_of(flags, status, walk.rest().first(size)));
}

}  // namespace

void explain_dubbo(Walk& walk) {
  while (!walk.done()) frame(walk);
}

}  // namespace sofa::tool
