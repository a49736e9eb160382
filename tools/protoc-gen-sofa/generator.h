#pragma once
// What protoc-gen-sofa writes for a .proto file.

#include <google/protobuf/compiler/code_generator.h>

namespace sofa::protoc {

/// Writes FILE.sofa.h with one rpc::Interface for each service of FILE.proto.
class Generator final : public google::protobuf::compiler::CodeGenerator {
 public:
  bool Generate(const google::protobuf::FileDescriptor* file, const std::string& parameter, google::protobuf::compiler::GeneratorContext* context,
                std::string* error) const override;
  uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }
};

}  // namespace sofa::protoc
