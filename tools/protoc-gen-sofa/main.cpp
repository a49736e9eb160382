// protoc-gen-sofa: protoc's plugin that writes FILE.sofa.h with one rpc::Interface for each service of FILE.proto.
//
//   protoc --cpp_out=OUT --sofa_out=OUT --plugin=protoc-gen-sofa=PATH FILE.proto
#include <google/protobuf/compiler/plugin.h>

#include "generator.h"

int main(int argc, char** argv) {
  const sofa::protoc::Generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
