#include "sofa/admin/detail/descriptor_writer.h"

#include <string>

namespace sofa::admin::detail {

namespace {

enum FieldField : uint32_t {
  kFieldName = 1,
  kFieldNumber = 3,
  kFieldLabel = 4,
  kFieldType = 5,
  kFieldTypeName = 6,
  kFieldOneof = 9,
  kFieldJsonName = 10,
  kFieldProto3Optional = 17,
};
constexpr uint32_t kMapEntry = 7;  // of MessageOptions

}  // namespace

Named named(Form form) {
  switch (form) {
    case Form::boolean:
      return {"bool", 8};
    case Form::int32:
      return {"int32", 5};
    case Form::int64:
      return {"int64", 3};
    case Form::uint32:
      return {"uint32", 13};
    case Form::uint64:
      return {"uint64", 4};
    case Form::float32:
      return {"float", 2};
    case Form::float64:
      return {"double", 1};
    case Form::string:
      return {"string", 9};
    case Form::bytes:
      return {"bytes", 12};
    case Form::enumeration:
      return {"", kTypeEnum};
    case Form::message:
      return {"", kTypeMessage};
    case Form::value:
      break;
  }
  return {kValue, kTypeMessage};
}

void write_field(const FieldText& field, ProtobufWriter& to) {
  to.text(kFieldName, field.name);
  to.number(kFieldNumber, field.number);
  to.number(kFieldLabel, field.label);
  to.number(kFieldType, field.type);
  if (!field.type_name.empty()) to.text(kFieldTypeName, fmt::format(".{}", field.type_name));
  if (field.oneof >= 0) to.present_number(kFieldOneof, static_cast<uint64_t>(field.oneof));
  to.text(kFieldJsonName, field.json_name);
  if (field.optional) to.number(kFieldProto3Optional, 1);
}

void write_map_entry(std::string_view name, Form key, uint64_t type, std::string_view type_name, ProtobufWriter& to) {
  to.text(kMessageName, name);
  to.message(kMessageField, [&](ProtobufWriter& field) {
    write_field({.name = "key", .json_name = "key", .type_name = {}, .number = 1, .label = kOptional, .type = named(key).number}, field);
  });
  to.message(kMessageField, [&](ProtobufWriter& field) {
    write_field({.name = "value", .json_name = "value", .type_name = type_name, .number = 2, .label = kOptional, .type = type}, field);
  });
  to.message(kMessageOptions, [](ProtobufWriter& options) { options.number(kMapEntry, 1); });
}

void write_enum(std::string_view name, const std::vector<std::pair<std::string, int64_t>>& values, ProtobufWriter& to) {
  to.text(1, name);
  for (const auto& [value, number] : values) {
    to.message(2, [&](ProtobufWriter& one) {
      one.text(1, value);
      one.present_number(2, static_cast<uint64_t>(number));
    });
  }
}

Bytes struct_file() {
  constexpr std::string_view kEntry = "google.protobuf.Struct.FieldsEntry";
  Buffer out;
  ProtobufWriter to(out);
  to.text(kFileName, kStructFile);
  to.text(kFilePackage, "google.protobuf");
  to.message(kFileMessage, [&](ProtobufWriter& made) {
    made.text(kMessageName, "Struct");
    made.message(kMessageField, [&](ProtobufWriter& field) {
      write_field({.name = "fields", .json_name = "fields", .type_name = kEntry, .number = 1, .label = kRepeated, .type = kTypeMessage}, field);
    });
    made.message(kMessageNested, [&](ProtobufWriter& nested) { write_map_entry("FieldsEntry", Form::string, kTypeMessage, kValue, nested); });
  });
  to.message(kFileMessage, [&](ProtobufWriter& made) {
    made.text(kMessageName, "Value");
    const FieldText fields[] = {
        {.name = "null_value", .json_name = "nullValue", .type_name = "google.protobuf.NullValue", .number = 1, .label = 1, .type = kTypeEnum},
        {.name = "number_value", .json_name = "numberValue", .type_name = {}, .number = 2, .label = 1, .type = named(Form::float64).number},
        {.name = "string_value", .json_name = "stringValue", .type_name = {}, .number = 3, .label = 1, .type = named(Form::string).number},
        {.name = "bool_value", .json_name = "boolValue", .type_name = {}, .number = 4, .label = 1, .type = named(Form::boolean).number},
        {.name = "struct_value", .json_name = "structValue", .type_name = "google.protobuf.Struct", .number = 5, .label = 1, .type = kTypeMessage},
        {.name = "list_value", .json_name = "listValue", .type_name = "google.protobuf.ListValue", .number = 6, .label = 1, .type = kTypeMessage},
    };
    for (FieldText field : fields) {
      field.oneof = 0;
      made.message(kMessageField, [&](ProtobufWriter& one) { write_field(field, one); });
    }
    made.message(kMessageOneof, [](ProtobufWriter& one) { one.text(1, "kind"); });
  });
  to.message(kFileMessage, [&](ProtobufWriter& made) {
    made.text(kMessageName, "ListValue");
    made.message(kMessageField, [&](ProtobufWriter& field) {
      write_field({.name = "values", .json_name = "values", .type_name = kValue, .number = 1, .label = kRepeated, .type = kTypeMessage}, field);
    });
  });
  to.message(kFileEnum, [](ProtobufWriter& made) { write_enum("NullValue", {{"NULL_VALUE", 0}}, made); });
  to.text(kFileSyntax, "proto3");
  return out.take();
}

Bytes health_file() {
  Buffer out;
  ProtobufWriter to(out);
  to.text(kFileName, kHealthFile);
  to.text(kFilePackage, "grpc.health.v1");
  to.message(kFileMessage, [&](ProtobufWriter& made) {
    made.text(kMessageName, "HealthCheckRequest");
    made.message(kMessageField, [&](ProtobufWriter& field) {
      write_field({.name = "service", .json_name = "service", .type_name = {}, .number = 1, .label = kOptional, .type = named(Form::string).number},
                  field);
    });
  });
  to.message(kFileMessage, [&](ProtobufWriter& made) {
    constexpr std::string_view kStatus = "grpc.health.v1.HealthCheckResponse.ServingStatus";
    made.text(kMessageName, "HealthCheckResponse");
    made.message(kMessageField, [&](ProtobufWriter& field) {
      write_field({.name = "status", .json_name = "status", .type_name = kStatus, .number = 1, .label = kOptional, .type = kTypeEnum}, field);
    });
    made.message(kMessageEnum, [](ProtobufWriter& one) {
      write_enum("ServingStatus", {{"UNKNOWN", 0}, {"SERVING", 1}, {"NOT_SERVING", 2}, {"SERVICE_UNKNOWN", 3}}, one);
    });
  });
  to.message(kFileService, [](ProtobufWriter& service) {
    service.text(kServiceName, "Health");
    for (const std::string_view method : {"Check", "Watch"}) {
      service.message(kServiceMethod, [&](ProtobufWriter& one) {
        one.text(kMethodName, method);
        one.text(kMethodInput, ".grpc.health.v1.HealthCheckRequest");
        one.text(kMethodOutput, ".grpc.health.v1.HealthCheckResponse");
        one.number(kMethodServerStreams, method == "Watch" ? 1 : 0);
      });
    }
  });
  to.text(kFileSyntax, "proto3");
  return out.take();
}

}  // namespace sofa::admin::detail
