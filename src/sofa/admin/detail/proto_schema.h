#pragma once
// The operations as a .proto: services, and the messages of the described types that they take and give. Made once, when the server starts.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/admin/detail/proto_shape.h"
#include "sofa/admin/part.h"
#include "sofa/base/bytes.h"

namespace sofa {
class ProtobufWriter;
}

namespace sofa::admin::detail {

inline constexpr std::string_view kPackage = "sofa.admin.v1";
inline constexpr std::string_view kFile = "sofa/admin/v1/admin.proto";

/// Names: a message is called as the last word of its type's Java name; where it has none, after the operation or the field that it was first seen
/// at.
class ProtoSchema {
 public:
  /// The operations outlive it.
  explicit ProtoSchema(const std::deque<Operation>& operations);

  /// "sofa.admin.v1.Users", of each part that has operations.
  std::vector<std::string> services() const;
  /// As protoc reads it.
  std::string text() const;
  /// The google.protobuf.FileDescriptorProto; it imports google/protobuf/struct.proto where a field is a Value.
  Bytes file() const;
  /// Whether the name, without a dot in front, is of something in the file: a service, a method, a message, a field, an enum.
  bool has(std::string_view symbol) const;

 private:
  struct Field {
    std::string name;
    std::string_view json_name, doc;
    ProtoShape shape;
    std::string type_name;  // of messages and enums
    bool optional = false;
  };
  struct Message {
    std::string name;
    std::string_view doc;
    std::vector<Field> fields;
  };
  struct Enum {
    std::string name;
    std::vector<std::pair<std::string, int64_t>> values;
  };
  struct Method {
    const Operation* operation;
    std::string input, output;
  };

  /// The name of the message of the type, which is described when it is new. `fallback`: for a type without a name.
  std::string message_of(const Type* type, const std::string& fallback);
  std::string enum_of(const Type& type, const std::string& fallback);
  Field field_of(std::string_view name, std::string_view doc, const Type& type, const std::string& owner);
  std::string free_name(const Type& type, const std::string& fallback) const;
  static std::string word_of(const Field& field);
  static void write(const Message& message, ProtobufWriter& to);
  static void write(const Method& method, ProtobufWriter& to);

  bool uses_values_ = false;
  std::deque<Message> messages_;
  std::deque<Enum> enums_;
  std::map<const Type*, std::string> names_;
  std::map<std::string, const Type*, std::less<>> taken_;
  std::map<std::string, std::vector<Method>> services_;  // by part
};

}  // namespace sofa::admin::detail
