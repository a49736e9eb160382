// protoc-gen-sofa on any .proto file that protoc takes: what it writes is whole lines, and no text of the file breaks out of its quotes.
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "../tools/protoc-gen-sofa/generator.cpp"
#include "../tools/protoc-gen-sofa/names.cpp"
#include "must.h"

namespace {

namespace protobuf = google::protobuf;
using fuzz::must;

struct Silent final : protobuf::io::ErrorCollector, protobuf::DescriptorPool::ErrorCollector {
  void AddError(int, int, const std::string&) override {}
  void AddError(const std::string&, const std::string&, const protobuf::Message*, ErrorLocation, const std::string&) override {}
};

struct Output final : protobuf::compiler::GeneratorContext {
  protobuf::io::ZeroCopyOutputStream* Open(const std::string& name) override {
    must(name == "a/b.sofa.h");
    return new protobuf::io::StringOutputStream(&text);
  }
  std::string text;
};

/// A comment ends with its line; names stay inside their quotes.
void check_line(std::string_view line) {
  must(!line.ends_with('\\') && !line.contains('\r'));
  const std::string_view code = line.substr(std::min(line.find_first_not_of(' '), line.size()));
  must(code.starts_with("//") || (std::ranges::count(code, '"') % 2 == 0 && !code.contains('\\')));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Silent silent;
  protobuf::io::ArrayInputStream in(data, static_cast<int>(size));
  protobuf::io::Tokenizer tokens(&in, &silent);
  protobuf::compiler::Parser parser;
  parser.RecordErrorsTo(&silent);
  protobuf::FileDescriptorProto parsed;
  if (!parser.Parse(&tokens, &parsed)) return 0;
  parsed.set_name("a/b.proto");
  protobuf::DescriptorPool pool;
  const protobuf::FileDescriptor* file = pool.BuildFileCollectingErrors(parsed, &silent);
  if (file == nullptr) return 0;
  Output output;
  std::string error;
  if (!sofa::protoc::Generator().Generate(file, "", &output, &error)) {
    must(!error.empty() && output.text.empty());
    return 0;
  }
  must(output.text.ends_with('\n'));
  for (size_t at = 0; at < output.text.size();) {
    const size_t end = output.text.find('\n', at);
    check_line(std::string_view(output.text).substr(at, end - at));
    at = end + 1;
  }
  return 0;
}
