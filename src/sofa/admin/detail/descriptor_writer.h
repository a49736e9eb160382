#pragma once
// Writes descriptors as google/protobuf/descriptor.proto has them, for reflection, which a program without protobuf's library answers.

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/admin/detail/proto_shape.h"
#include "sofa/base/bytes.h"
#include "sofa/base/protobuf_fields.h"

namespace sofa::admin::detail {

enum FileField : uint32_t {
  kFileName = 1,
  kFilePackage = 2,
  kFileDependency = 3,
  kFileMessage = 4,
  kFileEnum = 5,
  kFileService = 6,
  kFileSyntax = 12
};
enum MessageField : uint32_t { kMessageName = 1, kMessageField = 2, kMessageNested = 3, kMessageEnum = 4, kMessageOptions = 7, kMessageOneof = 8 };
enum ServiceField : uint32_t { kServiceName = 1, kServiceMethod = 2 };
enum MethodField : uint32_t { kMethodName = 1, kMethodInput = 2, kMethodOutput = 3, kMethodOptions = 4, kMethodServerStreams = 6 };
inline constexpr uint32_t kIdempotencyLevel = 34;  // of MethodOptions; 1: NO_SIDE_EFFECTS
inline constexpr uint64_t kOptional = 1, kRepeated = 3;
inline constexpr uint64_t kTypeMessage = 11, kTypeEnum = 14;
inline constexpr std::string_view kValue = "google.protobuf.Value";
inline constexpr std::string_view kStructFile = "google/protobuf/struct.proto";
inline constexpr std::string_view kHealthFile = "grpc/health/v1/health.proto";
inline constexpr std::string_view kHealthService = "grpc.health.v1.Health";

/// The name of the type in a .proto, and its number in a FieldDescriptorProto.
struct Named {
  std::string_view name;
  uint64_t number;
};
Named named(Form form);

struct FieldText {
  std::string_view name, json_name, type_name;
  uint64_t number, label, type;
  int oneof = -1;  // the index of its oneof; none
  bool optional = false;
};

void write_field(const FieldText& field, ProtobufWriter& to);
void write_map_entry(std::string_view name, Form key, uint64_t type, std::string_view type_name, ProtobufWriter& to);
void write_enum(std::string_view name, const std::vector<std::pair<std::string, int64_t>>& values, ProtobufWriter& to);

/// FileDescriptorProtos of google/protobuf/struct.proto and grpc/health/v1/health.proto.
Bytes struct_file();
Bytes health_file();

}  // namespace sofa::admin::detail
