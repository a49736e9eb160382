#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>

#include <set>

#include "grpc/reflection/v1/reflection.pb.h"
#include "sofa/io/scope.h"
#include "sofa/tool/proto_source.h"

namespace sofa::tool {

namespace protobuf = google::protobuf;
namespace reflection = ::grpc::reflection::v1;  // v1alpha has the same bytes

namespace {

constexpr size_t kMostFiles = 4096;

class Reflection final : public ProtoSource {
 public:
  Reflection(grpc::Channel& channel, Duration timeout) : channel_(channel), timeout_(timeout) {}

  io::Task<Result<std::vector<std::string>>> services() override {
    reflection::ServerReflectionRequest request;
    request.set_list_services("*");
    const auto response = co_await io::or_return(ask(std::move(request)));
    std::vector<std::string> names;
    for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
    co_return names;
  }

  io::Task<Result<const protobuf::ServiceDescriptor*>> service(std::string name) override {
    reflection::ServerReflectionRequest request;
    request.set_file_containing_symbol(name);
    auto files = co_await ask(std::move(request));
    if (!files) co_return forward_error(files);
    co_await io::or_return(take(*files));
    const protobuf::ServiceDescriptor* found = pool_.FindServiceByName(name);
    if (found == nullptr) co_return fail(Code::data_loss, "the server's reflection describes {} with files that do not hold it", name);
    co_return found;
  }

 private:
  /// Keeps the files, and asks for those that they import.
  io::Task<Result<void>> take(const reflection::ServerReflectionResponse& first) {
    std::vector<std::string> missing;
    add(first, missing);
    while (!missing.empty()) {
      const std::string file = std::move(missing.back());
      missing.pop_back();
      if (known_.contains(file)) continue;
      if (known_.size() >= kMostFiles) co_return fail(Code::resource_exhausted, "the server's reflection has more than {} files", kMostFiles);
      reflection::ServerReflectionRequest request;
      request.set_file_by_filename(file);
      const auto response = co_await ask(std::move(request));
      if (response) add(*response, missing);
      if (!known_.contains(file)) co_await io::or_return(add_own(file));
    }
    co_return Result<void>();
  }

  void add(const reflection::ServerReflectionResponse& response, std::vector<std::string>& missing) {
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      protobuf::FileDescriptorProto file;
      if (!file.ParseFromString(bytes) || !known_.insert(file.name()).second) continue;
      missing.insert(missing.end(), file.dependency().begin(), file.dependency().end());
      database_.Add(file);
    }
  }

  /// The files of protobuf itself, which some servers do not tell of.
  Result<void> add_own(const std::string& name) {
    const protobuf::FileDescriptor* own = protobuf::DescriptorPool::generated_pool()->FindFileByName(name);
    if (own == nullptr) return fail(Code::not_found, "the server's reflection does not have {}, which its other files import", name);
    protobuf::FileDescriptorProto file;
    own->CopyTo(&file);
    known_.insert(name);
    database_.Add(file);
    return {};
  }

  io::Task<Result<reflection::ServerReflectionResponse>> ask(reflection::ServerReflectionRequest request) {
    auto answer = co_await ask_at("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", request);
    if (!answer && answer.error().code() == Code::unimplemented) {
      answer = co_await ask_at("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", request);
    }
    if (!answer && answer.error().code() == Code::unimplemented) {
      co_return fail(Code::unimplemented, "the server has no reflection: name the .proto file of the service with --proto");
    }
    if (!answer) co_return answer;
    if (answer->has_error_response()) {
      co_return fail(Code::not_found, "the server's reflection says: {}; 'sofa call TARGET' lists its services",
                     answer->error_response().error_message());
    }
    co_return answer;
  }

  io::Task<Result<reflection::ServerReflectionResponse>> ask_at(std::string path, const reflection::ServerReflectionRequest& request) {
    auto stream = co_await io::or_return(channel_.stream(std::move(path), {.timeout = timeout_}));
    co_await io::or_return(stream->write(Bytes::copy_of(request.SerializeAsString())));
    if (auto finished = stream->finish_writes(); !finished) co_return forward_error(finished);
    const auto bytes = co_await io::or_return(stream->read());
    reflection::ServerReflectionResponse response;
    if (!bytes || !response.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) {
      co_return fail(Code::data_loss, "the server's reflection gave no answer that can be read");
    }
    co_return response;
  }

  grpc::Channel& channel_;
  const Duration timeout_;
  std::set<std::string> known_;
  protobuf::SimpleDescriptorDatabase database_;
  protobuf::DescriptorPool pool_{&database_};
};

}  // namespace

std::unique_ptr<ProtoSource> ask_reflection(grpc::Channel& channel, Duration timeout) { return std::make_unique<Reflection>(channel, timeout); }

}  // namespace sofa::tool
