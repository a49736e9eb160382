#include "sofa/grpc_services/reflection.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <set>

#include "grpc/reflection/v1/reflection.sofa.h"
#include "grpc/reflection/v1alpha/reflection.sofa.h"

namespace sofa::grpc {

namespace {

namespace protobuf = google::protobuf;
using rpc::or_return;
using rpc::Task;

const protobuf::DescriptorPool& known() { return *protobuf::DescriptorPool::generated_pool(); }

/// The file and all that it imports, each once.
template <class Files>
void add_file(const protobuf::FileDescriptor& file, std::set<const protobuf::FileDescriptor*>& added, Files& to) {
  if (!added.insert(&file).second) return;
  protobuf::FileDescriptorProto described;
  file.CopyTo(&described);
  to.add_file_descriptor_proto(described.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) add_file(*file.dependency(i), added, to);
}

const protobuf::FileDescriptor* file_of_extension(const std::string& type, int number) {
  const auto* message = known().FindMessageTypeByName(type);
  const auto* extension = message == nullptr ? nullptr : known().FindExtensionByNumber(message, number);
  return extension == nullptr ? nullptr : extension->file();
}

template <class Response>
void answer_error(Response& response, Code code, std::string sentence) {
  response.mutable_error_response()->set_error_code(static_cast<int>(code));
  response.mutable_error_response()->set_error_message(std::move(sentence));
}

template <class Response>
void answer_file(Response& response, const protobuf::FileDescriptor* file, std::string_view what) {
  if (file == nullptr) return answer_error(response, Code::not_found, fmt::format("{} is not known here", what));
  std::set<const protobuf::FileDescriptor*> added;
  add_file(*file, added, *response.mutable_file_descriptor_response());
}

template <class Response>
void answer_extensions(Response& response, const std::string& type) {
  const auto* message = known().FindMessageTypeByName(type);
  if (message == nullptr) return answer_error(response, Code::not_found, fmt::format("type {} is not known here", type));
  std::vector<const protobuf::FieldDescriptor*> extensions;
  known().FindAllExtensions(message, &extensions);
  auto& numbers = *response.mutable_all_extension_numbers_response();
  numbers.set_base_type_name(type);
  for (const auto* extension : extensions) numbers.add_extension_number(extension->number());
}

template <class Request, class Response>
Response answer_to(const Request& request, const std::vector<std::string>& services) {
  Response response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      answer_file(response, known().FindFileByName(request.file_by_filename()), fmt::format("file {}", request.file_by_filename()));
      break;
    case Request::kFileContainingSymbol:
      answer_file(response, known().FindFileContainingSymbol(request.file_containing_symbol()),
                  fmt::format("symbol {}", request.file_containing_symbol()));
      break;
    case Request::kFileContainingExtension: {
      const auto& wanted = request.file_containing_extension();
      answer_file(response, file_of_extension(wanted.containing_type(), wanted.extension_number()),
                  fmt::format("extension {} of {}", wanted.extension_number(), wanted.containing_type()));
      break;
    }
    case Request::kAllExtensionNumbersOfType:
      answer_extensions(response, request.all_extension_numbers_of_type());
      break;
    case Request::kListServices:
      for (const std::string& service : services) response.mutable_list_services_response()->add_service()->set_name(service);
      break;
    default:
      answer_error(response, Code::invalid_argument, "the request asks for nothing that is known here");
      break;
  }
  return response;
}

/// One version of the service: the two differ by their package alone.
template <class Service, class Request, class Response>
std::shared_ptr<Service> make_service(std::shared_ptr<const std::vector<std::string>> services) {
  auto service = std::make_shared<Service>();
  service->server_reflection_info = [services](rpc::Reader<Request>& in, rpc::Writer<Response>& out) -> Task<Result<void>> {
    while (const auto request = co_await or_return(in.read())) {
      co_await or_return(out.write(answer_to<Request, Response>(*request, *services)));
    }
    co_return Result<void>();
  };
  return service;
}

}  // namespace

rpc::Server with_reflection(rpc::Server server) {
  namespace v1 = ::grpc::reflection::v1;
  namespace v1alpha = ::grpc::reflection::v1alpha;
  const auto services = std::make_shared<std::vector<std::string>>();
  return std::move(server)
      .on_starting([services](const std::vector<std::string>& all) {
        for (const std::string& name : all) {
          if (known().FindServiceByName(name) != nullptr) services->push_back(name);
        }
        std::ranges::sort(*services);
      })
      .add(make_service<v1::ServerReflection, v1::ServerReflectionRequest, v1::ServerReflectionResponse>(services), {.thread_safe = true})
      .add(make_service<v1alpha::ServerReflection, v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>(services),
           {.thread_safe = true});
}

}  // namespace sofa::grpc
