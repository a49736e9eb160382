#include "generator.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/printer.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <algorithm>
#include <memory>
#include <string>

#include "names.h"
#include "sofa/grpc_services/java_names.h"

namespace sofa::protoc {

namespace {

namespace protobuf = google::protobuf;

bool is_of_a_java_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || c == '.';
}

/// A line of a comment that ends where it ends for a C++ compiler, too: without control characters, and without a '\' at its end.
std::string comment_line(std::string line) {
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  line.erase(line.find_last_not_of(" \\") + 1);
  return line;
}

/// A comment above a service or a method, line by line.
void print_comment(protobuf::io::Printer& out, const std::string& comment) {
  for (size_t at = 0; at < comment.size();) {
    const size_t end = std::min(comment.find('\n', at), comment.size());
    out.Print("///$line$\n", "line", comment_line(comment.substr(at, end - at)));
    at = end + 1;
  }
}

template <class Descriptor>
void print_comment_of(protobuf::io::Printer& out, const Descriptor& descriptor) {
  protobuf::SourceLocation location;
  if (descriptor.GetSourceLocation(&location)) print_comment(out, location.leading_comments);
}

std::string_view member_type(const protobuf::MethodDescriptor& method) {
  if (method.client_streaming()) return method.server_streaming() ? "BidiStreaming" : "ClientStreaming";
  return method.server_streaming() ? "ServerStreaming" : "Method";
}

void print_method(protobuf::io::Printer& out, const protobuf::MethodDescriptor& method) {
  print_comment_of(out, method);
  out.Print("::sofa::rpc::$kind$<$answer$($question$)> $field${this, \"$wire$\", {.proto_name = \"$proto$\"}};\n", "kind",
            std::string(member_type(method)), "answer", cpp_type(*method.output_type()), "question", cpp_type(*method.input_type()), "field",
            field_name(method.name()), "wire", grpc::java_method_name(method.name()), "proto", method.name());
}

void print_service(protobuf::io::Printer& out, const protobuf::ServiceDescriptor& service) {
  out.Print("\n");
  print_comment_of(out, service);
  out.Print("struct $name$ : ::sofa::rpc::Interface {\n", "name", service.name());
  out.Indent();
  out.Print("static constexpr std::string_view kName = \"$java$\";\n", "java", grpc::java_interface_name(service));
  out.Print("static constexpr std::string_view kProtoName = \"$proto$\";\n", "proto", service.full_name());
  for (int i = 0; i < service.method_count(); ++i) print_method(out, *service.method(i));
  out.Outdent();
  out.Print("};\n");
}

}  // namespace

bool Generator::Generate(const protobuf::FileDescriptor* file, const std::string&, protobuf::compiler::GeneratorContext* context,
                         std::string* error) const {
  const std::string& java_package = file->options().java_package();
  if (!std::ranges::all_of(java_package, is_of_a_java_name)) {
    *error = "the java_package '" + java_package + "' is no name of a Java package";
    return false;
  }
  const std::string stem = file->name().substr(0, file->name().rfind(".proto"));
  const std::unique_ptr<protobuf::io::ZeroCopyOutputStream> stream(context->Open(stem + ".sofa.h"));
  protobuf::io::Printer out(stream.get(), '$');
  out.Print("#pragma once\n// Made by protoc-gen-sofa from $file$.\n\n#include \"$stem$.pb.h\"\n#include \"sofa/rpc/streaming.h\"\n", "file",
            file->name(), "stem", stem);
  if (!file->package().empty()) out.Print("\nnamespace $namespace$ {\n", "namespace", cpp_namespace(file->package()));
  for (int i = 0; i < file->service_count(); ++i) print_service(out, *file->service(i));
  if (!file->package().empty()) out.Print("\n}  // namespace $namespace$\n", "namespace", cpp_namespace(file->package()));
  return true;
}

}  // namespace sofa::protoc
