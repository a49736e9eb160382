#pragma once
// Where the messages and services of a protobuf call are known from: .proto files, or the server's own reflection.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <vector>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"
#include "sofa/grpc/client.h"
#include "sofa/io/task.h"

namespace sofa::tool {

/// The descriptors that it gave live as long as it.
class ProtoSource {
 public:
  virtual ~ProtoSource() = default;
  /// Errors: not_found with the services (or methods) that are known, invalid_argument for files that cannot be read.
  virtual io::Task<Result<const google::protobuf::ServiceDescriptor*>> service(std::string name) = 0;
  /// The names of all services.
  virtual io::Task<Result<std::vector<std::string>>> services() = 0;
};

/// Reads .proto files, now. `folders`: where imports are looked for; empty: the folder of each file.
Result<std::unique_ptr<ProtoSource>> read_proto_files(const std::vector<std::string>& files, const std::vector<std::string>& folders);

/// Asks the server by grpc.reflection.v1, or v1alpha where it does not know that. `channel` must outlive it.
std::unique_ptr<ProtoSource> ask_reflection(grpc::Channel& channel, Duration timeout);

/// The method, by its name in the .proto or with a small first letter as in Java.
Result<const google::protobuf::MethodDescriptor*> find_method(const google::protobuf::ServiceDescriptor& service, std::string_view name);

/// "(Request) returns (stream Response)".
std::string signature_of(const google::protobuf::MethodDescriptor& method);

/// A message as the bytes of protobuf, from JSON; and back, in one line. Errors: invalid_argument with the field at fault; data_loss.
Result<Bytes> message_of_json(google::protobuf::Message& scratch, std::string_view json);
Result<std::string> json_of_message(google::protobuf::Message& scratch, ByteSpan bytes);

}  // namespace sofa::tool
