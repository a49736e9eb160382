#include "sofa/rpc/detail/written_arguments.h"

#include "sofa/base/json.h"
#include "sofa/base/text.h"
#include "sofa/base/text_to_json.h"
#include "sofa/http/query.h"
#include "sofa/rpc/detail/json_codec.h"

namespace sofa::rpc::detail {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

/// "argument 2 (times) of hello"
std::string label(const MethodBase& method, size_t index) {
  const auto& names = method.spec()->options.parameters;
  const std::string name = index < names.size() ? fmt::format(" ({})", names[index]) : std::string();
  return fmt::format("argument {}{} of {}", index + 1, name, method.name());
}

/// "(java.lang.String name, int times)", or the types alone where no names are declared.
std::string parameters_of(const MethodBase& method) {
  const auto& names = method.spec()->options.parameters;
  std::vector<std::string> parameters(method.signatures().begin(), method.signatures().end());
  for (size_t i = 0; i < parameters.size() && names.size() == parameters.size(); ++i) parameters[i].append(" ").append(names[i]);
  return fmt::format("({})", fmt::join(parameters, ", "));
}

/// "1 argument", "2 arguments"
std::string arguments_of(size_t count) { return fmt::format("{} argument{}", count, count == 1 ? "" : "s"); }

const Type& plain(const Type& type) { return type.kind == Kind::indirect ? plain(type.indirect->target()) : type; }

bool is_list(const Type& type) { return plain(type).kind == Kind::list && !plain(type).is_byte_list(); }

bool is_scalar(const Type& type) {
  const Kind kind = plain(type).kind;
  return plain(type).text_form != nullptr || plain(type).is_byte_list() ||
         (kind != Kind::list && kind != Kind::map && kind != Kind::structure && kind != Kind::other);
}

Result<void> read_argument(const MethodBase& method, size_t index, std::string_view json, void* into) {
  return read_json_value(json, label(method, index), *method.shape().arguments[index].type, into);
}

}  // namespace

Result<WrittenArguments> WrittenArguments::of_json(std::string_view text) {
  WrittenArguments arguments;
  text = trimmed(text, kSpace);
  arguments.whole_.text = text;
  if (text.empty()) {
    arguments.form_ = Form::list;
  } else if (text.front() == '[') {
    arguments.form_ = Form::list;
    auto parts = split_json_array(text);
    if (!parts) return forward_error(parts);
    for (const std::string_view part : *parts) arguments.parts_.push_back({{}, std::string(trimmed(part, kSpace))});
  } else if (text.front() == '{') {
    arguments.form_ = Form::object;
    auto members = split_json_object(text);
    if (!members) return forward_error(members);
    for (auto& [name, value] : *members) arguments.parts_.push_back({std::move(name), std::string(trimmed(value, kSpace))});
  }
  return arguments;
}

Result<WrittenArguments> WrittenArguments::of_query(std::string_view query) {
  auto texts = http::parse_query(query);
  if (!texts) return forward_error(texts);
  WrittenArguments arguments;
  arguments.form_ = Form::query;
  for (auto& [name, text] : *texts) arguments.parts_.push_back({std::move(name), std::move(text)});
  return arguments;
}

bool WrittenArguments::is_named_by(const MethodBase& method) const {
  const auto& names = method.spec()->options.parameters;
  return !names.empty() && std::ranges::all_of(parts_, [&](const Part& part) { return std::ranges::find(names, part.name) != names.end(); });
}

/// One argument may be written without a list or a name around it.
bool WrittenArguments::stands_alone(const MethodBase& method) const {
  if (method.shape().arguments.size() != 1) return false;
  if (form_ == Form::one) return true;
  const Type& type = *method.shape().arguments[0].type;
  if (form_ == Form::object) return !is_scalar(type) && !is_list(type) && (parts_.size() != 1 || !is_named_by(method));
  const bool holds_one_list = parts_.size() == 1 && parts_.front().text.starts_with('[');
  return form_ == Form::list && !whole_.text.empty() && is_list(type) && !holds_one_list;
}

Result<std::vector<const WrittenArguments::Part*>> WrittenArguments::by_position(const MethodBase& method) const {
  const size_t count = method.shape().arguments.size();
  if (parts_.size() != count) {
    return fail(Code::invalid_argument, "{} takes {} {}, {} came", method.name(), arguments_of(count), parameters_of(method), parts_.size());
  }
  std::vector<const Part*> assigned;
  for (const Part& part : parts_) assigned.push_back(&part);
  return assigned;
}

Result<std::vector<const WrittenArguments::Part*>> WrittenArguments::by_name(const MethodBase& method) const {
  const auto& names = method.spec()->options.parameters;
  const size_t count = method.shape().arguments.size();
  if (count > 0 && names.size() != count) {
    return fail(Code::invalid_argument, "{} declares no names of its arguments; send them as an array {}", method.name(), parameters_of(method));
  }
  std::vector<const Part*> assigned(count, nullptr);
  for (const Part& part : parts_) {
    const auto at = std::ranges::find(names, part.name);
    if (at == names.end())
      return fail(Code::invalid_argument, "{} has no argument '{}'; it takes {}", method.name(), part.name, parameters_of(method));
    const Part*& place = assigned[static_cast<size_t>(at - names.begin())];
    if (place != nullptr) return fail(Code::invalid_argument, "argument '{}' of {} stands twice", part.name, method.name());
    place = &part;
  }
  for (size_t i = 0; i < count; ++i) {
    const bool may_be_absent = method.shape().arguments[i].type->kind == Kind::indirect;
    if (assigned[i] == nullptr && !may_be_absent) return fail(Code::invalid_argument, "{} is missing", label(method, i));
  }
  return assigned;
}

Result<std::vector<const WrittenArguments::Part*>> WrittenArguments::assign(const MethodBase& method) const {
  if (stands_alone(method)) return std::vector<const Part*>{&whole_};
  if (form_ == Form::one) {
    return fail(Code::invalid_argument, "{} takes {} {} in an array; found '{}'", method.name(), arguments_of(method.shape().arguments.size()),
                parameters_of(method), whole_.text.substr(0, 40));
  }
  const bool named = form_ == Form::object || (form_ == Form::query && !parts_.empty() && is_named_by(method));
  return named ? by_name(method) : by_position(method);
}

Result<const MethodEntry*> WrittenArguments::choose(std::span<const MethodEntry* const> overloads) const {
  if (overloads.size() == 1) return overloads.front();
  std::vector<const MethodEntry*> fitting;
  for (const MethodEntry* entry : overloads) {
    if (assign(*entry->method)) fitting.push_back(entry);
  }
  if (fitting.size() == 1) return fitting.front();
  std::vector<std::string> takes;
  for (const MethodEntry* entry : fitting.empty() ? std::vector(overloads.begin(), overloads.end()) : fitting) {
    takes.push_back(parameters_of(*entry->method));
  }
  const std::string_view name = overloads.front()->method->name();
  if (fitting.empty()) return fail(Code::invalid_argument, "no overload of {} takes these arguments; there are {}", name, fmt::join(takes, ", "));
  return fail(Code::invalid_argument, "several overloads of {} take these arguments: {}; over Bolt their types tell them apart", name,
              fmt::join(takes, ", "));
}

Result<void> WrittenArguments::read(const MethodBase& method, void* const* into) const {
  auto assigned = assign(method);
  if (!assigned) return forward_error(assigned);
  for (size_t i = 0; i < assigned->size(); ++i) {
    const Part* const part = (*assigned)[i];
    if (part == nullptr) continue;
    const Type& type = *method.shape().arguments[i].type;
    const bool quote = form_ == Form::query && is_scalar(type);
    if (auto done = read_argument(method, i, quote ? text_to_json(part->text, type) : part->text, into[i]); !done) return done;
  }
  return {};
}

}  // namespace sofa::rpc::detail
