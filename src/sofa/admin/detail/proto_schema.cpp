#include "sofa/admin/detail/proto_schema.h"

#include <algorithm>

#include "sofa/admin/detail/descriptor_writer.h"
#include "sofa/base/text.h"

namespace sofa::admin::detail {

namespace {

/// What a .proto takes as a name.
std::string identifier(std::string_view text) {
  std::string out;
  for (const char c : text) out += is_alpha(c) || is_digit(c) ? c : '_';
  return out.empty() || is_digit(out[0]) ? "_" + out : out;
}

/// "display_name" as "DisplayName".
std::string camel_case(std::string_view text) {
  std::string out;
  bool begins = true;
  for (const char c : text) {
    if (c == '_') {
      begins = true;
      continue;
    }
    out += begins && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    begins = false;
  }
  return out;
}

/// "NotServing" and "not-serving" as "NOT_SERVING".
std::string upper_snake(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && i > 0 && lower(text[i - 1]) == text[i - 1] && (is_alpha(text[i - 1]) || is_digit(text[i - 1]))) out += '_';
    out += is_alpha(c) ? static_cast<char>(lower(c) - 'a' + 'A') : is_digit(c) ? c : '_';
  }
  return out;
}

std::string full(std::string_view name) { return fmt::format("{}.{}", kPackage, name); }

std::string comment(std::string_view text, std::string_view indent) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    fmt::format_to(std::back_inserter(out), "{}// {}\n", indent, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

ProtoSchema::ProtoSchema(const std::deque<Operation>& operations) {
  // Services and messages share their names: no message may be called as a part is.
  for (const Operation& operation : operations) taken_.try_emplace(operation.part, nullptr);
  for (const Operation& operation : operations) {
    const std::string name = operation.part + operation.name;
    Method method{.operation = &operation, .input = message_of(operation.request, name + "Request"), .output = {}};
    method.output = message_of(operation.response, name + (operation.streams ? "Event" : "Response"));
    services_[operation.part].push_back(std::move(method));
  }
}

std::string ProtoSchema::free_name(const Type& type, const std::string& fallback) const {
  std::string_view java = type.java_type;
  if (java == "java.util.Map") java = {};
  const std::string last = identifier(java.substr(java.find_last_of(".$") + 1));
  std::string name = java.empty() ? fallback : last;
  if (taken_.contains(name) && !java.empty()) name = identifier(java);
  for (int n = 2; taken_.contains(name); ++n) name = fmt::format("{}{}", java.empty() ? fallback : last, n);
  return name;
}

std::string ProtoSchema::message_of(const Type* type, const std::string& fallback) {
  if (type == nullptr || type == &type_of<Nothing>()) type = &type_of<Nothing>();
  type = &looked_through(*type);
  if (const auto known = names_.find(type); known != names_.end()) return known->second;
  const bool nothing = type == &type_of<Nothing>();
  const std::string name = nothing ? "Nothing" : is_message(*type) ? free_name(*type, fallback) : fallback;
  names_[type] = name;  // known before its fields are walked: they may hold it
  taken_[name] = type;
  Message& message = messages_.emplace_back(Message{.name = name, .doc = {}, .fields = {}});  // a deque: further ones leave it where it is
  if (!is_message(*type)) {
    message.fields.push_back(field_of("value", "", *type, name));
    names_.erase(type);  // only this message is of it: in a field it stands by itself
    return name;
  }
  message.doc = type->structure->doc;
  for (const sofa::Field& field : type->structure->fields) message.fields.push_back(field_of(field.name, field.doc, field.type(), name));
  return name;
}

std::string ProtoSchema::enum_of(const Type& type, const std::string& fallback) {
  if (const auto known = names_.find(&type); known != names_.end()) return known->second;
  const std::string name = free_name(type, fallback);
  names_[&type] = name;
  taken_[name] = &type;
  Enum& made = enums_.emplace_back(Enum{.name = name, .values = {}});
  const std::string prefix = upper_snake(name);
  for (const EnumInfo::Value& value : type.enumeration->values) made.values.emplace_back(prefix + "_" + upper_snake(value.name), value.number);
  // The first value of an enum is 0 (proto3).
  const auto zero = std::ranges::find(made.values, 0, &std::pair<std::string, int64_t>::second);
  if (zero == made.values.end()) {
    made.values.insert(made.values.begin(), {prefix + "_UNSPECIFIED", 0});
  } else {
    std::rotate(made.values.begin(), zero, zero + 1);
  }
  return name;
}

ProtoSchema::Field ProtoSchema::field_of(std::string_view name, std::string_view doc, const Type& type, const std::string& owner) {
  Field field{.name = identifier(name), .json_name = name, .doc = doc, .shape = shape_of(type), .type_name = {}};
  const std::string fallback = owner + camel_case(field.name);
  if (field.shape.form == Form::message) field.type_name = full(message_of(field.shape.type, fallback));
  if (field.shape.form == Form::enumeration) field.type_name = full(enum_of(*field.shape.type, fallback));
  if (field.shape.form == Form::value) field.type_name = kValue, uses_values_ = true;
  field.optional = field.shape.single() && field.shape.form != Form::message && field.shape.form != Form::value;
  return field;
}

std::vector<std::string> ProtoSchema::services() const {
  std::vector<std::string> all;
  for (const auto& [part, methods] : services_) all.push_back(full(part));
  return all;
}

bool ProtoSchema::has(std::string_view symbol) const {
  if (!symbol.starts_with(kPackage) || symbol.size() <= kPackage.size() + 1 || symbol[kPackage.size()] != '.') return false;
  symbol.remove_prefix(kPackage.size() + 1);
  const size_t dot = symbol.find('.');
  const std::string_view outer = symbol.substr(0, dot), inner = dot == std::string_view::npos ? "" : symbol.substr(dot + 1);
  if (const auto service = services_.find(std::string(outer)); service != services_.end()) {
    return inner.empty() || std::ranges::any_of(service->second, [&](const Method& method) { return method.operation->name == inner; });
  }
  const auto message = std::ranges::find(messages_, outer, &Message::name);
  if (message == messages_.end()) return inner.empty() && std::ranges::find(enums_, outer, &Enum::name) != enums_.end();
  return inner.empty() || std::ranges::any_of(message->fields, [&](const Field& field) {
           return field.name == inner || (field.shape.key != nullptr && camel_case(field.name) + "Entry" == inner);
         });
}

// As text.

std::string ProtoSchema::word_of(const Field& field) {
  const std::string type = field.type_name.empty() ? std::string(named(field.shape.form).name) : field.type_name;
  if (field.shape.key != nullptr) return fmt::format("map<{}, {}>", named(field.shape.key_form).name, type);
  return (field.shape.repeated ? "repeated " : field.optional ? "optional " : "") + type;
}

std::string ProtoSchema::text() const {
  std::string out = fmt::format("syntax = \"proto3\";\n\npackage {};\n", kPackage);
  const auto to = std::back_inserter(out);
  if (uses_values_) fmt::format_to(to, "\nimport \"{}\";\n", kStructFile);
  for (const auto& [part, methods] : services_) {
    fmt::format_to(to, "\nservice {} {{\n", part);
    for (const auto& [operation, input, output] : methods) {
      out += comment(operation->about, "  ");
      if (!operation->permission.empty()) out += comment(fmt::format("Permission: {}", operation->permission), "  ");
      fmt::format_to(to, "  rpc {}({}) returns ({}{})", operation->name, input, operation->streams ? "stream " : "", output);
      out += operation->method == "GET" ? " {\n    option idempotency_level = NO_SIDE_EFFECTS;\n  }\n" : ";\n";
    }
    out += "}\n";
  }
  for (const Message& message : messages_) {
    fmt::format_to(to, "\n{}message {} {{\n", comment(message.doc, ""), message.name);
    for (size_t i = 0; i < message.fields.size(); ++i) {
      const Field& field = message.fields[i];
      fmt::format_to(to, "{}  {} {} = {} [json_name = \"{}\"];\n", comment(field.doc, "  "), word_of(field), field.name, i + 1, field.json_name);
    }
    out += "}\n";
  }
  for (const Enum& made : enums_) {
    fmt::format_to(to, "\nenum {} {{\n", made.name);
    for (const auto& [name, number] : made.values) fmt::format_to(to, "  {} = {};\n", name, number);
    out += "}\n";
  }
  return out;
}

// As a descriptor.

void ProtoSchema::write(const Message& message, ProtobufWriter& to) {
  to.text(kMessageName, message.name);
  std::vector<std::string> oneofs;
  for (size_t i = 0; i < message.fields.size(); ++i) {
    const Field& field = message.fields[i];
    const std::string entry = camel_case(field.name) + "Entry", entry_name = fmt::format("{}.{}.{}", kPackage, message.name, entry);
    const uint64_t type = named(field.shape.form).number;
    const bool map = field.shape.key != nullptr;
    to.message(kMessageField, [&](ProtobufWriter& one) {
      write_field({.name = field.name,
                   .json_name = field.json_name,
                   .type_name = map ? std::string_view(entry_name) : std::string_view(field.type_name),
                   .number = i + 1,
                   .label = field.shape.single() ? kOptional : kRepeated,
                   .type = map ? kTypeMessage : type,
                   .oneof = field.optional ? static_cast<int>(oneofs.size()) : -1,
                   .optional = field.optional},
                  one);
    });
    if (field.optional) oneofs.push_back("_" + field.name);
    if (map) to.message(kMessageNested, [&](ProtobufWriter& one) { write_map_entry(entry, field.shape.key_form, type, field.type_name, one); });
  }
  for (const std::string& oneof : oneofs) to.message(kMessageOneof, [&](ProtobufWriter& one) { one.text(1, oneof); });
}

void ProtoSchema::write(const Method& method, ProtobufWriter& to) {
  to.text(kMethodName, method.operation->name);
  to.text(kMethodInput, "." + full(method.input));
  to.text(kMethodOutput, "." + full(method.output));
  if (method.operation->method == "GET") to.message(kMethodOptions, [](ProtobufWriter& options) { options.number(kIdempotencyLevel, 1); });
  to.number(kMethodServerStreams, method.operation->streams ? 1 : 0);
}

Bytes ProtoSchema::file() const {
  Buffer out;
  ProtobufWriter to(out);
  to.text(kFileName, kFile);
  to.text(kFilePackage, kPackage);
  if (uses_values_) to.text(kFileDependency, kStructFile);
  for (const Message& message : messages_) to.message(kFileMessage, [&](ProtobufWriter& one) { write(message, one); });
  for (const Enum& made : enums_) to.message(kFileEnum, [&](ProtobufWriter& one) { write_enum(made.name, made.values, one); });
  for (const auto& service : services_) {
    to.message(kFileService, [&](ProtobufWriter& one) {
      one.text(kServiceName, service.first);
      for (const Method& method : service.second) one.message(kServiceMethod, [&](ProtobufWriter& inner) { write(method, inner); });
    });
  }
  to.text(kFileSyntax, "proto3");
  return out.take();
}

}  // namespace sofa::admin::detail
