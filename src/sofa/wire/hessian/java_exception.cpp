#include "sofa/wire/hessian/java_exception.h"

#include <algorithm>

#include "sofa/wire/hessian/detail/special.h"

namespace sofa::hessian {

const Value* JavaException::field(std::string_view name) const {
  const auto at = std::ranges::find(fields_, name, &std::pair<std::string, Value>::first);
  return at == fields_.end() ? nullptr : &at->second;
}

JavaException& JavaException::set(std::string_view name, Value value) {
  const auto at = std::ranges::find(fields_, name, &std::pair<std::string, Value>::first);
  if (at != fields_.end()) {
    at->second = value;
  } else {
    fields_.emplace_back(name, value);
  }
  return *this;
}

Arena& JavaException::arena() {
  if (!arena_) arena_ = std::make_shared<Arena>();
  return *arena_;
}

std::string JavaException::to_string() const { return message ? fmt::format("{}: {}", class_name, *message) : class_name; }

namespace detail {

namespace {

constexpr size_t kDeepest = 64;           // causes and suppressed exceptions inside one another; what is deeper is left out
constexpr size_t kMostExceptions = 1000;  // in one tree of causes; what comes later is left out
constexpr std::string_view kFrameFields[] = {"classLoaderName", "moduleName", "moduleVersion", "declaringClass",
                                             "methodName",      "fileName",   "lineNumber",    "format"};
constexpr std::string_view kFrameFieldsReversed[] = {"format",         "lineNumber",    "fileName",   "methodName",
                                                     "declaringClass", "moduleVersion", "moduleName", "classLoaderName"};
// sofa-hessian 3 leaves `format` out, dubbo turns the order round (docs/protocols/hessian.md, section 3).
constexpr ObjectClass kFrameOfSofa3{"java.lang.StackTraceElement", std::span(kFrameFields).first(7)};
constexpr ObjectClass kFrameOfSofa4{"java.lang.StackTraceElement", kFrameFields};
constexpr ObjectClass kFrameOfDubbo{"java.lang.StackTraceElement", kFrameFieldsReversed};
constexpr std::string_view kEmptyList = "java.util.Collections$EmptyList";
constexpr std::string_view kFrames = "[java.lang.StackTraceElement";

const ObjectClass& frame_class(const WriterOptions& options) {
  if (options.family == Family::dubbo) return kFrameOfDubbo;
  return options.dialect == Dialect::h4 ? kFrameOfSofa4 : kFrameOfSofa3;
}

Value text_or_null(Arena& arena, std::string_view text) { return text.empty() ? Value() : Value::text(arena, text); }

Value frames_to_value(const std::vector<StackFrame>& stack, Arena& arena, const WriterOptions& options) {
  List* frames = make_list(arena, kFrames);
  for (const StackFrame& frame : stack) {
    Object* object = make_object(arena, frame_class(options));
    *object->find("declaringClass") = Value::text(arena, frame.declaring_class);
    *object->find("methodName") = Value::text(arena, frame.method);
    *object->find("fileName") = text_or_null(arena, frame.file);
    *object->find("lineNumber") = Value(frame.line);
    if (Value* format = object->find("format")) *format = Value(int32_t{0});
    frames->push(object);
  }
  return frames;
}

std::string text_of(const Value* value) { return value == nullptr ? std::string() : std::string(value->text()); }

std::vector<StackFrame> frames_from_value(const Value* value) {
  std::vector<StackFrame> stack;
  const List* list = value == nullptr ? nullptr : value->list();
  if (list == nullptr) return stack;
  for (const Value& frame : list->items) {
    if (frame.object() == nullptr) continue;
    const Value* line = frame.find("lineNumber");
    stack.push_back({text_of(frame.find("declaringClass")), text_of(frame.find("methodName")), text_of(frame.find("fileName")),
                     line == nullptr ? -1 : static_cast<int32_t>(line->integer())});
  }
  return stack;
}

bool is_throwable_field(std::string_view name) {
  return name == "detailMessage" || name == "cause" || name == "stackTrace" || name == "suppressedExceptions";
}

}  // namespace

Object* ExceptionCodec::to_value(const JavaException& exception, Arena& arena, const WriterOptions& options, List*& empty_list) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : exception.fields_) names.push_back(name);
  names.insert(names.end(), {"detailMessage", "cause", "stackTrace", "suppressedExceptions"});
  if (options.family == Family::dubbo) std::ranges::reverse(names);
  Object* object = make_object(arena, *make_class(arena, exception.class_name, names));
  for (const auto& [name, value] : exception.fields_) *object->find(name) = value;
  if (exception.message) *object->find("detailMessage") = Value::text(arena, *exception.message);
  *object->find("cause") = exception.cause ? to_value(*exception.cause, arena, options, empty_list) : object;
  *object->find("stackTrace") = frames_to_value(exception.stack, arena, options);
  if (exception.suppressed.empty()) {
    if (empty_list == nullptr) empty_list = make_list(arena, kEmptyList);
    *object->find("suppressedExceptions") = empty_list;
  } else {
    List* suppressed = make_list(arena);
    for (const JavaException& inner : exception.suppressed) suppressed->push(to_value(inner, arena, options, empty_list));
    *object->find("suppressedExceptions") = suppressed;
  }
  return object;
}

namespace {

/// Reads exceptions out of a graph in which causes may form cycles: what is under way is not followed again.
class ExceptionReader {
 public:
  explicit ExceptionReader(std::shared_ptr<Arena> owner) : owner_(std::move(owner)) {}

  JavaException read(const Object& object) {
    --left_;
    open_.push_back(&object);
    JavaException exception;
    exception.class_name = object.class_name();
    const Value* message = object.find("detailMessage");
    if (message != nullptr && message->kind() == ValueKind::string) exception.message = message->text();
    exception.stack = frames_from_value(object.find("stackTrace"));
    if (const Object* cause = followed(object.find("cause"))) exception.cause = std::make_shared<JavaException>(read(*cause));
    const Value* suppressed = object.find("suppressedExceptions");
    if (suppressed != nullptr && suppressed->list() != nullptr) {
      for (const Value& item : suppressed->list()->items) {
        if (const Object* inner = followed(&item)) exception.suppressed.push_back(read(*inner));
      }
    }
    for (size_t i = 0; i < object.size(); ++i) {
      const std::string_view name = object.object_class().fields[i];
      if (!is_throwable_field(name) && exception.field(name) == nullptr) exception.set(name, object[i]);
    }
    if (!exception.fields().empty()) ExceptionCodec::keep_alive(exception, owner_);
    open_.pop_back();
    return exception;
  }

 private:
  const Object* followed(const Value* value) const {
    const Object* object = value == nullptr ? nullptr : value->object();
    if (object == nullptr || left_ == 0 || open_.size() >= kDeepest || std::ranges::find(open_, object) != open_.end()) return nullptr;
    return object;
  }

  std::shared_ptr<Arena> owner_;
  std::vector<const Object*> open_;
  size_t left_ = kMostExceptions;
};

}  // namespace

void ExceptionCodec::keep_alive(JavaException& exception, const std::shared_ptr<Arena>& owner) { exception.arena_ = owner; }

Result<JavaException> ExceptionCodec::from_value(const Value& value, const std::shared_ptr<Arena>& owner) {
  if (value.object() == nullptr) return fail(Code::invalid_argument, "expected an exception, found {}", to_string(value.kind()));
  return ExceptionReader(owner).read(*value.object());
}

}  // namespace detail
}  // namespace sofa::hessian
