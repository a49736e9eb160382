#include "sofa/grpc_services/protobuf_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "sofa/base/json_check.h"

namespace sofa::grpc {

namespace {

namespace protobuf = google::protobuf;

/// As deep as protobuf reads its own bytes.
constexpr size_t kMaxDepth = 100;

/// The method of "/package.Service/Method".
Result<const protobuf::MethodDescriptor*> method_at(std::string_view path) {
  std::string name(path.substr(std::min<size_t>(1, path.size())));
  std::ranges::replace(name, '/', '.');
  const auto* method = protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  if (method == nullptr) {
    return fail(Code::unimplemented, "{} is of no .proto that is generated into this program, so that its messages have no JSON", path);
  }
  return method;
}

std::unique_ptr<protobuf::Message> make(const protobuf::Descriptor& type) {
  return std::unique_ptr<protobuf::Message>(protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

class ProtobufJson final : public JsonCodec {
 public:
  Result<void> read_request(std::string_view path, std::string_view json, Buffer& out) const override {
    auto method = method_at(path);
    if (!method) return forward_error(method);
    const auto wrong = [&method](std::string_view why) {
      return fail(Code::invalid_argument, "the body is no JSON of {}: {}", (*method)->input_type()->full_name(), why);
    };
    // Protobuf's own parser is lenient: of a key that stands twice it takes the last.
    if (const auto checked = check_json(json, kMaxDepth); !checked) return wrong(checked.error().to_string());
    const auto message = make(*(*method)->input_type());
    const auto read = protobuf::util::JsonStringToMessage({json.data(), json.size()}, message.get());
    if (!read.ok()) return wrong(std::string(read.message()));
    const size_t size = message->ByteSizeLong();
    if (size > 0 && !message->SerializeToArray(out.extend(size), static_cast<int>(size))) {
      return fail(Code::internal, "a message of {} cannot be written as protobuf", path);
    }
    return {};
  }

  bool is_free_of_side_effects(std::string_view path) const override {
    const auto method = method_at(path);
    return method && (*method)->options().idempotency_level() == protobuf::MethodOptions::NO_SIDE_EFFECTS;
  }

  Result<void> write_response(std::string_view path, ByteSpan bytes, Buffer& out) const override {
    auto method = method_at(path);
    if (!method) return forward_error(method);
    const auto message = make(*(*method)->output_type());
    std::string json;
    if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return fail(Code::internal, "{} bytes are no {}", bytes.size(), (*method)->output_type()->full_name());
    }
    if (const auto written = protobuf::util::MessageToJsonString(*message, &json); !written.ok()) {
      return fail(Code::internal, "an answer of {} has no JSON: {}", path, std::string(written.message()));
    }
    out.append(json);
    return {};
  }
};

}  // namespace

std::shared_ptr<const JsonCodec> protobuf_json() { return std::make_shared<const ProtobufJson>(); }

}  // namespace sofa::grpc
