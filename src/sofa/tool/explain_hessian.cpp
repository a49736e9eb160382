#include "sofa/tool/explain.h"
#include "sofa/wire/hessian/reader.h"

namespace sofa::tool {

namespace {

constexpr size_t kMostValues = 64;  // of a list or map that are shown
constexpr size_t kLine = 60;        // letters of a list or map that stands in one line

bool is_reference(uint8_t tag, hessian::Dialect dialect) {
  return dialect == hessian::Dialect::h4 ? tag == 0x51 : tag == 0x4a || tag == 0x4b || tag == 'R';
}

/// Objects field by field, long lists and maps item by item; every other value in one line.
class HessianWalk {
 public:
  HessianWalk(Walk& walk, size_t size, hessian::Dialect dialect)
      : walk_(walk), begin_(walk.at()), bytes_(walk.rest().first(size)), dialect_(dialect), reader_(bytes_, {.dialect = dialect}) {}

  bool done() const { return !walk_.ok() || reader_.at_end(); }

  void value(std::string_view name) {
    if (is_reference(bytes_[reader_.offset()], dialect_)) return reference(name);
    auto head = reader_.peek_object();
    if (!head) return wrong(head.error());
    if (head->class_name.empty()) return plain(name);
    object(name);
  }

 private:
  void wrong(const Error& error) {
    walk_.fail(fmt::format("a Hessian value that can be read, in the bytes that begin at {}: {}", begin_, error),
               reader_.offset() - (walk_.at() - begin_));
  }

  void note(std::string_view name, std::string value) { walk_.note(reader_.offset() - (walk_.at() - begin_), name, std::move(value)); }

  void reference(std::string_view name) {
    if (auto skipped = reader_.skip(name); !skipped) return wrong(skipped.error());
    note(name, "the same value as one before");
  }

  void plain(std::string_view name) {
    auto value = reader_.read_value(name);
    if (!value) return wrong(value.error());
    const std::string_view type = value->list() != nullptr ? value->list()->type : value->map() != nullptr ? value->map()->type : "";
    if (value->is_null()) return note(name, "null");
    const std::string what = fmt::format("{}{}{}", to_string(value->kind()), type.empty() ? "" : " of ", type), text = shown(*value);
    const bool fits = text.size() <= kLine || (value->list() == nullptr && value->map() == nullptr);
    note(name, fits ? fmt::format("{} {}", what, text) : what);
    if (!fits) items(*value);
  }

  /// Of a list or map that does not fit into a line; which bytes are theirs is not told.
  void items(const hessian::Value& value) {
    const Walk::Level level(walk_);
    size_t shown_items = 0;
    const auto item = [&](const std::string& name, const hessian::Value& of) {
      if (++shown_items <= kMostValues) walk_.note(0, name, shown(of));
      if (shown_items == kMostValues + 1) walk_.note(0, "...", "further ones");
    };
    if (const auto* list = value.list(); list != nullptr) {
      for (size_t i = 0; i < list->size(); ++i) item(fmt::format("[{}]", i), (*list)[i]);
    } else {
      for (const auto& [key, of] : value.map()->entries) item(shown(key), of);
    }
  }

  static std::string shown(const hessian::Value& value) {
    if (value.kind() == hessian::ValueKind::string) return shown_text(value.text());
    std::string text = hessian::to_text(value, kMostValues);
    constexpr size_t kMost = 200;
    return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
  }

  void object(std::string_view name) {
    if (depth_ == hessian::Limits().depth) return plain(name);
    ++depth_;
    explain_object(name);
    --depth_;
  }

  void explain_object(std::string_view name) {
    auto head = reader_.begin_object(name);
    if (!head) return wrong(head.error());
    note(name, fmt::format("object of {} with {} fields", head->class_name, head->fields.size()));
    const Walk::Level level(walk_);
    for (const std::string_view field : head->fields) {
      if (!walk_.ok()) return;
      if (reader_.at_end()) return walk_.fail(fmt::format("a value for the field {}", field));
      value(field);
    }
  }

  Walk& walk_;
  const size_t begin_;
  const ByteSpan bytes_;
  const hessian::Dialect dialect_;
  hessian::Reader reader_;
  uint32_t depth_ = 0;  // of objects in objects
};

}  // namespace

void explain_hessian(Walk& walk, size_t size, hessian::Dialect dialect, const std::vector<std::string>& names) {
  if (!walk.ok() || size == 0) return;
  HessianWalk hessian(walk, size, dialect);
  for (size_t i = 0; !hessian.done(); ++i) hessian.value(i < names.size() ? names[i] : fmt::format("value {}", i + 1));
}

}  // namespace sofa::tool
