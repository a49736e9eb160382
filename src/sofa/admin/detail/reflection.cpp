#include "sofa/admin/detail/reflection.h"

#include "sofa/admin/detail/descriptor_writer.h"

namespace sofa::admin::detail {

namespace {

// grpc/reflection/v1/reflection.proto
enum RequestField : uint32_t { kFileByName = 3, kFileOfSymbol = 4, kFileOfExtension = 5, kExtensionsOfType = 6, kListServices = 7 };
enum ResponseField : uint32_t { kValidHost = 1, kOriginalRequest = 2, kFiles = 4, kServices = 6, kError = 7 };

std::string_view text_of(ByteSpan bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

void write_error(Code code, std::string_view sentence, ProtobufWriter& to) {
  to.message(kError, [&](ProtobufWriter& error) {
    error.number(1, static_cast<uint64_t>(code));
    error.text(2, sentence);
  });
}

}  // namespace

Reflection::Reflection(const ProtoSchema& schema) : schema_(schema), api_(schema.file()), structs_(struct_file()), health_(health_file()) {}

Bytes Reflection::answer(ByteSpan request) const {
  Buffer out;
  ProtobufWriter to(out);
  const auto files = [&to](std::initializer_list<const Bytes*> all) {
    to.message(kFiles, [&](ProtobufWriter& inner) {
      for (const Bytes* file : all) inner.bytes(1, file->span());
    });
  };
  ProtobufFields fields(request);
  std::optional<ProtobufFields::Field> asked;
  while (const auto field = fields.next()) {
    if (field->number == 1) to.text(kValidHost, text_of(field->bytes));
    if (field->number >= kFileByName && field->number <= kListServices) asked = field;
  }
  to.bytes(kOriginalRequest, request);
  const std::string_view name = asked ? text_of(asked->bytes) : std::string_view();
  if (!asked) {
    write_error(Code::invalid_argument, "the request asks for nothing that is known here", to);
  } else if (asked->number == kListServices) {
    to.message(kServices, [&](ProtobufWriter& list) {
      list.message(1, [](ProtobufWriter& one) { one.text(1, kHealthService); });
      for (const std::string& service : schema_.services()) list.message(1, [&](ProtobufWriter& one) { one.text(1, service); });
    });
  } else if (name == kFile || schema_.has(name)) {
    files({&api_, &structs_});
  } else if (name == kHealthFile || name.starts_with("grpc.health.v1.")) {
    files({&health_});
  } else if (name == kStructFile || name == kValue || name == "google.protobuf.Struct" || name == "google.protobuf.ListValue") {
    files({&structs_});
  } else {
    write_error(Code::not_found, fmt::format("'{}' is not known here", name), to);
  }
  return out.take();
}

}  // namespace sofa::admin::detail
