#pragma once
// What the things of a .proto file are called in C++; in Java: sofa/grpc_services/java_names.h, a header alone.

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>

namespace sofa::protoc {

/// "a.b" as "a::b".
std::string cpp_namespace(std::string_view package);
/// The message class of protoc's C++ code: "::a::b::Outer_Inner".
std::string cpp_type(const google::protobuf::Descriptor& message);
/// "EchoMap" as "echo_map"; a word of the language gets a '_' behind it.
std::string field_name(std::string_view method);

}  // namespace sofa::protoc
