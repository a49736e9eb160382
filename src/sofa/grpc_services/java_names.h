#pragma once
// What the services and methods of a .proto file are called in Java, and so over Bolt.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <string>
#include <string_view>

namespace sofa::grpc {

/// The method of the Java interface: "EchoMap" as "echoMap".
inline std::string java_method_name(std::string_view method) {
  std::string name(method);
  if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') name[0] = static_cast<char>(name[0] - 'A' + 'a');
  return name;
}

/// The Java interface: java_package (or else the package) and the service's name.
inline std::string java_interface_name(const google::protobuf::ServiceDescriptor& service) {
  const auto& file = *service.file();
  const std::string& package = file.options().has_java_package() ? file.options().java_package() : file.package();
  return package.empty() ? service.name() : package + "." + service.name();
}

}  // namespace sofa::grpc
