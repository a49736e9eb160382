#include "sofa/base/detail/value_tree.h"

#include <cmath>
#include <set>

#include "sofa/base/detail/scalar_text.h"
#include "sofa/base/text.h"

namespace sofa::detail {

namespace {

/// "name" or, for keys that are no words, ["a key"].
std::string step(std::string_view key, bool first) {
  const bool word = !key.empty() && std::ranges::all_of(key, [](char c) { return is_alpha(c) || is_digit(c) || c == '_' || c == '-'; });
  if (!word) return fmt::format("[{}]", quoted(key));
  return fmt::format("{}{}", first ? "" : ".", key);
}

/// Adds a step to the path for a scope.
class Step {
 public:
  Step(std::string& path, std::string_view more) : path_(path), size_(path.size()) { path_ += more; }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  ~Step() { path_.resize(size_); }

 private:
  std::string& path_;
  size_t size_;
};

/// Sets a flag for a scope.
class Whole {
 public:
  explicit Whole(bool& flag) : flag_(flag), before_(std::exchange(flag, true)) {}
  Whole(const Whole&) = delete;
  Whole& operator=(const Whole&) = delete;
  ~Whole() { flag_ = before_; }

 private:
  bool& flag_;
  bool before_;
};

}  // namespace

void TreeReader::fill(const Node& node, const Type& type, const Field* field, void* at) {
  if (full()) return;
  if (type.kind == Kind::indirect) return fill_indirect(node, type, field, at);
  if (type.text_form != nullptr) return fill_by_form(node, type, field, at);
  if (node.form == Node::Form::null) {
    // An empty mapping or list of a configuration file is written as nothing at all.
    const bool container = type.kind == Kind::structure || type.kind == Kind::map || type.kind == Kind::list;
    if (!options_.null_is_default && !container) wrong(node, type, field, "null");
    return;
  }
  if (type.kind == Kind::structure) return fill_struct(node, type, at);
  if (type.kind == Kind::map) return fill_map(node, type, field, at);
  if (type.kind == Kind::list && !(type.is_byte_list() && node.is_text())) return fill_list(node, type, field, at);
  fill_scalar(node, type, field, at);
}

void TreeReader::fill_by_form(const Node& node, const Type& type, const Field* field, void* at) {
  const Wrong found = type.text_form->read(node, at, *this);
  const bool left_out = node.form == Node::Form::null && options_.null_is_default;
  if (found && !left_out) wrong(node, type, field, *found);
}

void TreeReader::fill_scalar(const Node& node, const Type& type, const Field* field, void* at) {
  Wrong found;
  switch (node.form) {
    case Node::Form::boolean:
      found = set_boolean(type, node.boolean, at);
      break;
    case Node::Form::number:
      if (!std::isfinite(node.number)) {
        found = "a number too large for 64 bits";
      } else if (set_number(type, field, node.number, at)) {
        found = node.shown();  // as it was written: the number may have lost digits
      }
      break;
    case Node::Form::typed_text:
      found = set_text(type, field, node.text, true, at);
      break;
    case Node::Form::plain_text:
      found = set_text(type, field, node.text, false, at);
      break;
    default:
      found = node.shown();
      break;
  }
  if (found) wrong(node, type, field, *found);
}

void TreeReader::fill_struct(const Node& node, const Type& type, void* at) {
  if (node.form != Node::Form::map) return wrong(node, type, nullptr, node.shown());
  if (options_.observer != nullptr) options_.observer->on_object(path_, node.line, node.column);
  const StructInfo& structure = *type.structure;
  std::vector<bool> seen(structure.fields.size());
  for (size_t i = 0; i + 1 < node.items.size() && !full(); i += 2) {
    const Node& key = node.items[i];
    const Field* field = structure.find(key.text);
    const Step step_in(path_, step(field == nullptr ? key.text : field->name, path_.empty()));
    if (field == nullptr) {
      if (!options_.ignore_unknown) unknown_key(key, structure);
      continue;
    }
    const auto index = static_cast<size_t>(field - structure.fields.data());
    if (seen[index]) {
      const std::string also = key.text == field->name ? "" : fmt::format(", here as {}", quoted(key.text));
      complain(key, fmt::format("{} is given twice{}; remove one of them", path_, also));
      continue;
    }
    seen[index] = true;
    const bool outer = std::exchange(secret_, secret_ || field->secret);
    fill(node.items[i + 1], field->type(), field, field->in(at));
    tell(node.items[i + 1], field->type());
    secret_ = outer;
  }
  for (size_t i = 0; i < seen.size() && (options_.check_required || in_whole_); ++i) {
    const Field& field = structure.fields[i];
    if (!field.required || seen[i]) continue;
    complain(node, fmt::format("{}{}{} is required: {}", path_, path_.empty() ? "" : ".", field.name, expected_of(field.type(), &field)));
  }
}

void TreeReader::tell(const Node& node, const Type& type) {
  if (options_.observer == nullptr) return;
  if (type.kind != Kind::structure || type.text_form != nullptr) options_.observer->on_value(path_, node.line, node.column);
}

void TreeReader::unknown_key(const Node& key, const StructInfo& structure) {
  std::vector<std::string_view> names;
  for (const Field& field : structure.fields) names.push_back(field.name);
  const std::string_view near = nearest(key.text, names);
  if (!near.empty()) return complain(key, fmt::format("{} is no known key; did you mean \"{}\"?", path_, near));
  std::string known;
  for (size_t i = 0; i < names.size() && known.size() < 200; ++i) known += fmt::format("{}{}", i == 0 ? "" : ", ", names[i]);
  complain(key, fmt::format("{} is no known key; known here: {}", path_, known));
}

void TreeReader::fill_list(const Node& node, const Type& type, const Field* field, void* at) {
  if (node.form != Node::Form::list) return wrong(node, type, field, node.shown());
  type.list->clear(at);
  type.list->reserve(at, node.items.size());
  const Whole inside(in_whole_);
  for (size_t i = 0; i < node.items.size() && !full(); ++i) {
    const Step step_in(path_, fmt::format("[{}]", i));
    fill(node.items[i], type.list->element(), field, type.list->append(at));
  }
}

void TreeReader::fill_map(const Node& node, const Type& type, const Field* field, void* at) {
  if (node.form != Node::Form::map) return wrong(node, type, field, node.shown());
  type.map->clear(at);
  std::set<std::string_view> seen;
  const Whole inside(in_whole_);
  for (size_t i = 0; i + 1 < node.items.size() && !full(); i += 2) {
    const Step step_in(path_, step(node.items[i].text, path_.empty()));
    if (!seen.insert(node.items[i].text).second) {
      complain(node.items[i], fmt::format("{} is given twice; remove one of them", path_));
      continue;
    }
    fill_entry(node.items[i], node.items[i + 1], type, field, at);
  }
}

void TreeReader::fill_entry(const Node& key, const Node& value, const Type& type, const Field* field, void* at) {
  struct Context {
    TreeReader& reader;
    const Node& key;
    const Node& value;
    const Type& type;
    const Field* field;
    bool filled = false;
  } context{*this, key, value, type, field};
  const bool stored = type.map->insert(at, &context, [](void* raw, void* key_at, void* value_at) {
    Context& c = *static_cast<Context*>(raw);
    const Type& key_type = c.type.map->key();
    if (const Wrong found = c.reader.set_key(c.key, key_type, key_at)) {
      c.reader.wrong(c.key, key_type, nullptr, *found);
      return false;
    }
    c.reader.fill(c.value, c.type.map->value(), c.field, value_at);
    return c.filled = true;
  });
  if (!stored && context.filled) complain(key, fmt::format("{}: too many keys of the map have the same hash; declare it as a std::map", path_));
}

/// JSON has text for every key, also where the map's keys are numbers.
Wrong TreeReader::set_key(const Node& key, const Type& type, void* at) {
  if (type.text_form != nullptr) return type.text_form->read(key, at, *this);
  return is_scalar(type) ? set_text(type, nullptr, key.text, false, at) : Wrong("a text key");
}

void TreeReader::fill_indirect(const Node& node, const Type& type, const Field* field, void* at) {
  if (node.form == Node::Form::null) return type.indirect->reset(at);
  if (needs_arena(*type.indirect) && arena_ == nullptr) {
    return complain(node, fmt::format("{} is a pointer into a graph, whose target needs an owner; read it into a Graph", shown_path()));
  }
  const Whole inside(in_whole_);
  fill(node, type.indirect->target(), field, type.indirect->emplace(at, arena_));
}

void TreeReader::wrong(const Node& node, const Type& type, const Field* field, std::string_view found) {
  std::string text =
      fmt::format("{}: expected {}, found {}", shown_path(), expected_of(type, field), secret_ ? "something else (the value is secret)" : found);
  complain(node, std::move(text));
}

void TreeReader::complain(const Node& node, std::string text) { problems_.push_back({node.line, node.column, std::move(text)}); }

Error error_of(const std::vector<Problem>& problems, const ReadOptions& options) {
  std::string text;
  const size_t shown = std::min(problems.size(), options.max_problems);
  for (size_t i = 0; i < shown; ++i) {
    const Problem& problem = problems[i];
    text += fmt::format("{}{}:{}:{}: {}", i == 0 ? "" : "\n", options.source, problem.line, problem.column, problem.text);
  }
  if (problems.size() > shown) text += fmt::format("\n{}: more problems follow; mend these first", options.source);
  return Error(Code::invalid_argument, std::move(text));
}

}  // namespace sofa::detail

namespace sofa {

std::string TextNode::shown() const {
  switch (form) {
    case Form::null:
      return "null";
    case Form::boolean:
      return boolean ? "true" : "false";
    case Form::number:
      return text.substr(0, 60);
    case Form::list:
      return "a list";
    case Form::map:
      return "a mapping";
    default:
      return detail::quoted(text);
  }
}

}  // namespace sofa
