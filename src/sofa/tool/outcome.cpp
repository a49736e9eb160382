#include "sofa/tool/outcome.h"

#include "sofa/base/json.h"
#include "sofa/rpc/exception.h"
#include "sofa/tool/json_tree.h"

namespace sofa::tool {

namespace {

using rpc::JavaException;

std::string frame_text(const hessian::StackFrame& frame) {
  const std::string place = frame.line == -2     ? "Native Method"
                            : frame.file.empty() ? "Unknown Source"
                            : frame.line < 0     ? frame.file
                                                 : fmt::format("{}:{}", frame.file, frame.line);
  return fmt::format("{}.{}({})", frame.declaring_class, frame.method, place);
}

/// As Java prints a stack trace, without the first line.
void append_trace(std::string& text, const JavaException& thrown) {
  for (const auto& [name, value] : thrown.fields()) text += fmt::format("\n    {} = {}", name, to_json_text(value, {}));
  for (const hessian::StackFrame& frame : thrown.stack) text += "\n    at " + frame_text(frame);
  if (thrown.cause == nullptr) return;
  text += "\n  Caused by: " + thrown.cause->to_string();
  append_trace(text, *thrown.cause);
}

std::string exception_json(const JavaException& thrown) {
  std::string fields, stack;
  for (const auto& [name, value] : thrown.fields()) {
    fields += fmt::format("{}{}:{}", fields.empty() ? "" : ",", json_quoted(name), to_json_text(value, {}));
  }
  for (const hessian::StackFrame& frame : thrown.stack) stack += fmt::format("{}{}", stack.empty() ? "" : ",", json_quoted(frame_text(frame)));
  std::string json = fmt::format(R"({{"class":{},"message":{},"fields":{{{}}},"stack":[{}])", json_quoted(thrown.class_name),
                                 thrown.message ? json_quoted(*thrown.message) : "null", fields, stack);
  if (thrown.cause != nullptr) json += R"(,"cause":)" + exception_json(*thrown.cause);
  return json + "}";
}

std::string pairs_json(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string json;
  for (const auto& [key, value] : pairs) json += fmt::format("{}{}:{}", json.empty() ? "" : ",", json_quoted(key), json_quoted(value));
  return "{" + json + "}";
}

std::string outcome_json(const CallPlan& plan, const Result<void>& done, const Answer& answer, Duration took) {
  const std::string what = done ? R"("result":)" + answer.json : R"("error":)" + error_json(done.error());
  return fmt::format(R"({{"ok":{},{},"target":{},"milliseconds":{:.3f},"baggage":{},"headers":{}}})", done.has_value(), what,
                     json_quoted(plan.target.to_string()), std::chrono::duration<double, std::milli>(took).count(), pairs_json(answer.baggage),
                     pairs_json(answer.headers));
}

/// The error's sentence. What it asks to be set in a configuration is a flag here.
std::string sentence_of(const Error& error) {
  static constexpr std::pair<std::string_view, std::string_view> kFlags[] = {
      {"`ca`", "--ca"}, {"`certificate`", "--cert and --key"}, {"`server_name`", "--server-name"}};
  std::string text = error.to_string();
  for (const auto& [name, flag] : kFlags) {
    if (const size_t at = text.find(name); at != std::string::npos) text.replace(at, name.size(), flag);
  }
  return text;
}

}  // namespace

std::string error_text(const Error& error) {
  std::string text = sentence_of(error);
  if (const auto* thrown = error.detail<JavaException>()) append_trace(text, *thrown);
  if (error.code() == Code::deadline_exceeded) text += ". Is it busy, or does it need longer? --timeout gives it more seconds.";
  return text;
}

std::string error_json(const Error& error) {
  const auto* thrown = error.detail<JavaException>();
  return fmt::format(R"({{"code":{},"message":{}{}}})", json_quoted(to_string(error.code())), json_quoted(sentence_of(error)),
                     thrown == nullptr ? "" : R"(,"exception":)" + exception_json(*thrown));
}

Exit show_failure(const Error& error, OutputFormat format, Terminal& terminal) {
  if (is_document(format)) {
    print_document(fmt::format(R"({{"ok":false,"error":{}}})", error_json(error)), format, terminal);
  } else {
    terminal.complain(error_text(error));
  }
  return exit_of(error);
}

std::string services_json(const std::vector<ServiceMethods>& services) {
  std::string json;
  for (const ServiceMethods& service : services) {
    json += fmt::format(R"({}{{"service":{},"methods":{}}})", json.empty() ? "" : ",", json_quoted(service.service), pairs_json(service.methods));
  }
  return "[" + json + "]";
}

Exit show_outcome(const CallPlan& plan, const Result<void>& done, const Answer& answer, Duration took, OutputFormat format, Terminal& terminal) {
  if (is_document(format)) {
    print_document(outcome_json(plan, done, answer, took), format, terminal);
  } else if (done) {
    terminal.print_line(indented(answer.json));
  } else {
    terminal.complain(error_text(done.error()));
  }
  return done ? Exit::ok : exit_of(done.error());
}

}  // namespace sofa::tool
