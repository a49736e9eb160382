#include "sofa/base/base64.h"
#include "sofa/base/json.h"
#include "sofa/base/protobuf_fields.h"
#include "sofa/grpc/web.h"

namespace sofa::grpc {

namespace {

/// A code as Connect writes it.
std::string_view name_of(Code code) { return code == Code::cancelled ? "canceled" : to_string(code); }

/// A detail of a google.rpc.Status, which is a google.protobuf.Any (field 1: its type, 2: its bytes), as Connect's JSON has it.
std::string detail_json(ByteSpan any) {
  std::string_view type;
  ByteSpan value;
  ProtobufFields parts(any);
  while (const auto part = parts.next()) {
    if (part->number == 1) type = as_text(part->bytes);
    if (part->number == 2) value = part->bytes;
  }
  type.remove_prefix(type.rfind('/') + 1);
  return fmt::format(R"({{"type":{},"value":"{}"}})", json_quoted(type), to_base64(value, Base64Padding::none));
}

/// The details of a google.rpc.Status (field 3); empty when there are none. Ends where the message is broken.
std::string details_json(const Error& error) {
  const auto* details = error.detail<StatusDetails>();
  if (details == nullptr) return {};
  std::vector<std::string> all;
  ProtobufFields fields(details->bytes);
  while (const auto field = fields.next()) {
    if (field->number == 3) all.push_back(detail_json(field->bytes));
  }
  return all.empty() ? std::string() : fmt::format(R"(,"details":[{}])", fmt::join(all, ","));
}

}  // namespace

std::string error_json(const Error& error) {
  return fmt::format(R"({{"code":"{}","message":{}{}}})", name_of(error.code()), json_quoted(error.to_string()), details_json(error));
}

}  // namespace sofa::grpc
