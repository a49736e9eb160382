#pragma once
// Where the messages and services of a protobuf call are known from: .proto files, or the server's own reflection.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

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

/// "(Request) returns (stream Response)".
std::string signature_of(const google::protobuf::MethodDescriptor& method);

/// One method, with its messages as JSON.
class ProtoMethod {
 public:
  /// Finds it by its names in the .proto or in Java. Errors: those of the source; not_found with the methods that the service has.
  io::Task<Result<void>> find(std::unique_ptr<ProtoSource> source, const std::string& service, const std::string& method);

  const google::protobuf::MethodDescriptor& descriptor() const { return *method_; }
  bool streams() const { return method_->client_streaming() || method_->server_streaming(); }
  /// The bytes of a request; an empty text is an empty message. Errors: invalid_argument with the field at fault.
  Result<Bytes> request(std::string_view json);
  /// An answer, in one line. Errors: data_loss.
  Result<std::string> response(ByteSpan bytes);

 private:
  std::unique_ptr<ProtoSource> source_;
  const google::protobuf::MethodDescriptor* method_ = nullptr;
  google::protobuf::DynamicMessageFactory factory_;
  std::unique_ptr<google::protobuf::Message> request_, response_;  // used again for each message
};

}  // namespace sofa::tool
