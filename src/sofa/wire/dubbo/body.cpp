#include "sofa/wire/dubbo/body.h"

#include <algorithm>

#include "sofa/base/text.h"
#include "sofa/wire/dubbo/descriptor.h"

namespace sofa::dubbo {

const std::string* find_in(const Attachments& attachments, std::string_view key) {
  for (auto pair = attachments.rbegin(); pair != attachments.rend(); ++pair) {
    if (pair->first == key) return &pair->second;
  }
  return nullptr;
}

hessian::ReaderOptions reader_options() { return {.dialect = hessian::Dialect::h4}; }
hessian::WriterOptions writer_options() { return {.dialect = hessian::Dialect::h4, .family = hessian::Family::dubbo}; }

namespace {

Result<std::string> read_name(hessian::Reader& reader, std::string_view field, size_t max) {
  auto text = reader.read<std::string>(field);
  if (text && text->size() > max) return fail(Code::resource_exhausted, "{} has {} bytes, over {}", field, text->size(), max);
  return text;
}

std::optional<std::string> text_of(const hessian::Value& value) {
  switch (value.kind()) {
    case hessian::ValueKind::string:
      return std::string(value.text());
    case hessian::ValueKind::int32:
    case hessian::ValueKind::int64:
      return fmt::format("{}", value.integer());
    case hessian::ValueKind::float64:
      return fmt::format("{}", value.number());
    case hessian::ValueKind::boolean:
      return value.boolean() ? "true" : "false";
    default:
      return {};
  }
}

/// Takes a string from the front when it is of ASCII and in one piece, so that its bytes and UTF-16 units are the same.
std::optional<std::string_view> take_plain_text(ByteSpan& bytes) {
  if (bytes.size() < 2) return {};
  size_t head = 1, size = bytes[0];
  if (size >= 0x30 && size <= 0x33) {
    size = (size - 0x30) << 8 | bytes[1];
    head = 2;
  } else if (size > 0x1f) {
    return {};
  }
  if (bytes.size() < head + size) return {};
  const std::string_view text = as_text(bytes.subspan(head, size));
  if (std::ranges::any_of(text, [](char c) { return static_cast<uint8_t>(c) >= 0x80; })) return {};
  bytes = bytes.subspan(head + size);
  return text;
}

/// The map as every known writer lays it out, untyped and with such texts alone; nothing for any other, which takes the general reader.
std::optional<Attachments> read_plain_attachments(ByteSpan bytes, size_t max) {
  if (bytes.empty() || bytes.front() != 'H') return {};
  bytes = bytes.subspan(1);
  Attachments attachments;
  attachments.reserve(8);  // Java's client sends six
  while (!bytes.empty() && bytes.front() != 'Z') {
    const auto key = take_plain_text(bytes);
    const auto value = key ? take_plain_text(bytes) : std::nullopt;
    if (!value || attachments.size() == max) return {};
    attachments.emplace_back(*key, *value);
  }
  if (bytes.empty()) return {};
  return attachments;
}

/// The last part of a body; where it leaves the reader is open.
Result<Attachments> read_attachments(hessian::Reader& reader, ByteSpan body, size_t max) {
  if (auto plain = read_plain_attachments(body.subspan(reader.offset()), max)) return std::move(*plain);
  auto value = reader.read_value("attachments");
  if (!value) return forward_error(value);
  Attachments attachments;
  if (value->is_null()) return attachments;
  const hessian::Map* map = value->map();
  if (map == nullptr) return fail(Code::invalid_argument, "attachments: expected a map, found {}", to_string(value->kind()));
  if (map->size() > max) return fail(Code::resource_exhausted, "attachments have {} pairs, over {}", map->size(), max);
  for (const hessian::Map::Entry& entry : map->entries) {
    auto key = text_of(entry.key), text = text_of(entry.value);
    if (key && text) attachments.emplace_back(std::move(*key), std::move(*text));
  }
  return attachments;
}

}  // namespace

Result<Call> read_call(ByteSpan body, const BodyLimits& limits) {
  hessian::Reader reader(body, reader_options());
  Call call;
  struct Name {
    std::string_view field;
    std::string* into;
    size_t max;
  };
  for (const Name& name : {Name{"dubbo version", &call.dubbo_version, limits.max_name}, Name{"path", &call.path, limits.max_name},
                           Name{"version", &call.version, limits.max_name}, Name{"method", &call.method, limits.max_name},
                           Name{"parameter types", &call.parameter_types, limits.max_descriptor}}) {
    auto text = read_name(reader, name.field, name.max);
    if (!text) return forward_error(text);
    *name.into = std::move(*text);
  }
  auto parameters = count_parameters(call.parameter_types);
  if (!parameters) return forward_error(parameters);
  call.arguments_at = reader.offset();
  for (size_t i = 1; i <= *parameters; ++i) {
    if (auto skipped = reader.skip("argument " + std::to_string(i)); !skipped) return forward_error(skipped);
  }
  call.arguments_end = reader.offset();
  auto attachments = read_attachments(reader, body, limits.max_attachments);
  if (!attachments) return forward_error(attachments);
  call.attachments = std::move(*attachments);
  return call;
}

void write_call_head(hessian::Writer& writer, const CallHead& head) {
  writer.write_string(head.dubbo_version);
  writer.write_string(head.path);
  writer.write_string(head.version);
  writer.write_string(head.method);
  writer.write_string(head.parameter_types);
}

void write_attachments(hessian::Writer& writer, const Attachments& attachments) {
  writer.begin_map({});
  for (const auto& [key, value] : attachments) {
    writer.write_string(key);
    writer.write_string(value);
  }
  writer.end_map();
}

AnswerKind kind_for(AnswerKind kind, bool attachments) {
  constexpr auto kFirst = static_cast<uint8_t>(AnswerKind::exception_with_attachments);
  const auto plain = static_cast<uint8_t>(static_cast<uint8_t>(kind) % kFirst);
  return static_cast<AnswerKind>(attachments ? plain + kFirst : plain);
}

namespace {

/// "2.0.2" as 2000200: two digits a part, and a part more than Dubbo's names have. -1 for anything else.
int64_t number_of_version(std::string_view version) {
  version = version.substr(0, version.find('-'));
  int64_t number = 0;
  size_t parts = 0;
  for (; parts < 4 && !version.empty(); ++parts) {
    const size_t dot = std::min(version.find('.'), version.size());
    const auto part = whole_number<unsigned>(version.substr(0, dot));
    if (!part || *part > 99) return -1;
    number = number * 100 + *part;
    version.remove_prefix(std::min(dot + 1, version.size()));
  }
  if (parts == 0 || !version.empty()) return -1;
  for (; parts < 4; ++parts) number *= 100;
  return number;
}

}  // namespace

bool takes_answer_attachments(std::string_view dubbo_version) {
  constexpr int64_t kFirst = 2'00'02'00;
  const int64_t version = number_of_version(dubbo_version);
  // Between these the caller names the version of its own library, which is older than the rule; 2.8 is a fork that never had it.
  if (version >= 2'00'10'00 && version <= 2'06'02'00) return false;
  if (version >= 2'08'00'00 && version < 2'09'00'00) return false;
  return version >= kFirst;
}

Result<Answer> read_answer(ByteSpan body, const BodyLimits& limits) {
  hessian::Reader reader(body, reader_options());
  auto kind = reader.read<int32_t>("answer kind");
  if (!kind) return forward_error(kind);
  if (*kind < 0 || *kind > static_cast<int>(AnswerKind::null_value_with_attachments)) {
    return fail(Code::invalid_argument, "answer kind {} is none of 0..5", *kind);
  }
  Answer answer;
  answer.kind = static_cast<AnswerKind>(*kind);
  answer.value_at = reader.offset();
  if (kind_for(answer.kind, false) != AnswerKind::null_value) {
    if (auto skipped = reader.skip("answer"); !skipped) return forward_error(skipped);
  }
  answer.value_end = reader.offset();
  if (has_attachments(answer.kind)) {
    auto attachments = read_attachments(reader, body, limits.max_attachments);
    if (!attachments) return forward_error(attachments);
    answer.attachments = std::move(*attachments);
  }
  return answer;
}

void write_answer_kind(hessian::Writer& writer, AnswerKind kind) { writer.write_int(static_cast<int32_t>(kind)); }

std::string read_sentence(ByteSpan body) {
  hessian::Reader reader(body, reader_options());
  auto text = reader.read<std::string>("sentence");
  return text ? std::move(*text) : std::string();
}

void write_sentence(Buffer& out, std::string_view sentence) { hessian::Writer(out, writer_options()).write_string(sentence); }

namespace {
using namespace std::string_view_literals;
constexpr std::string_view kNull = "N"sv;
constexpr std::string_view kReadonly = "\x01R"sv;
constexpr std::string_view kWriteable = "\x01W"sv;
}  // namespace

Event read_event(ByteSpan body) {
  if (as_text(body) == kReadonly) return Event::readonly;
  return as_text(body) == kWriteable ? Event::writeable : Event::heartbeat;
}

ByteSpan event_body(Event event) { return as_bytes(event == Event::readonly ? kReadonly : event == Event::writeable ? kWriteable : kNull); }

}  // namespace sofa::dubbo
