#include "sofa/rpc/detail/dubbo_call.h"

#include "sofa/base/json.h"
#include "sofa/rpc/detail/json_codec.h"
#include "sofa/rpc/detail/protobuf_codec.h"
#include "sofa/rpc/detail/response_codec.h"
#include "sofa/rpc/detail/trace_context.h"

namespace sofa::rpc::detail {

namespace {

/// Attachments that Dubbo itself sets.
bool is_of_dubbo(std::string_view key) {
  static constexpr std::string_view kKeys[] = {"path",    "interface", "version", "group",       "timeout", "dubbo",    "remote.application",
                                               "generic", "async",     "input",   "application", "_TO",     kDubboTrace};
  return std::ranges::find(kKeys, key) != std::end(kKeys);
}

}  // namespace

void write_dubbo_headers(DubboRequestParts& parts) {
  for (const auto& [key, value] : parts.call.attachments) {
    bolt::append_header_pair(parts.headers, key, value);
    if (!is_of_dubbo(key)) bolt::append_header_pair(parts.headers, std::string(kRequestBaggage) + key, value);
    if (key == "remote.application") bolt::append_header_pair(parts.headers, "app", value);
    if (key == kDubboTrace) {
      each_entry_of_text(value,
                         [&parts](std::string_view entry, std::string_view of_entry) { bolt::append_header_pair(parts.headers, entry, of_entry); });
    }
  }
}

bool DubboServerCall::too_late() {
  if (!is_past(context_.deadline())) return false;
  counters_.dropped.add();
  responder_.discard();
  return true;
}

Result<void> DubboServerCall::read_content(void* const* into) const {
  const MethodShape& shape = entry_.method->shape();
  if (shape.result.protobuf != nullptr) return read_protobuf_json(into[0]);
  if (parts_.form == DubboForm::protobuf_json) {
    return fail(Code::invalid_argument, "{}.{} takes no protobuf messages; call it with the generic kind gson for JSON", entry_.service,
                entry_.method->name());
  }
  if (parts_.form != DubboForm::typed) {
    for (size_t i = 0; i < shape.arguments.size(); ++i) {
      if (auto done = read_generic(i, *shape.arguments[i].type, into[i]); !done) return done;
    }
    return {};
  }
  auto options = dubbo::reader_options();
  options.filter = &classes_;
  hessian::Reader reader(parts_.body.span().first(parts_.call.arguments_end).subspan(parts_.call.arguments_at), options);
  for (size_t i = 0; i < shape.arguments.size(); ++i) {
    const std::string label = ("argument " + std::to_string(i + 1)).append(" of ").append(entry_.method->name());
    if (auto done = reader.read(*shape.arguments[i].type, into[i], label); !done) return done;
  }
  return reader.expect_end();
}

Result<void> DubboServerCall::read_generic(size_t index, const Type& type, void* into) const {
  const hessian::Value& argument = parts_.arguments[index];
  if (parts_.form == DubboForm::gson) {
    if (argument.is_null()) return {};
    if (argument.kind() != hessian::ValueKind::string) {
      return fail(Code::invalid_argument, "argument {} of {}: a generic call of kind gson takes JSON texts, found {}", index + 1,
                  entry_.method->name(), to_string(argument.kind()));
    }
    return read_json_value(argument.text(), fmt::format("argument {}", index + 1), type, into);
  }
  auto real = realize(argument, parts_.form, *parts_.arena);
  if (!real) return forward_error(real);
  auto done = hessian::convert(*real, type, into, parts_.arena);
  if (!done) return fail(done.error().code(), "argument {} of {}: {}", index + 1, entry_.method->name(), done.error());
  return {};
}

Result<void> DubboServerCall::read_protobuf_json(void* message) const {
  const std::string_view method = entry_.method->name();
  if (parts_.form != DubboForm::protobuf_json) {
    return fail(
        Code::unimplemented,
        "{}.{} takes protobuf messages, which Dubbo's hessian2 cannot carry; call it over Bolt or gRPC, or with the generic kind protobuf-json",
        entry_.service, method);
  }
  if (json_ == nullptr) return fail(Code::unimplemented, "this server was given no JSON of protobuf messages (rpc::Server::json)");
  const hessian::Value& argument = parts_.arguments[0];
  if (argument.kind() != hessian::ValueKind::string) {
    return fail(Code::invalid_argument, "{} takes one JSON text as a generic call of kind protobuf-json, found {}", method,
                to_string(argument.kind()));
  }
  Buffer bytes;
  if (auto done = json_->read_request(entry_.grpc_path, argument.text(), bytes); !done) return done;
  return read_message(bytes.span(), *entry_.method->shape().arguments[0].protobuf, message, method);
}

Result<void> DubboServerCall::write_protobuf_json(hessian::Writer& writer, const void* message) const {
  Buffer bytes, text;
  if (auto done = write_message(bytes, *entry_.method->shape().result.protobuf, message, entry_.method->name()); !done) return done;
  if (auto done = json_->write_response(entry_.grpc_path, bytes.span(), text); !done) return done;
  writer.write_string(as_text(text.span()));
  return {};
}

bool DubboServerCall::read(void* const* into) {
  auto done = read_content(into);
  if (done) return true;
  counters_.refused.add();
  timer().end(Code::invalid_argument, done.error().message());
  responder_.answer_error(dubbo::Status::bad_request, done.error().to_string());
  return false;
}

dubbo::Attachments DubboServerCall::attachments() const {
  dubbo::Attachments attachments;
  for (const auto& [key, value] : context_.response_headers()) {
    attachments.emplace_back(key.starts_with(kResponseBaggage) ? key.substr(kResponseBaggage.size()) : key, value);
  }
  attachments.emplace_back("dubbo", dubbo::kVersion);
  return attachments;
}

Result<void> DubboServerCall::write_generic(hessian::Writer& writer, const Type& type, const void* result) const {
  if (parts_.form == DubboForm::gson) {
    auto text = to_json(type, result);
    if (!text) return forward_error(text);
    writer.write_string(*text);
    return {};
  }
  Buffer typed;
  if (auto done = hessian::Writer(typed, dubbo::writer_options()).write(type, result); !done) return done;
  auto options = dubbo::reader_options();
  options.arena = std::make_shared<Arena>();
  hessian::Reader reader(typed.span(), options);
  auto value = reader.read_value("result");
  if (!value) return forward_error(value);
  return writer.write(generalize(*value, type, parts_.form, *options.arena));
}

Result<void> DubboServerCall::write_result(Buffer& out, const void* result) const {
  const Type* type = entry_.method->shape().result.type;
  return write_dubbo_answer(out, false, parts_.call, attachments(), [&](hessian::Writer& writer) -> Result<void> {
    if (result != nullptr && parts_.form == DubboForm::protobuf_json) return write_protobuf_json(writer, result);
    if (result == nullptr || type == nullptr) return writer.write_null(), Result<void>();
    if (parts_.form == DubboForm::typed || parts_.form == DubboForm::raw_return) return writer.write(*type, result);
    return write_generic(writer, *type, result);
  });
}

std::optional<Code> DubboServerCall::send(const void* result) {
  if (responder_.answered()) return Code::cancelled;
  if (too_late()) return Code::deadline_exceeded;
  Result<void> written;
  const bool sent = responder_.answer_with([&](Buffer& out) {
    written = write_result(out, result);
    return written.has_value();
  });
  if (sent) return std::nullopt;
  counters_.errors.add();
  responder_.answer_error(dubbo::Status::bad_response, written.error().to_string());
  return Code::internal;
}

namespace {

/// What a generic caller gets for an exception whose class it need not have.
JavaException generic_exception(const JavaException& thrown) {
  JavaException generic("org.apache.dubbo.rpc.service.GenericException", thrown.message);
  generic.set("exceptionClass", hessian::Value::text(generic.arena(), thrown.class_name));
  generic.set("exceptionMessage", thrown.message ? hessian::Value::text(generic.arena(), *thrown.message) : hessian::Value());
  return generic;
}

}  // namespace

std::optional<Code> DubboServerCall::send(Error error) {
  if (responder_.answered()) return Code::cancelled;
  counters_.errors.add();
  if (too_late()) return Code::deadline_exceeded;
  if (error.detail<Refused>() != nullptr) {
    responder_.answer_error(dubbo::Status::threadpool_exhausted, error.message());
    return error.code();
  }
  const auto* thrown = error.detail<JavaException>();
  if (thrown == nullptr) context_.put_response_header(std::string(kCodeHeader), std::string(to_string(error.code())));
  const JavaException exception = thrown != nullptr ? *thrown : JavaException("java.lang.RuntimeException", error.to_string());
  Result<void> written;
  const bool sent = responder_.answer_with([&](Buffer& out) {
    written = write_dubbo_answer(out, true, parts_.call, attachments(), [&](hessian::Writer& writer) {
      return writer.write(parts_.form == DubboForm::typed ? exception : generic_exception(exception));
    });
    return written.has_value();
  });
  if (!sent) responder_.answer_error(dubbo::Status::service_error, exception.to_string());
  return error.code();
}

}  // namespace sofa::rpc::detail
