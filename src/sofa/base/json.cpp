#include "sofa/base/json.h"

#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>

#include "sofa/base/base64.h"
#include "sofa/base/detail/scalar_text.h"
#include "sofa/base/detail/value_tree.h"
#include "sofa/base/utf8.h"

namespace sofa {

namespace {

namespace json = boost::json;
using detail::Node;

/// Builds the tree from the parser's events. A node's `line` holds the number of its event, until a problem needs the real position.
class TreeBuilder {
 public:
  static constexpr size_t max_object_size = SIZE_MAX;
  static constexpr size_t max_array_size = SIZE_MAX;
  static constexpr size_t max_key_size = SIZE_MAX;
  static constexpr size_t max_string_size = SIZE_MAX;

  explicit TreeBuilder(size_t max_nodes, uint32_t stop_at = 0) : max_nodes_(max_nodes), stop_at_(stop_at) {}
  Node& root() { return root_; }
  bool too_many() const { return too_many_; }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_array_begin(json::error_code& ec) { return open(Node::Form::list, ec); }
  bool on_array_end(size_t, json::error_code&) { return close(); }
  bool on_object_begin(json::error_code& ec) { return open(Node::Form::map, ec); }
  bool on_object_end(size_t, json::error_code&) { return close(); }
  bool on_string_part(json::string_view part, size_t, json::error_code&) { return collect(part); }
  bool on_string(json::string_view last, size_t, json::error_code& ec) { return add_text(last, ec); }
  bool on_key_part(json::string_view part, size_t, json::error_code&) { return collect(part); }
  bool on_key(json::string_view last, size_t, json::error_code& ec) { return add_text(last, ec); }
  bool on_number_part(json::string_view part, json::error_code&) { return collect(part); }
  bool on_int64(int64_t value, json::string_view last, json::error_code& ec) {
    return collect(last) && add_number(static_cast<long double>(value), ec);
  }
  bool on_uint64(uint64_t value, json::string_view last, json::error_code& ec) {
    return collect(last) && add_number(static_cast<long double>(value), ec);
  }
  bool on_double(double value, json::string_view last, json::error_code& ec) {
    // The parser's own value may be one bit off; from_chars is exact.
    collect(last);
    if (std::from_chars(text_.data(), text_.data() + text_.size(), value).ec == std::errc::result_out_of_range && std::fabs(value) > 1)
      value = HUGE_VAL;
    return add_number(value, ec);
  }
  bool on_bool(bool value, json::error_code& ec) {
    Node* node = add(Node::Form::boolean, ec);
    if (node != nullptr) node->boolean = value;
    return node != nullptr;
  }
  bool on_null(json::error_code& ec) { return add(Node::Form::null, ec) != nullptr; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  Node* add(Node::Form form, json::error_code& ec) {
    ++events_;
    too_many_ = events_ > max_nodes_;
    if (too_many_ || events_ == stop_at_) {
      ec = json::error::exception;
      return nullptr;
    }
    Node& node = open_.empty() ? root_ : open_.back()->items.emplace_back();
    node.form = form;
    node.line = events_;
    return &node;
  }
  bool open(Node::Form form, json::error_code& ec) {
    Node* node = add(form, ec);
    if (node != nullptr) open_.push_back(node);  // stays valid: its siblings come after it is closed
    return node != nullptr;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool collect(json::string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool add_text(json::string_view last, json::error_code& ec) {
    collect(last);
    Node* node = add(Node::Form::typed_text, ec);
    if (node != nullptr) node->text = std::exchange(text_, {});
    return node != nullptr;
  }
  bool add_number(long double value, json::error_code& ec) {
    Node* node = add(Node::Form::number, ec);
    if (node == nullptr) return false;
    node->number = value;
    node->text = std::exchange(text_, {});
    return true;
  }

  const size_t max_nodes_;
  const uint32_t stop_at_;
  uint32_t events_ = 0;
  bool too_many_ = false;
  Node root_;
  std::vector<Node*> open_;
  std::string text_;
};

struct Parsed {
  json::error_code error;
  size_t consumed = 0;
};

json::parse_options parse_options(const ReadOptions& options) {
  json::parse_options made;
  made.max_depth = options.max_depth;
  return made;
}

Parsed parse(json::basic_parser<TreeBuilder>& parser, std::string_view text) {
  Parsed parsed;
  parsed.consumed = parser.write_some(false, text.data(), text.size(), parsed.error);
  if (!parsed.error && parsed.consumed < text.size()) parsed.error = json::error::extra_data;
  return parsed;
}

void set_position(std::string_view text, size_t offset, uint32_t& line, uint32_t& column) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  line = static_cast<uint32_t>(std::ranges::count(before, '\n')) + 1;
  const size_t start = before.rfind('\n');
  column = static_cast<uint32_t>(before.size() - (start == std::string_view::npos ? 0 : start + 1)) + 1;
}

/// Finds the end of an event's token by parsing again up to it: positions cost nothing while all is well.
void resolve(detail::Problem& problem, std::string_view text, const ReadOptions& options) {
  json::basic_parser<TreeBuilder> again(parse_options(options), options.max_nodes, problem.line);
  set_position(text, parse(again, text).consumed, problem.line, problem.column);
}

class Writer final : public TextSink {
  static constexpr size_t kFirstRoom = 240;  // bytes for what lies in something
  static constexpr size_t kUsualDepth = 4;

 public:
  explicit Writer(const JsonWriteOptions& options) : options_(options) {}

  Result<void> write(const Type& type, const void* at) {
    if (++nodes_ > options_.max_nodes) {
      return fail(Code::resource_exhausted, "the object has more than {} values (shared or cyclic links?); raise max_nodes or send it as Hessian",
                  options_.max_nodes);
    }
    if (type.text_form != nullptr) return type.text_form->write(at, *this);
    switch (type.kind) {
      case Kind::boolean:
        out_ += *static_cast<const bool*>(at) ? "true" : "false";
        return {};
      case Kind::string:
        return write_text(*static_cast<const std::string*>(at));
      case Kind::bytes:
        return write_text(to_base64(*static_cast<const Bytes*>(at)));
      case Kind::enumeration:
        return write_enum(type, at);
      case Kind::indirect:
        return write_indirect(type, at);
      case Kind::list:
        return write_list(type, at);
      case Kind::map:
        return write_map(type, at);
      case Kind::structure:
        return write_struct(type, at);
      case Kind::other:
        return fail(Code::unimplemented, "a {} has no JSON form; leave the field out of the description", type.java_type);
      default:
        return write_number(type, at);
    }
  }
  std::string take() { return std::move(out_); }

  Result<void> token(std::string_view json) override { return out_ += json, Result<void>(); }
  Result<void> text(std::string_view utf8) override { return write_text(utf8); }
  Result<void> value(const Type& type, const void* at) override { return write(type, at); }

 private:
  template <class T>
  static T get(const void* at) {
    return *static_cast<const T*>(at);
  }

  template <class T>
  Result<void> write_integer(const void* at) {
    char digits[24];
    const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), get<T>(at));
    return out_.append(digits, end), Result<void>();
  }

  Result<void> write_number(const Type& type, const void* at) {
    switch (type.kind) {
      case Kind::int8:
        return write_integer<int8_t>(at);
      case Kind::int16:
        return write_integer<int16_t>(at);
      case Kind::int32:
        return write_integer<int32_t>(at);
      case Kind::int64:
        return write_integer<int64_t>(at);
      case Kind::uint8:
        return write_integer<uint8_t>(at);
      case Kind::uint16:
        return write_integer<uint16_t>(at);
      case Kind::uint32:
        return write_integer<uint32_t>(at);
      case Kind::uint64:
        return write_integer<uint64_t>(at);
      default:
        return write_real(type, at);
    }
  }

  Result<void> write_real(const Type& type, const void* at) {
    auto to = std::back_inserter(out_);
    const double value = type.kind == Kind::float32 ? static_cast<double>(get<float>(at)) : get<double>(at);
    if (std::isnan(value)) return write_text("NaN");
    if (std::isinf(value)) return write_text(value > 0 ? "Infinity" : "-Infinity");
    if (value == 0 && std::signbit(value)) return out_.append("-0.0"), Result<void>();  // "-0" is read as the integer 0
    if (type.kind == Kind::float32) {
      fmt::format_to(to, "{}", get<float>(at));
    } else {
      fmt::format_to(to, "{}", value);
    }
    return {};
  }

  Result<void> write_enum(const Type& type, const void* at) {
    const int64_t number = type.get_number(at);
    const EnumInfo::Value* value = type.enumeration->by_number(number);
    if (value == nullptr) return fail(Code::invalid_argument, "{} is no value of the enum {}; describe it", number, type.java_type);
    return write_text(value->name);
  }

  Result<void> write_indirect(const Type& type, const void* at) {
    const void* target = type.indirect->get(at);
    if (target != nullptr) return write_deeper(type, at, [&] { return write(type.indirect->target(), target); });
    out_ += "null";
    return {};
  }

  Result<void> write_list(const Type& type, const void* at) {
    if (type.is_byte_list()) {
      return write_text(to_base64({static_cast<const uint8_t*>(type.list->data(at)), type.list->size(at)}));
    }
    return write_deeper(type, at, [&]() -> Result<void> {
      out_ += '[';
      const size_t size = type.list->size(at);
      for (size_t i = 0; i < size; ++i) {
        begin_item(i == 0);
        if (auto written = write(type.list->element(), type.list->at(at, i)); !written) return written;
      }
      end_items(size == 0, ']');
      return {};
    });
  }

  Result<void> write_map(const Type& type, const void* at) {
    return write_deeper(type, at, [&]() -> Result<void> {
      struct Context {
        Writer& writer;
        const Type& type;
        bool first = true;
        Result<void> result = {};
      } context{*this, type};
      out_ += '{';
      type.map->for_each(at, &context, [](void* raw, const void* key, const void* value) {
        Context& c = *static_cast<Context*>(raw);
        c.writer.begin_item(std::exchange(c.first, false));
        c.result = c.writer.write_key(c.type.map->key(), key);
        if (c.result) c.result = c.writer.write(c.type.map->value(), value);
        return c.result.has_value();
      });
      end_items(context.first, '}');
      return std::move(context.result);
    });
  }

  Result<void> write_key(const Type& type, const void* at) {
    const size_t start = out_.size();
    const bool may_be_text = detail::is_scalar(type) || type.text_form != nullptr;
    if (may_be_text) {
      if (auto written = write(type, at); !written) return written;
    }
    const std::string_view key = std::string_view(out_).substr(start);
    if (!may_be_text || key == "null" || key.starts_with('{') || key.starts_with('[')) {
      return fail(Code::unimplemented, "a map with a key that is no text, number or boolean ({}) has no JSON form", java_type_of(type));
    }
    if (!key.starts_with('"')) {
      out_.insert(start, 1, '"');
      out_ += '"';
    }
    colon();
    return {};
  }

  Result<void> write_struct(const Type& type, const void* at) {
    return write_deeper(type, at, [&]() -> Result<void> {
      out_ += '{';
      bool first = true;
      for (const Field& field : type.structure->fields) {
        begin_item(std::exchange(first, false));
        write_text(field.name);
        colon();
        if (field.secret && options_.hide_secrets) {
          out_ += "\"***\"";
        } else if (auto written = write(field.type(), field.in(at)); !written) {
          return std::unexpected(std::move(written.error()).wrap(fmt::format("field {}", field.name)));
        }
      }
      end_items(first, '}');
      return {};
    });
  }

  template <class Body>
  Result<void> write_deeper(const Type& type, const void* at, Body body) {
    if (std::ranges::find(open_, std::pair(&type, at)) != open_.end()) {
      return fail(Code::invalid_argument, "the object contains itself, which JSON cannot express; cut the cycle or send it as Hessian");
    }
    if (open_.size() == options_.max_depth) {
      return fail(Code::resource_exhausted, "the object is nested deeper than {}; raise max_depth or send it as Hessian", options_.max_depth);
    }
    if (open_.empty()) {
      out_.reserve(out_.size() + kFirstRoom);
      open_.reserve(kUsualDepth);
    }
    open_.emplace_back(&type, at);
    auto result = body();
    open_.pop_back();
    return result;
  }

  void new_line(size_t depth) {
    out_ += '\n';
    out_.append(2 * depth, ' ');
  }
  void begin_item(bool first) {
    if (!first) out_ += ',';
    if (options_.indent) new_line(open_.size());
  }
  void end_items(bool empty, char closing) {
    if (options_.indent && !empty) new_line(open_.size() - 1);
    out_ += closing;
  }
  void colon() { out_ += options_.indent ? ": " : ":"; }

  Result<void> write_text(std::string_view text);

  const JsonWriteOptions& options_;
  size_t nodes_ = 0;
  std::vector<std::pair<const Type*, const void*>> open_;  // what the value being written lies in
  std::string out_;
};

/// Bytes that stand in JSON as they are.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

/// How many of them `text` begins with.
size_t plain_length(std::string_view text) {
  return static_cast<size_t>(std::ranges::find_if_not(text, [](char c) { return kPlain[static_cast<unsigned char>(c)]; }) - text.begin());
}

Result<void> Writer::write_text(std::string_view text) {
  out_ += '"';
  while (true) {
    const size_t plain = plain_length(text);
    out_.append(text, 0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const CodePoint point = next_code_point(text);
    if (point.is_bad()) {
      out_ += "\xef\xbf\xbd";
    } else if (point.is_surrogate() || point.value < 0x20) {
      fmt::format_to(std::back_inserter(out_), "\\u{:04x}", point.value);
    } else {
      if (point.value == '"' || point.value == '\\') out_ += '\\';
      out_.append(text, 0, point.length);
    }
    text.remove_prefix(point.length);
  }
  out_ += '"';
  return {};
}

}  // namespace

std::string json_quoted(std::string_view text) {
  const JsonWriteOptions options;
  Writer writer(options);
  return writer.text(text) ? writer.take() : "\"\"";
}

Result<std::string> to_json(const Type& type, const void* object, const JsonWriteOptions& options) {
  Writer writer(options);
  if (auto written = writer.write(type, object); !written) return forward_error(written);
  return writer.take();
}

Result<void> from_json(std::string_view text, const Type& type, void* object, const ReadOptions& options, Arena* arena) {
  if (text.size() > options.max_bytes) {
    return fail(Code::resource_exhausted, "{}: {} bytes are more than the allowed {}", options.source, text.size(), options.max_bytes);
  }
  json::basic_parser<TreeBuilder> parser(parse_options(options), options.max_nodes);
  const Parsed parsed = parse(parser, text);
  if (parser.handler().too_many()) {
    return fail(Code::resource_exhausted, "{}: more than {} values; send less or raise max_nodes", options.source, options.max_nodes);
  }
  if (parsed.error) {
    detail::Problem problem{0, 0, fmt::format("this is no JSON: {}", parsed.error.message())};
    set_position(text, parsed.consumed, problem.line, problem.column);
    return std::unexpected(detail::error_of({problem}, options));
  }
  detail::TreeReader reader(options, arena);
  reader.fill(parser.handler().root(), type, object);
  if (reader.problems().empty()) return {};
  std::vector<detail::Problem> problems = reader.problems();
  for (detail::Problem& problem : problems) resolve(problem, text, options);
  return std::unexpected(detail::error_of(problems, options));
}

}  // namespace sofa
