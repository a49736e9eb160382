#include "sofa/admin/detail/proto_json.h"

#include <cmath>

#include "sofa/admin/detail/proto_shape.h"
#include "sofa/base/base64.h"
#include "sofa/base/json.h"
#include "sofa/base/protobuf_fields.h"
#include "sofa/base/text.h"
#include "sofa/base/text_form.h"
#include "sofa/base/text_options.h"

namespace sofa {

namespace admin::detail {

/// Any JSON, as a tree.
struct AnyJson {
  TextNode root;
};

}  // namespace admin::detail

namespace {

Result<void> write_nothing(const void*, TextSink& sink) { return sink.token("null"); }
std::optional<std::string> keep_node(const TextNode& node, void* at, TextSource&) {
  static_cast<admin::detail::AnyJson*>(at)->root = node;
  return std::nullopt;
}
constinit const TextForm kAnyText{"JSON", write_nothing, keep_node};

}  // namespace

template <>
struct TypeTraits<admin::detail::AnyJson> {
  static constexpr bool kKnown = true;
  static void fill(Type& type) { type.text_form = &kAnyText; }
};

namespace admin::detail {

namespace {

using Wire = ProtobufFields::Wire;
using Field = ProtobufFields::Field;

// google/protobuf/struct.proto
enum ValueField : uint32_t { kNull = 1, kNumber, kString, kBool, kStruct, kList };

Wire wire_of(Form form) {
  switch (form) {
    case Form::float32:
      return Wire::fixed32;
    case Form::float64:
      return Wire::fixed64;
    case Form::string:
    case Form::bytes:
    case Form::message:
    case Form::value:
      return Wire::bytes;
    default:
      return Wire::varint;
  }
}

std::string_view text_of(ByteSpan bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string number_text(double number) {
  if (std::isnan(number)) return R"("NaN")";
  if (std::isinf(number)) return number > 0 ? R"("Infinity")" : R"("-Infinity")";
  return fmt::format("{}", number);
}

/// From the bytes to JSON. The first thing that is wrong ends it.
class Reader {
 public:
  std::string message(const Type& type, ByteSpan bytes);
  const std::optional<Error>& problem() const { return problem_; }

 private:
  void wrong(std::string what) { give_up(Error(Code::invalid_argument, "the message is none of its type: " + what)); }
  void give_up(Error error) {
    if (!problem_) problem_ = std::move(error);
  }
  /// Counts a value; false: there are too many.
  bool counts() {
    if (++values_ > ReadOptions{}.max_nodes)
      give_up(Error(Code::resource_exhausted, fmt::format("the message has more than {} values", values_ - 1)));
    return !problem_;
  }
  std::string structure(const StructInfo& structure, ByteSpan bytes);
  void add_field(const ProtoShape& shape, std::string_view name, const Field& field, std::string& to);
  void add_repeated(const ProtoShape& shape, std::string_view name, const Field& field, std::string& to);
  std::string entry(const ProtoShape& shape, std::string_view name, const Field& field);
  std::string single(Form form, const Type& type, std::string_view name, const Field& field);
  std::string number(Form form, const Type& type, uint64_t bits);
  std::string value(ByteSpan bytes);
  std::string value_of(const Field& field);
  std::string struct_value(ByteSpan bytes);

  static constexpr size_t kMaxDepth = 32;
  size_t values_ = 0, depth_ = 0;
  std::optional<Error> problem_;
};

std::string Reader::message(const Type& type, ByteSpan bytes) {
  const Type& inner = looked_through(type);
  if (is_message(inner)) return structure(*inner.structure, bytes);
  std::string text;
  ProtobufFields fields(bytes);
  const ProtoShape shape = shape_of(inner);
  while (auto field = fields.next_of_every_kind()) {
    if (field->number == 1) add_field(shape, "value", *field, text);
  }
  if (fields.is_broken()) wrong("its bytes are no protobuf");
  if (shape.single()) return text.empty() ? "null" : text;
  return shape.repeated ? fmt::format("[{}]", text) : fmt::format("{{{}}}", text);
}

std::string Reader::structure(const StructInfo& structure, ByteSpan bytes) {
  if (++depth_ > kMaxDepth) wrong("it is nested too deep");
  // The items of a repeated field may stand anywhere among the others.
  std::vector<std::string> texts(structure.fields.size());
  ProtobufFields fields(bytes);
  for (auto field = fields.next_of_every_kind(); field && !problem_; field = fields.next_of_every_kind()) {
    if (field->number > texts.size()) continue;
    const sofa::Field& own = structure.fields[field->number - 1];
    add_field(shape_of(own.type()), own.name, *field, texts[field->number - 1]);
  }
  if (fields.is_broken()) wrong("its bytes are no protobuf");
  --depth_;
  std::string out;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) continue;
    const ProtoShape shape = shape_of(structure.fields[i].type());
    const std::string_view open = shape.single() ? "" : shape.repeated ? "[" : "{", close = shape.single() ? "" : shape.repeated ? "]" : "}";
    fmt::format_to(std::back_inserter(out), "{}{}:{}{}{}", out.empty() ? "" : ",", json_quoted(structure.fields[i].name), open, texts[i], close);
  }
  return "{" + out + "}";
}

void Reader::add_field(const ProtoShape& shape, std::string_view name, const Field& field, std::string& to) {
  if (shape.repeated) return add_repeated(shape, name, field, to);
  if (shape.single()) {
    to = single(shape.form, *shape.type, name, field);  // the last one counts
    return;
  }
  if (!to.empty()) to += ',';
  to += entry(shape, name, field);
}

void Reader::add_repeated(const ProtoShape& shape, std::string_view name, const Field& field, std::string& to) {
  const auto add = [&to](const std::string& item) {
    if (!to.empty()) to += ',';
    to += item;
  };
  const Wire own = wire_of(shape.form);
  if (field.wire != Wire::bytes || own == Wire::bytes) return add(single(shape.form, *shape.type, name, field));
  ProtobufFields packed(field.bytes);
  for (auto bits = packed.next_packed(own); bits && counts(); bits = packed.next_packed(own)) add(number(shape.form, *shape.type, *bits));
  if (packed.is_broken()) wrong(fmt::format("{} is broken", name));
}

std::string Reader::entry(const ProtoShape& shape, std::string_view name, const Field& field) {
  Field key{.number = 1, .wire = wire_of(shape.key_form)}, value{.number = 2, .wire = wire_of(shape.form)};  // what is left out is empty, or 0
  if (field.wire != Wire::bytes) wrong(fmt::format("{} is no map", name));
  ProtobufFields fields(field.bytes);
  while (auto part = fields.next_of_every_kind()) {
    if (part->number == 1) key = *part;
    if (part->number == 2) value = *part;
  }
  if (fields.is_broken()) wrong(fmt::format("{} is broken", name));
  std::string key_text = single(shape.key_form, *shape.key, name, key);
  if (shape.key_form != Form::string) key_text = json_quoted(key_text);
  return fmt::format("{}:{}", key_text, single(shape.form, *shape.type, name, value));
}

std::string Reader::single(Form form, const Type& type, std::string_view name, const Field& field) {
  if (!counts()) return {};
  if (field.wire != wire_of(form)) {
    wrong(fmt::format("field {}, '{}', has the wrong wire type {}", field.number, name, static_cast<int>(field.wire)));
    return {};
  }
  switch (form) {
    case Form::string:
      return json_quoted(text_of(field.bytes));
    case Form::bytes:
      return fmt::format("\"{}\"", to_base64(field.bytes));
    case Form::message:
      return structure(*type.structure, field.bytes);
    case Form::value:
      return value(field.bytes);
    default:
      return number(form, type, field.value);
  }
}

std::string Reader::number(Form form, const Type& type, uint64_t bits) {
  switch (form) {
    case Form::boolean:
      return bits != 0 ? "true" : "false";
    case Form::uint32:
    case Form::uint64:
      return fmt::format("{}", bits);
    case Form::float32:
      return number_text(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    case Form::float64:
      return number_text(std::bit_cast<double>(bits));
    case Form::enumeration:
      if (const auto* known = type.enumeration->by_number(static_cast<int64_t>(bits))) return json_quoted(known->name);
      wrong(fmt::format("{} is no value of an enum", static_cast<int64_t>(bits)));
      return {};
    default:
      return fmt::format("{}", static_cast<int64_t>(bits));
  }
}

std::string Reader::value(ByteSpan bytes) {
  if (++depth_ > kMaxDepth) wrong("it is nested too deep");
  std::string text = "null";
  ProtobufFields fields(bytes);
  for (auto field = fields.next_of_every_kind(); field && counts(); field = fields.next_of_every_kind()) text = value_of(*field);
  if (fields.is_broken()) wrong("a Value is broken");
  --depth_;
  return text;
}

std::string Reader::value_of(const Field& field) {
  switch (field.number) {
    case kNumber:
      return number_text(std::bit_cast<double>(field.value));
    case kString:
      return json_quoted(text_of(field.bytes));
    case kBool:
      return field.value != 0 ? "true" : "false";
    case kStruct:
      return struct_value(field.bytes);
    case kList: {
      std::string items;
      ProtobufFields fields(field.bytes);
      for (auto item = fields.next(); item && !problem_; item = fields.next()) items += (items.empty() ? "" : ",") + value(item->bytes);
      return fmt::format("[{}]", items);
    }
    default:
      return "null";
  }
}

std::string Reader::struct_value(ByteSpan bytes) {
  static const ProtoShape kEntry{.form = Form::value, .type = &type_of<AnyJson>(), .key = &type_of<std::string>(), .key_form = Form::string};
  std::string entries;
  ProtobufFields fields(bytes);
  for (auto field = fields.next(); field && !problem_; field = fields.next())
    entries += (entries.empty() ? "" : ",") + entry(kEntry, "fields", *field);
  return fmt::format("{{{}}}", entries);
}

/// NaN and infinities stand as texts.
double double_of(const TextNode& node) { return node.is_text() ? std::strtod(node.text.c_str(), nullptr) : static_cast<double>(node.number); }

/// From JSON to the bytes.
class Writer {
 public:
  void message(const Type& type, const TextNode& node, ProtobufWriter& to);
  bool fits() const { return fits_; }

 private:
  void field(uint32_t number, const ProtoShape& shape, const TextNode& node, ProtobufWriter& to);
  void single(uint32_t number, Form form, const Type& type, const TextNode& node, ProtobufWriter& to);
  void integer(uint32_t number, const TextNode& node, ProtobufWriter& to);
  static void value(const TextNode& node, ProtobufWriter& to);
  static void struct_value(const TextNode& node, ProtobufWriter& to);
  bool fits_ = true;
};

void Writer::message(const Type& type, const TextNode& node, ProtobufWriter& to) {
  const Type& inner = looked_through(type);
  if (!is_message(inner)) return field(1, shape_of(inner), node, to);
  if (node.form != TextNode::Form::map) fits_ = false;
  for (size_t i = 0; i + 1 < node.items.size(); i += 2) {
    const auto& fields = inner.structure->fields;
    const auto own = std::ranges::find(fields, node.items[i].text, &sofa::Field::name);
    if (own == fields.end()) continue;
    field(static_cast<uint32_t>(own - fields.begin() + 1), shape_of(own->type()), node.items[i + 1], to);
  }
}

void Writer::field(uint32_t number, const ProtoShape& shape, const TextNode& node, ProtobufWriter& to) {
  if (node.form == TextNode::Form::null) return;
  if (shape.single()) return single(number, shape.form, *shape.type, node, to);
  if (shape.repeated) {
    for (const TextNode& item : node.items) single(number, shape.form, *shape.type, item, to);
    return;
  }
  for (size_t i = 0; i + 1 < node.items.size(); i += 2) {
    to.message(number, [&](ProtobufWriter& entry) {
      single(1, shape.key_form, *shape.key, node.items[i], entry);
      single(2, shape.form, *shape.type, node.items[i + 1], entry);
    });
  }
}

void Writer::single(uint32_t number, Form form, const Type& type, const TextNode& node, ProtobufWriter& to) {
  switch (form) {
    case Form::boolean:
      return to.present_number(number, node.boolean || node.text == "true" ? 1 : 0);  // a key is a text
    case Form::float32:
      return to.present_float32(number, static_cast<float>(double_of(node)));
    case Form::float64:
      return to.present_float64(number, double_of(node));
    case Form::string:
      return to.bytes(number, as_bytes(node.text));
    case Form::bytes: {
      const auto bytes = from_base64(node.text);
      fits_ = fits_ && bytes.has_value();
      return to.bytes(number, bytes ? ByteSpan(*bytes) : ByteSpan());
    }
    case Form::enumeration: {
      const auto* known = type.enumeration->by_name(node.text);
      fits_ = fits_ && known != nullptr;
      return to.present_number(number, known == nullptr ? 0 : static_cast<uint64_t>(known->number));
    }
    case Form::message:
      return to.message(number, [&](ProtobufWriter& inner) { message(type, node, inner); });
    case Form::value:
      return to.message(number, [&](ProtobufWriter& inner) { value(node, inner); });
    default:
      return integer(number, node, to);
  }
}

void Writer::integer(uint32_t number, const TextNode& node, ProtobufWriter& to) {
  if (const auto positive = whole_number<uint64_t>(node.text)) return to.present_number(number, *positive);
  const auto negative = whole_number<int64_t>(node.text);
  fits_ = fits_ && negative.has_value();
  to.present_number(number, static_cast<uint64_t>(negative.value_or(0)));
}

void Writer::value(const TextNode& node, ProtobufWriter& to) {
  switch (node.form) {
    case TextNode::Form::null:
      return to.present_number(kNull, 0);
    case TextNode::Form::boolean:
      return to.present_number(kBool, node.boolean ? 1 : 0);
    case TextNode::Form::number:
      return to.present_float64(kNumber, static_cast<double>(node.number));
    case TextNode::Form::typed_text:
    case TextNode::Form::plain_text:
      return to.bytes(kString, as_bytes(node.text));
    case TextNode::Form::list:
      return to.message(kList, [&](ProtobufWriter& list) {
        for (const TextNode& item : node.items) list.message(1, [&](ProtobufWriter& one) { value(item, one); });
      });
    case TextNode::Form::map:
      return to.message(kStruct, [&](ProtobufWriter& fields) { struct_value(node, fields); });
  }
}

void Writer::struct_value(const TextNode& node, ProtobufWriter& to) {
  for (size_t i = 0; i + 1 < node.items.size(); i += 2) {
    to.message(1, [&](ProtobufWriter& entry) {
      entry.text(1, node.items[i].text);
      entry.message(2, [&](ProtobufWriter& one) { value(node.items[i + 1], one); });
    });
  }
}

}  // namespace

Result<std::string> json_of_message(const Type& type, ByteSpan message) {
  Reader reader;
  std::string json = reader.message(type, message);
  if (reader.problem()) return std::unexpected(*reader.problem());
  return json;
}

Result<Bytes> message_of_json(const Type& type, std::string_view json) {
  auto tree = from_json<AnyJson>(json, {.source = "the answer"});
  if (!tree) return std::unexpected(Error(Code::internal, tree.error().to_string()));
  Buffer out;
  ProtobufWriter to(out);
  Writer writer;
  writer.message(type, tree->root, to);
  if (!writer.fits()) return fail(Code::internal, "the answer does not fit the description of its type");
  return out.take();
}

}  // namespace admin::detail
}  // namespace sofa
