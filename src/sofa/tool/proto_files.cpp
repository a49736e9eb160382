#include <google/protobuf/compiler/importer.h>

#include "sofa/tool/proto_source.h"

namespace sofa::tool {

namespace protobuf = google::protobuf;

namespace {

/// The first problem of the compiler, as it is told.
class Problems final : public protobuf::compiler::MultiFileErrorCollector {
 public:
  void AddError(const std::string& file, int line, int column, const std::string& message) override {
    if (first_.empty()) first_ = fmt::format("{}:{}:{}: {}", file, line + 1, column + 1, message);
  }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

class ProtoFiles final : public ProtoSource {
 public:
  Result<void> read(const std::vector<std::string>& files, const std::vector<std::string>& folders) {
    for (const std::string& folder : folders) tree_.MapPath("", folder);
    for (const std::string& file : files) {
      const size_t slash = file.rfind('/');
      if (folders.empty()) tree_.MapPath("", slash == std::string::npos ? "." : file.substr(0, slash));
      std::string virtual_name, shadowing;
      const auto mapped = tree_.DiskFileToVirtualFile(file, &virtual_name, &shadowing);
      if (mapped != protobuf::compiler::DiskSourceTree::SUCCESS) {
        return fail(Code::invalid_argument, "{} cannot be read, or lies in none of the folders of --import", file);
      }
      const protobuf::FileDescriptor* read = importer_.Import(virtual_name);
      if (read == nullptr) return fail(Code::invalid_argument, "{} is no .proto that can be used: {}", file, problems_.first());
      files_.push_back(read);
    }
    return {};
  }

  io::Task<Result<const protobuf::ServiceDescriptor*>> service(std::string name) override {
    const protobuf::ServiceDescriptor* found = importer_.pool()->FindServiceByName(name);
    if (found != nullptr) co_return found;
    std::string known;
    for (const std::string& one : names()) known += fmt::format("{}{}", known.empty() ? "" : ", ", one);
    co_return fail(Code::not_found, "no --proto file has a service {}; they have {}", name, known.empty() ? "none" : known);
  }

  io::Task<Result<std::vector<std::string>>> services() override { co_return names(); }

 private:
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const protobuf::FileDescriptor* file : files_) {
      for (int i = 0; i < file->service_count(); ++i) names.push_back(file->service(i)->full_name());
    }
    return names;
  }

  protobuf::compiler::DiskSourceTree tree_;
  Problems problems_;
  protobuf::compiler::Importer importer_{&tree_, &problems_};
  std::vector<const protobuf::FileDescriptor*> files_;
};

}  // namespace

Result<std::unique_ptr<ProtoSource>> read_proto_files(const std::vector<std::string>& files, const std::vector<std::string>& folders) {
  auto source = std::make_unique<ProtoFiles>();
  if (auto read = source->read(files, folders); !read) return forward_error(read);
  return source;
}

}  // namespace sofa::tool
