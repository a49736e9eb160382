#include "sofa/base/flags.h"

#include <cstdlib>
#include <set>

#include "sofa/base/detail/scalar_text.h"
#include "sofa/base/json.h"
#include "sofa/base/text.h"

namespace sofa {

namespace {

/// One field of the options, nested structs flattened.
struct Flag {
  std::string name;   // "ledger-listen-port"
  std::string path;   // "ledger.listen_port"
  std::string alias;  // the same with the field's alias; empty without one; one letter: "-c" in place of "--c"
  const Field* field;
  const Type* type;  // looks through optional
  void* at;          // the field, a pointer not looked through
  bool given = false;
};

std::string dashed(std::string_view name) {
  std::string text(name);
  std::ranges::replace(text, '_', '-');
  return text;
}

std::string environment_name(std::string_view prefix, std::string_view flag) {
  std::string name = fmt::format("{}_{}", prefix, flag);
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

/// `path` is that of the object, with a dot at its end.
void collect(const Type& type, void* object, const std::string& path, std::vector<Flag>& flags) {
  std::string prefix = dashed(path);
  std::ranges::replace(prefix, '.', '-');
  for (const Field& field : type.structure->fields) {
    const Type* own = &field.type();
    const std::string own_path = path + std::string(field.name);
    if (own->kind == Kind::structure) {
      collect(*own, field.in(object), own_path + ".", flags);
      continue;
    }
    if (own->kind == Kind::indirect) own = &own->indirect->target();
    flags.push_back({prefix + dashed(field.name), own_path, field.alias.empty() ? "" : prefix + dashed(field.alias), &field, own, field.in(object)});
  }
}

class FlagParser {
 public:
  FlagParser(std::span<const char* const> arguments, const Type& type, void* object, const FlagOptions& options)
      : arguments_(arguments), type_(type), options_(options) {
    collect(type, object, "", flags_);
    parsed_.help_text = help();
  }

  Result<ParsedFlags> parse() {
    for (const std::string_view argument : arguments_) {
      if (argument == "--") break;
      if (argument == "--help" || argument == "-h") parsed_.help = true;
    }
    if (parsed_.help) return std::move(parsed_);
    if (auto read = read_environment(); !read) return forward_error(read);
    if (auto read = read_arguments(); !read) return forward_error(read);
    for (const Flag& flag : flags_) {
      if (options_.check_required && flag.field->required && !flag.given) {
        const std::string expected = detail::expected_of(*flag.type, flag.field);
        return fail(Code::invalid_argument, "--{} is required and was not given: {}", flag.name,
                    flag.field->doc.empty() ? expected : fmt::format("{} ({})", flag.field->doc, expected));
      }
    }
    return std::move(parsed_);
  }

 private:
  Result<void> read_environment() {
    if (options_.environment_prefix.empty()) return {};
    for (Flag& flag : flags_) {
      const std::string name = environment_name(options_.environment_prefix, flag.name);
      const char* value = std::getenv(name.c_str());
      if (value == nullptr) continue;
      if (auto set = assign(flag, name, value); !set) return set;
    }
    for (Flag& flag : flags_) cleared_.erase(&flag);  // the command line replaces a list of the environment
    return {};
  }

  Result<void> read_arguments() {
    bool only_positional = false;
    for (size_t i = 1; i < arguments_.size(); ++i) {
      const std::string_view argument = arguments_[i];
      if (!only_positional && argument == "--") {
        only_positional = true;
      } else if (!only_positional && argument.starts_with('-') && argument != "-") {
        if (auto read = read_flag(argument, i); !read) return read;
      } else if (parsed_.positional.size() == options_.max_positional) {
        return fail(Code::invalid_argument, "the argument {} is one too many; flags start with --, see --help", detail::quoted(argument));
      } else {
        parsed_.positional.emplace_back(argument);
      }
    }
    return {};
  }

  /// `index` moves on when the value is the next argument.
  Result<void> read_flag(std::string_view argument, size_t& index) {
    std::string_view name = argument.substr(argument.starts_with("--") ? 2 : 1);
    const size_t equals = name.find('=');
    const bool has_value = equals != std::string_view::npos;
    std::string_view value = has_value ? name.substr(equals + 1) : std::string_view{};
    name = name.substr(0, equals);
    Flag* flag = find(name);
    const bool negated = flag == nullptr && name.starts_with("no-") && !has_value;
    if (negated) flag = find(name.substr(3));
    const bool is_letter = name.size() == 1 && flag != nullptr && flag->alias == name;
    if (flag == nullptr || argument.starts_with("--") == is_letter || (negated && flag->type->kind != Kind::boolean)) return unknown(argument, name);
    const std::string shown = fmt::format("{}{}", is_letter ? "-" : "--", name);
    if (!has_value && flag->type->kind == Kind::boolean) {
      value = negated ? "false" : "true";
    } else if (!has_value) {
      if (index + 1 == arguments_.size()) {
        return fail(Code::invalid_argument, "{} needs a value: {}", shown, detail::expected_of(*flag->type, flag->field));
      }
      value = arguments_[++index];
    }
    return assign(*flag, shown, value);
  }

  Flag* find(std::string_view name) {
    for (Flag& flag : flags_) {
      if (flag.name == name || (!flag.alias.empty() && flag.alias == name)) return &flag;
    }
    return nullptr;
  }

  Result<void> unknown(std::string_view argument, std::string_view name) const {
    std::vector<std::string_view> names{"help"};
    for (const Flag& flag : flags_) names.push_back(flag.name);
    const std::string_view near = nearest(name, names);
    const std::string_view shown = argument.substr(0, argument.find('='));
    if (near.empty()) return fail(Code::invalid_argument, "{} is no known flag; see --help", shown);
    return fail(Code::invalid_argument, "{} is no known flag; did you mean --{}?", shown, near);
  }

  Result<void> assign(Flag& flag, std::string_view shown, std::string_view value) {
    flag.given = true;
    void* at = flag.at;
    if (flag.field->type().kind == Kind::indirect) {
      if (detail::needs_arena(*flag.field->type().indirect)) {
        return fail(Code::unimplemented, "{} cannot be set on the command line; use the configuration file", shown);
      }
      at = flag.field->type().indirect->emplace(at, nullptr);
    }
    const detail::Wrong found = set(flag, at, value);
    if (!found && options_.observer != nullptr) options_.observer->on_flag(flag.path, shown);
    if (!found) return {};
    return fail(Code::invalid_argument, "{}: expected {}, found {}", shown, detail::expected_of(one_of(*flag.type), flag.field),
                flag.field->secret ? "something else (the value is secret)" : *found);
  }

  /// What a single use of a flag gives: of a list an element.
  static const Type& one_of(const Type& type) {
    const bool is_list = type.kind == Kind::list && !type.is_byte_list();
    return is_list && detail::is_scalar(type.list->element()) ? type.list->element() : type;
  }

  detail::Wrong set(Flag& flag, void* at, std::string_view value) {
    const Type& type = *flag.type;
    if (detail::is_scalar(type)) return detail::set_text(type, flag.field, value, false, at);
    if (type.kind != Kind::list && type.kind != Kind::map) return detail::quoted(value);
    const bool first = cleared_.insert(&flag).second;  // the first use replaces the default
    if (type.kind == Kind::map) return set_entry(type, flag.field, first, at, value);
    if (first) type.list->clear(at);
    const Type& element = type.list->element();
    if (!detail::is_scalar(element)) return detail::quoted(value);
    return detail::set_text(element, flag.field, value, false, type.list->append(at));
  }

  static detail::Wrong set_entry(const Type& type, const Field* field, bool first, void* at, std::string_view text) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return fmt::format("{}, which is no key=value", detail::quoted(text));
    if (first) type.map->clear(at);
    struct Context {
      const Type& type;
      const Field* field;
      std::string_view key, value;
      detail::Wrong wrong = {};
    } context{type, field, text.substr(0, equals), text.substr(equals + 1)};
    type.map->insert(at, &context, [](void* raw, void* key, void* value) {
      Context& c = *static_cast<Context*>(raw);
      if (!detail::is_scalar(c.type.map->key()) || !detail::is_scalar(c.type.map->value())) c.wrong = "a map that text cannot express";
      if (!c.wrong) c.wrong = detail::set_text(c.type.map->key(), nullptr, c.key, false, key);
      if (!c.wrong) c.wrong = detail::set_text(c.type.map->value(), c.field, c.value, false, value);
      return !c.wrong;
    });
    return context.wrong;
  }

  std::string help() const {
    const std::string_view program = !options_.program.empty() ? options_.program : arguments_.empty() ? "program" : std::string_view(arguments_[0]);
    std::string text = fmt::format("Usage: {} [flags]", program.substr(program.rfind('/') + 1));
    if (!options_.positional_usage.empty()) {
      text += fmt::format(" {}", options_.positional_usage);
    } else if (options_.max_positional > 0) {
      text +=
          fmt::format(" [{}{}]", options_.positional_name.empty() ? "ARGUMENT" : options_.positional_name, options_.max_positional > 1 ? "..." : "");
    }
    const std::string_view about = options_.about.empty() ? type_.structure->doc : options_.about;
    text += about.empty() ? "\n\n" : fmt::format("\n\n{}\n\n", about);
    size_t width = 6;
    for (const Flag& flag : flags_) width = std::max(width, std::min<size_t>(shown_name(flag).size(), 40));
    for (const Flag& flag : flags_) {
      text += fmt::format("  {:<{}}  {}", shown_name(flag), width, describe_flag(flag));
      text.erase(text.find_last_not_of(' ') + 1);
      text += '\n';
    }
    text += fmt::format("  {:<{}}  shows this text\n", "--help", width);
    if (!options_.environment_prefix.empty()) {
      text += fmt::format("\nEach flag may be set by the environment too: --{} is {}.\n", flags_.empty() ? "flag" : flags_[0].name,
                          environment_name(options_.environment_prefix, flags_.empty() ? "flag" : flags_[0].name));
    }
    return text;
  }

  static std::string shown_name(const Flag& flag) {
    return flag.alias.size() == 1 ? fmt::format("-{}, --{}", flag.alias, flag.name) : "--" + flag.name;
  }

  std::string describe_flag(const Flag& flag) const {
    const std::string form = form_of(flag), standing = flag.field->required ? "required" : default_of(flag);
    std::string text(flag.field->doc);
    if (!form.empty() || !standing.empty()) {
      text += fmt::format("{}({}{}{})", text.empty() ? "" : " ", form, form.empty() || standing.empty() ? "" : "; ", standing);
    }
    return text;
  }

  /// What a value looks like; empty for any text, and for a flag that is on or off.
  static std::string form_of(const Flag& flag) {
    if (flag.type->kind == Kind::map) return "key=value, may be repeated";
    if (flag.type->kind == Kind::list && !flag.type->is_byte_list()) return "may be repeated";
    const std::string expected = detail::expected_of(*flag.type, flag.field);
    return expected == "text" || flag.type->kind == Kind::boolean ? "" : expected;
  }

  static std::string default_of(const Flag& flag) {
    if (flag.field->secret) return "secret";
    const std::string text = to_json(flag.field->type(), flag.at).value_or("null");
    const bool is_none = text == "null" || text == "\"\"" || text == "[]" || text == "{}" || text == "false";
    return is_none ? "" : fmt::format("default {}", text);
  }

  std::span<const char* const> arguments_;
  const Type& type_;
  const FlagOptions& options_;
  std::vector<Flag> flags_;
  std::set<const Flag*> cleared_;
  ParsedFlags parsed_;
};

}  // namespace

Result<ParsedFlags> parse_flags(std::span<const char* const> arguments, const Type& type, void* object, const FlagOptions& options) {
  return FlagParser(arguments, type, object, options).parse();
}

std::optional<int> exit_code_of(const Result<ParsedFlags>& parsed) {
  if (!parsed) return fmt::print(stderr, "{}\n", parsed.error()), 2;
  if (parsed->help) return fmt::print("{}", parsed->help_text), 0;
  return std::nullopt;
}

}  // namespace sofa
