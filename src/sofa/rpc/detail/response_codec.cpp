#include "sofa/rpc/detail/response_codec.h"

#include "sofa/rpc/detail/request_codec.h"
#include "sofa/wire/hessian/reader.h"
#include "sofa/wire/hessian/writer.h"

namespace sofa::rpc::detail {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSuccessPrefix =
    "O\xbe"
    "com.alipay.sofa.rpc.core.response.SofaResponse"
    "\x94"
    "\x07"
    "isError"
    "\x08"
    "errorMsg"
    "\x0b"
    "appResponse"
    "\x0d"
    "responseProps"
    "o\x90"
    "FN"sv;
/// The same before its first two values, isError false and errorMsg null.
constexpr std::string_view kResponsePrefix = kSuccessPrefix.substr(0, kSuccessPrefix.size() - 2);

const hessian::ObjectClass& response_class() {
  static constexpr std::string_view kFields[] = {"isError", "errorMsg", "appResponse", "responseProps"};
  static const hessian::ObjectClass kClass{kResponseClass, kFields};
  return kClass;
}

void write_properties(hessian::Writer& writer, const Pairs& properties) {
  if (properties.empty()) return writer.write_null();
  writer.begin_map({});
  for (const auto& [key, value] : properties) {
    writer.write_string(key);
    writer.write_string(value);
  }
  writer.end_map();
}

}  // namespace

void write_response_header(Buffer& out, const Pairs& headers) {
  for (const auto& [key, value] : headers) bolt::append_header_pair(out, key, value);
}

Result<void> write_value_response(Buffer& out, const ValueShape& shape, bool plain, const void* value, const Pairs& properties) {
  if (plain) {  // nothing in the value can refer to the response object, so its stream may begin behind the prefix
    out.append(kSuccessPrefix);
    hessian::Writer writer(out);
    if (value == nullptr || shape.type == nullptr) {
      writer.write_null();
    } else if (auto done = writer.write(*shape.type, value); !done) {
      return done;
    }
    write_properties(writer, properties);
    return {};
  }
  hessian::Writer writer(out);
  writer.begin_object(response_class());
  writer.write_bool(false);
  writer.write_null();
  if (auto done = writer.write(*shape.type, value); !done) return done;
  write_properties(writer, properties);
  return {};
}

void write_error_response(Buffer& out, std::string_view text, const Pairs& properties) {
  out.append(kResponsePrefix);
  hessian::Writer writer(out);
  writer.write_bool(true);
  writer.write_string(text);
  writer.write_null();
  write_properties(writer, properties);
}

Result<void> write_exception_response(Buffer& out, const JavaException& exception, const Pairs& properties) {
  hessian::Writer writer(out);
  writer.begin_object(response_class());
  writer.write_bool(false);
  writer.write_null();
  if (auto done = writer.write(exception); !done) return done;
  write_properties(writer, properties);
  return {};
}

Result<void> write_server_exception(Buffer& out, std::string_view message) {
  hessian::Writer writer(out);
  return writer.write(JavaException(std::string(kServerExceptionClass), std::string(message)));
}

void take_response_header(CallResponse& response, std::string_view key, std::string_view value) {
  response.headers.emplace_back(key, value);
  if (key.starts_with(kResponseBaggage)) response.baggage.emplace_back(key.substr(kResponseBaggage.size()), value);
}

std::optional<Code> code_named(std::string_view name) {
  for (int number = 1; number <= 16; ++number) {
    if (to_string(static_cast<Code>(number)) == name) return static_cast<Code>(number);
  }
  return std::nullopt;
}

Error thrown_error(JavaException exception, std::string_view code) {
  Error error = java_error(std::move(exception));
  const auto named = code_named(code);
  if (!named) return error;
  const auto* detail = error.detail<JavaException>();
  return Error(*named, std::string(error.message())).with_detail(std::make_shared<JavaException>(*detail));
}

namespace {

Error broken(Error cause) { return std::move(cause).wrap("the answer cannot be read"); }

/// The four fields of a SofaResponse; the value goes where `read_value` puts it.
template <class F>
Result<void> read_fields(hessian::Reader& reader, const bolt::HeaderMap& header, F read_value) {
  auto head = reader.begin_object("SofaResponse");
  if (!head) return std::unexpected(broken(std::move(head.error())));
  if (head->class_name != kResponseClass) {
    return fail(Code::data_loss, "the answer is an object of '{}', expected {}", head->class_name, kResponseClass);
  }
  bool is_error = false;
  std::optional<std::string> text;
  std::optional<JavaException> exception;
  for (std::string_view field : head->fields) {
    Result<void> done;
    if (field == "isError") {
      done = reader.read(type_of<bool>(), &is_error, "SofaResponse.isError");
    } else if (field == "errorMsg") {
      done = reader.read(type_of<std::optional<std::string>>(), &text, "SofaResponse.errorMsg");
    } else if (field == "appResponse" && header.get(kErrorHeader) == "true" && !is_error && !text) {
      done = reader.read(type_of<JavaException>(), &exception.emplace(), "SofaResponse.appResponse");
    } else if (field == "appResponse" && !is_error && !text) {
      done = read_value();
    } else {
      done = reader.skip("SofaResponse");
    }
    if (!done) return std::unexpected(broken(std::move(done.error())));
  }
  if (is_error || text) return fail(Code::unknown, "{}", text.value_or("the server answered with an error without a text"));
  if (exception) return std::unexpected(thrown_error(std::move(*exception), header.get(kCodeHeader)));
  return {};
}

}  // namespace

Result<void> read_response(ByteSpan content, const bolt::HeaderMap& header, const ValueShape& shape, bool plain, void* result,
                           const hessian::ClassFilter* classes) {
  const bool quick = plain && header.get(kErrorHeader) != "true" && as_text(content).starts_with(kSuccessPrefix);
  if (quick) {
    hessian::Reader reader(content.subspan(kSuccessPrefix.size()), {.filter = classes});
    auto done = shape.type == nullptr ? reader.skip("result") : reader.read(*shape.type, result, "result");
    if (!done) return std::unexpected(broken(std::move(done.error())));
    return {};
  }
  hessian::Reader reader(content, {.filter = classes});
  return read_fields(reader, header, [&] { return shape.type == nullptr ? reader.skip("result") : reader.read(*shape.type, result, "result"); });
}

Result<hessian::Document> read_generic_response(ByteSpan content, const bolt::HeaderMap& header, const hessian::ClassFilter* classes) {
  hessian::Reader reader(content, {.filter = classes});
  hessian::Value value;
  auto done = read_fields(reader, header, [&]() -> Result<void> {
    auto read = reader.read_value("result");
    if (!read) return forward_error(read);
    value = *read;
    return {};
  });
  if (!done) return forward_error(done);
  const std::shared_ptr<Arena> arena = reader.arena();
  return hessian::Document(arena, arena->make<hessian::Value>(value));
}

std::string read_server_exception(ByteSpan content) {
  if (content.empty()) return {};
  auto exception = hessian::decode<JavaException>(content);
  if (!exception) return {};
  return exception->message.value_or(exception->class_name);
}

}  // namespace sofa::rpc::detail
