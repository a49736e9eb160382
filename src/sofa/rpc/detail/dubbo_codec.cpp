#include "sofa/rpc/detail/dubbo_codec.h"

#include "sofa/rpc/detail/response_codec.h"
#include "sofa/rpc/detail/trace_context.h"
#include "sofa/wire/dubbo/body.h"
#include "sofa/wire/dubbo/descriptor.h"

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kInvoke = "$invoke";
constexpr std::string_view kInvokeTypes = "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;";

std::unexpected<Error> cannot_be_written(Error error, size_t index, std::string_view method) {
  return std::unexpected(std::move(error).wrap(fmt::format("argument {} of {} cannot be written", index + 1, method)));
}

bool is_invoke(const CallSpec& spec) { return !spec.typed() && spec.generic == GenericKind::maps; }

/// Where a call goes.
dubbo::CallHead head_of(const ClientIdentity& client, const CallSpec& spec) {
  dubbo::CallHead head;
  head.path = client.names.interface;
  head.version = client.options.version.empty() ? std::string(dubbo::kNoVersion) : client.options.version;
  if (is_invoke(spec)) {
    head.method = kInvoke;
    head.parameter_types = kInvokeTypes;
    return head;
  }
  head.method = spec.method;
  for (const std::string_view signature : spec.signatures) dubbo::append_descriptor(head.parameter_types, signature);
  return head;
}

/// The three arguments of `$invoke`: the method, the types of its parameters, its arguments.
Result<void> write_invoke(hessian::Writer& writer, const CallSpec& spec) {
  writer.write_string(spec.method);
  writer.begin_list("[string", spec.signatures.size());
  for (const std::string_view signature : spec.signatures) writer.write_string(signature);
  writer.end_list();
  writer.begin_list("[object", spec.values.size());
  for (size_t i = 0; i < spec.values.size(); ++i) {
    if (auto done = writer.write(spec.values[i]); !done) return cannot_be_written(std::move(done.error()), i, spec.method);
  }
  writer.end_list();
  return {};
}

Result<void> write_arguments(hessian::Writer& writer, const CallSpec& spec) {
  if (is_invoke(spec)) return write_invoke(writer, spec);
  for (size_t i = 0; i < spec.argument_count(); ++i) {
    auto done = spec.typed() ? writer.write(*spec.shape->arguments[i].type, spec.arguments[i]) : writer.write(spec.values[i]);
    if (!done) return cannot_be_written(std::move(done.error()), i, spec.method);
  }
  return {};
}

/// In the order in which Java's client has them.
dubbo::Attachments attachments_of(const ClientIdentity& client, const Attempt& attempt, Duration left) {
  const ClientOptions& own = client.options;
  const CallOptions& options = attempt.options;
  dubbo::Attachments attachments{{"path", client.names.interface}};
  if (!own.app.empty()) attachments.emplace_back("remote.application", own.app);
  attachments.insert(attachments.end(), options.baggage.begin(), options.baggage.end());
  attachments.insert(attachments.end(), options.headers.begin(), options.headers.end());
  if (attempt.served != nullptr) {
    if (std::string trace = trace_text(*attempt.served); !trace.empty()) attachments.emplace_back(kDubboTrace, std::move(trace));
  }
  attachments.emplace_back("interface", client.names.interface);
  if (!own.version.empty()) attachments.emplace_back("version", own.version);
  if (!own.unique_id.empty()) attachments.emplace_back("group", own.unique_id);
  if (is_invoke(attempt.spec)) attachments.emplace_back("generic", "true");
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  attachments.emplace_back("timeout", fmt::format("{}", std::max<int64_t>(milliseconds, 1)));
  return attachments;
}

}  // namespace

Result<void> write_dubbo_call(Buffer& out, const ClientIdentity& client, const Attempt& attempt, Duration left) {
  const CallSpec& spec = attempt.spec;
  if (spec.typed() && spec.codec == bolt::kCodecProtobuf) {
    return fail(Code::unimplemented, "Dubbo's hessian2 carries no protobuf messages; call {} over tri:// or bolt://", spec.method);
  }
  hessian::Writer writer(out, dubbo::writer_options());
  dubbo::write_call_head(writer, head_of(client, spec));
  if (auto done = write_arguments(writer, spec); !done) return done;
  dubbo::write_attachments(writer, attachments_of(client, attempt, left));
  return {};
}

namespace {

/// What a status means for the caller, and for those that decide on a retry.
struct Meaning {
  Code code;
  bolt::Status status;
  std::string_view hint{};
};

/// What Java says first, before the trace of its stack.
std::string_view first_line(std::string_view sentence) { return sentence.substr(0, sentence.find('\n')); }

Meaning meaning_of(dubbo::Status status, std::string_view sentence) {
  switch (status) {
    case dubbo::Status::threadpool_exhausted:
      return {Code::resource_exhausted, bolt::Status::server_busy};
    case dubbo::Status::client_timeout:
    case dubbo::Status::server_timeout:
      return {Code::deadline_exceeded, bolt::Status::timeout};
    case dubbo::Status::channel_inactive:
      return {Code::unavailable, bolt::Status::connection_closed};
    case dubbo::Status::service_not_found:
      return {Code::not_found, bolt::Status::server_exception};
    case dubbo::Status::service_error:  // also of a group that Java does not have
      return {sentence.find("Not found exported service") != std::string_view::npos ? Code::not_found : Code::internal,
              bolt::Status::server_exception};
    case dubbo::Status::bad_request:
      return {Code::invalid_argument, bolt::Status::server_exception,
              " (also what a provider says that has no such interface, version, group or method)"};
    default:
      return {Code::internal, bolt::Status::server_exception};
  }
}

std::unexpected<Error> status_error(const dubbo::Frame& frame) {
  const std::string text = dubbo::read_sentence(frame.body);
  const std::string_view sentence = first_line(text);
  const Meaning meaning = meaning_of(frame.status, sentence);
  return std::unexpected(
      transport::with_status(Error(meaning.code, fmt::format("the server answered '{}' ({}){}{}{}", to_string(frame.status),
                                                             static_cast<int>(frame.status), sentence.empty() ? "" : ": ", sentence, meaning.hint)),
                             meaning.status));
}

std::unexpected<Error> broken(Error error) {
  const Code code = error.code() == Code::permission_denied ? Code::permission_denied : Code::data_loss;
  return fail(code, "the answer cannot be read: {}", error);
}

Result<void> read_value(hessian::Reader& reader, const CallSpec& spec) {
  if (spec.document == nullptr) {
    return spec.shape->result.type == nullptr ? reader.skip("result") : reader.read(*spec.shape->result.type, spec.result, "result");
  }
  auto value = reader.read_value("result");
  if (!value) return forward_error(value);
  const std::shared_ptr<Arena> arena = reader.arena();
  *spec.document = hessian::Document(arena, arena->make<hessian::Value>(*value));
  return {};
}

Result<void> read_exception(hessian::Reader& reader, const dubbo::Attachments& attachments) {
  JavaException exception;
  if (auto read = reader.read(type_of<JavaException>(), &exception, "exception"); !read) return broken(std::move(read.error()));
  const std::string* code = dubbo::find_in(attachments, kCodeHeader);
  return std::unexpected(thrown_error(std::move(exception), code == nullptr ? std::string_view() : *code));
}

}  // namespace

Result<void> read_dubbo_answer(const dubbo::Frame& frame, const CallSpec& spec, const hessian::ClassFilter& classes, CallResponse* response) {
  if (frame.status != dubbo::Status::ok) return status_error(frame);
  if (frame.serialization != dubbo::kHessian2) {
    const std::string_view name = dubbo::serialization_name(frame.serialization);
    return fail(Code::data_loss, "the answer is in serialization {} ({}), asked was hessian2", frame.serialization, name.empty() ? "unknown" : name);
  }
  auto answer = dubbo::read_answer(frame.body);
  if (!answer) return broken(std::move(answer.error()));
  if (response != nullptr) {
    response->headers.insert(response->headers.end(), answer->attachments.begin(), answer->attachments.end());
    response->baggage.insert(response->baggage.end(), answer->attachments.begin(), answer->attachments.end());
  }
  auto options = dubbo::reader_options();
  options.filter = &classes;
  hessian::Reader reader(frame.body.span().first(answer->value_end).subspan(answer->value_at), options);
  if (dubbo::is_exception(answer->kind)) return read_exception(reader, answer->attachments);
  if (answer->value_end == answer->value_at) {
    if (spec.document != nullptr) *spec.document = hessian::Document::make();
    return {};
  }
  if (auto read = read_value(reader, spec); !read) return broken(std::move(read.error()));
  return {};
}

}  // namespace sofa::rpc::detail
