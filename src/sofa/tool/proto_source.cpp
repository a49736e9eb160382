#include "sofa/tool/proto_source.h"

#include <google/protobuf/util/json_util.h>

#include <cctype>

#include "sofa/grpc_services/java_names.h"

namespace sofa::tool {

namespace protobuf = google::protobuf;

namespace {

/// By its name in the .proto, else by that of its Java interface.
io::Task<Result<const protobuf::ServiceDescriptor*>> find_service(ProtoSource& source, const std::string& name) {
  auto found = co_await source.service(name);
  if (found || found.error().code() != Code::not_found) co_return found;
  const auto others = co_await source.services();
  if (!others) co_return found;
  for (const std::string& other : *others) {
    auto service = co_await source.service(other);
    if (service && grpc::java_interface_name(**service) == name) co_return service;
  }
  co_return found;
}

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

std::string fields_of(const protobuf::Descriptor& message) {
  std::string names;
  for (int i = 0; i < message.field_count(); ++i) names += fmt::format("{}{}", i == 0 ? "" : ", ", message.field(i)->json_name());
  return names.empty() ? "none" : names;
}

Result<Bytes> message_of_json(protobuf::Message& scratch, std::string_view json) {
  scratch.Clear();
  const auto read = protobuf::util::JsonStringToMessage({json.data(), json.size()}, &scratch);
  if (!read.ok()) {
    std::string_view why(read.message().data(), read.message().size());
    if (why.starts_with(": ")) why.remove_prefix(2);
    return fail(Code::invalid_argument, "the message is no JSON of {}, whose fields are {}: {}", scratch.GetDescriptor()->full_name(),
                fields_of(*scratch.GetDescriptor()), why);
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

}  // namespace

std::string signature_of(const protobuf::MethodDescriptor& method) {
  return fmt::format("({}{}) returns ({}{})", method.client_streaming() ? "stream " : "", method.input_type()->full_name(),
                     method.server_streaming() ? "stream " : "", method.output_type()->full_name());
}

io::Task<Result<void>> ProtoMethod::find(std::unique_ptr<ProtoSource> source, const std::string& service, const std::string& method) {
  source_ = std::move(source);
  method_ = co_await io::or_return(find_method(*co_await io::or_return(find_service(*source_, service)), method));
  request_.reset(factory_.GetPrototype(method_->input_type())->New());
  response_.reset(factory_.GetPrototype(method_->output_type())->New());
  co_return Result<void>();
}

Result<Bytes> ProtoMethod::request(std::string_view json) { return message_of_json(*request_, json.empty() ? "{}" : json); }

Result<std::string> ProtoMethod::response(ByteSpan bytes) { return json_of_message(*response_, bytes); }

}  // namespace sofa::tool
