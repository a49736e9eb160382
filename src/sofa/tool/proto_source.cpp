#include "sofa/tool/proto_source.h"

#include <google/protobuf/util/json_util.h>

#include <cctype>

namespace sofa::tool {

namespace protobuf = google::protobuf;

Result<const protobuf::MethodDescriptor*> find_method(const protobuf::ServiceDescriptor& service, std::string_view name) {
  std::string wanted(name);
  const protobuf::MethodDescriptor* method = service.FindMethodByName(wanted);
  if (method == nullptr && !wanted.empty()) {
    wanted[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(wanted[0])));
    method = service.FindMethodByName(wanted);
  }
  if (method != nullptr) return method;
  std::string known;
  for (int i = 0; i < service.method_count(); ++i) known += fmt::format("{}{}", i == 0 ? "" : ", ", service.method(i)->name());
  return fail(Code::not_found, "{} has no method {}; it has {}", service.full_name(), name, known.empty() ? "none" : known);
}

std::string signature_of(const protobuf::MethodDescriptor& method) {
  return fmt::format("({}{}) returns ({}{})", method.client_streaming() ? "stream " : "", method.input_type()->full_name(),
                     method.server_streaming() ? "stream " : "", method.output_type()->full_name());
}

Result<Bytes> message_of_json(protobuf::Message& scratch, std::string_view json) {
  scratch.Clear();
  const auto read = protobuf::util::JsonStringToMessage({json.data(), json.size()}, &scratch);
  if (!read.ok()) {
    return fail(Code::invalid_argument, "the message is no JSON of {}: {}", scratch.GetDescriptor()->full_name(), std::string(read.message()));
  }
  const size_t size = scratch.ByteSizeLong();
  Buffer bytes(size);
  if (size > 0 && !scratch.SerializeToArray(bytes.extend(size), static_cast<int>(size))) {
    return fail(Code::invalid_argument, "the message of {} cannot be written: a required field is missing", scratch.GetDescriptor()->full_name());
  }
  return bytes.take();
}

Result<std::string> json_of_message(protobuf::Message& scratch, ByteSpan bytes) {
  const std::string& type = scratch.GetDescriptor()->full_name();
  if (!scratch.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(Code::data_loss, "the {} bytes of the answer are no {}: is this the .proto of the server?", bytes.size(), type);
  }
  std::string json;
  protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  const auto written = protobuf::util::MessageToJsonString(scratch, &json, options);
  if (!written.ok()) return fail(Code::data_loss, "an answer of {} has no JSON: {}", type, std::string(written.message()));
  return json;
}

}  // namespace sofa::tool
