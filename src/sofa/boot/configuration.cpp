#include "sofa/boot/configuration.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "sofa/base/file.h"
#include "sofa/base/json.h"
#include "sofa/base/text.h"
#include "sofa/base/yaml.h"
#include "sofa/boot/detail/sections.h"

namespace sofa::boot {

std::string_view to_string(OriginKind kind) {
  constexpr std::string_view kNames[] = {"default", "file", "environment", "flag", "dynamic"};
  return kNames[static_cast<size_t>(kind)];
}

namespace {

using detail::Block;
using detail::Section;
using detail::Sections;
using Origins = std::map<std::string, Origin, std::less<>>;

constexpr std::string_view kSecretFile = "file:";  // a secret text that begins so is read from that file
constexpr size_t kMaxSecretBytes = 64 << 10;

/// What stands before the sections on the command line alone.
struct OwnFlags {
  std::string config;
  static auto describe(Description<OwnFlags>& d) { d.field("config", &OwnFlags::config).alias("c").doc("the configuration file (YAML)"); }
};

/// Where the mappings of a file begin: "bank.yaml:3:1" by path, the document itself by the empty one.
using Places = std::map<std::string, std::string, std::less<>>;

/// Notes where each value of a file comes from. A list or mapping replaces the former one, so what was known of its parts goes.
class FileOrigins final : public ReadObserver {
 public:
  FileOrigins(Origins& origins, Places& places, OriginKind kind, std::string_view file)
      : origins_(origins), places_(places), kind_(kind), file_(file) {}
  void on_value(std::string_view path, uint32_t line, uint32_t column) override {
    origins_.insert_or_assign(std::string(path), Origin{kind_, fmt::format("{}:{}:{}", file_, line, column)});
  }
  void on_object(std::string_view path, uint32_t line, uint32_t column) override {
    places_.insert_or_assign(std::string(path), fmt::format("{}:{}:{}", file_, line, column));
  }

 private:
  Origins& origins_;
  Places& places_;
  const OriginKind kind_;
  const std::string_view file_;
};

class FlagOrigins final : public FlagObserver {
 public:
  explicit FlagOrigins(Origins& origins) : origins_(origins) {}
  void on_flag(std::string_view path, std::string_view from) override {
    origins_.insert_or_assign(std::string(path), Origin{from.starts_with('-') ? OriginKind::flag : OriginKind::environment, std::string(from)});
  }

 private:
  Origins& origins_;
};

bool is_mapping(const Field& field) { return field.type().kind == Kind::structure && field.type().text_form == nullptr; }

/// Calls `visit(path, field, at)` for each mapping and each value below an object.
template <class Visit>
void for_each_field(const Type& type, const void* object, const std::string& path, const Visit& visit) {
  for (const Field& field : type.structure->fields) {
    const std::string own = path.empty() ? std::string(field.name) : fmt::format("{}.{}", path, field.name);
    visit(own, field, field.in(object));
    if (is_mapping(field)) for_each_field(field.type(), field.in(object), own, visit);
  }
}

/// The same for the values alone.
template <class Visit>
void for_each_value(const Type& type, const void* object, const std::string& path, const Visit& visit) {
  for_each_field(type, object, path, [&](const std::string& own, const Field& field, const void* at) {
    if (!is_mapping(field)) visit(own, field, at);
  });
}

/// "bank.yaml:3:9: " of a value, or of the first that is given of a mapping; nothing for defaults.
std::string place_of(const Origins& origins, const std::string& path) {
  const auto own = origins.find(path);
  const auto found = own == origins.end() ? origins.lower_bound(path + ".") : own;
  const bool meant = found != origins.end() && (found == own || found->first.starts_with(path + "."));
  return meant && !found->second.where.empty() ? found->second.where + ": " : "";
}

/// What several layers and checks complain of, as one error: a line each.
class Problems {
 public:
  void add(Error error) {
    if (!first_) {
      first_ = std::move(error);
    } else {
      rest_ += fmt::format("\n{}", error.to_string());
    }
  }
  template <class T>
  void add(Result<T>&& result) {
    if (!result) add(std::move(result.error()));
  }
  Result<void> result() && {
    if (!first_) return {};
    if (rest_.empty()) return std::unexpected<Error>(std::move(*first_));
    return fail(first_->code(), "{}{}", first_->to_string(), rest_);
  }

 private:
  std::optional<Error> first_;
  std::string rest_;
};

std::string shown(const Field& field, const void* at, bool hide_secrets) {
  if (field.secret && hide_secrets) return "\"***\"";
  return to_json(field.type(), at, {.hide_secrets = hide_secrets}).value_or("null");
}

}  // namespace

class Configuration::Impl {
 public:
  explicit Impl(ConfigurationOptions options) : options_(std::move(options)) {}

  void add(std::string_view path, const Type& type, std::string_view doc, const void* initial) {
    if (values_ != nullptr) {
      fmt::print(stderr, "the configuration section \"{}\" is added after the configuration was loaded\n", path);
      std::abort();
    }
    sections_.add(path, type, doc, initial);
  }

  void check(std::string_view path, ValueCheck check) { checks_.insert_or_assign(std::string(path), std::move(check)); }

  Result<ParsedFlags> load(int argc, const char* const* argv) {
    const std::span<const char* const> arguments(argv, static_cast<size_t>(argc));
    begin();
    auto parsed = parse_command_line(arguments, nullptr);
    if (!parsed || parsed->help) return parsed;
    std::string file = static_cast<const OwnFlags*>(values_->at(own_))->config;
    if (file.empty() && !options_.default_file.empty() && access(options_.default_file.c_str(), F_OK) == 0) file = options_.default_file;
    begin();
    Problems problems;
    bool readable = true;
    if (!file.empty()) {
      const auto text = read_file(file, kYamlOptions.max_bytes);
      if (!text) return std::unexpected<Error>(Error(text.error()).wrap("the configuration cannot be loaded"));
      readable = read_main_file(*text, file, problems);
    }
    FlagOrigins observer(origins_);
    parsed = parse_command_line(arguments, &observer);
    if (!parsed) problems.add(std::move(parsed.error()));
    if (auto finished = finish(std::move(problems), readable); !finished) return forward_error(finished);
    return parsed;
  }

  Result<void> load_text(std::string_view yaml, std::string_view file_name) {
    begin();
    Problems problems;
    const bool readable = read_main_file(yaml, file_name, problems);
    return finish(std::move(problems), readable);
  }

  const void* get(std::string_view path) const {
    const Section* section = sections_.find(path);
    if (section == nullptr || values_ == nullptr) {
      fmt::print(stderr, "the configuration has no section \"{}\"{}\n", path, values_ == nullptr ? " before it is loaded" : "; add it");
      std::abort();
    }
    return std::as_const(*values_).at(*section);
  }

  std::vector<ConfigValue> values() const {
    std::vector<ConfigValue> all;
    if (values_ == nullptr) return all;
    const Block untouched(sections_);
    std::map<std::string, std::string> standard;
    for_each_value(type(), untouched.data(), "",
                   [&](const std::string& path, const Field& field, const void* at) { standard.emplace(path, shown(field, at, true)); });
    for_each_value(type(), object(), "", [&](const std::string& path, const Field& field, const void* at) {
      const auto known = standard.find(path);
      all.push_back({path, shown(field, at, true), known == standard.end() ? "" : known->second, origin_of(path), &field});
    });
    std::ranges::sort(all, {}, &ConfigValue::path);
    return all;
  }

  Result<ConfigValue> explain(std::string_view path) const {
    const std::vector<ConfigValue> all = values();
    const auto found = std::ranges::find(all, path, &ConfigValue::path);
    if (found != all.end()) return *found;
    const std::string inside = fmt::format("{}.", path);
    std::vector<std::string_view> paths, below;
    for (const ConfigValue& value : all) {
      paths.push_back(value.path);
      if (value.path.starts_with(inside)) below.push_back(value.path);
    }
    if (!below.empty()) return fail(Code::not_found, "\"{}\" is a mapping; it holds {}", path, fmt::join(below, ", "));
    const std::string_view near = nearest(path, paths);
    if (near.empty()) return fail(Code::not_found, "\"{}\" is no key of the configuration", path);
    return fail(Code::not_found, "\"{}\" is no key of the configuration; did you mean \"{}\"?", path, near);
  }

  std::string environment_name(std::string_view path) const {
    if (options_.environment_prefix.empty()) return {};
    std::string name = fmt::format("{}_{}", options_.environment_prefix, path);
    for (char& c : name) c = c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return name;
  }

  const Type& type() const { return sections_.type(); }
  const void* object() const { return values_->data(); }
  const std::string& file() const { return file_; }

  Result<std::vector<std::string>> apply(std::string_view yaml, std::string_view source, const OnChange& on_change) {
    Block next(sections_);
    next.assign(*base_);
    Origins origins = base_origins_;
    Places places;
    Problems problems;
    problems.add(read_yaml(yaml, source, OriginKind::dynamic, next, origins, places));
    read_secrets(next, origins, problems);
    run_checks(next, origins, problems);
    if (auto read = std::move(problems).result(); !read) return forward_error(read);
    auto changed = changes_to(next, origins);
    if (!changed) return changed;
    if (auto asked = ask(next, *changed, on_change); !asked) return forward_error(asked);
    values_->assign(next);
    origins_ = std::move(origins);
    if (!changed->empty()) changes_ = {.times = changes_.times + 1, .last = *changed};
    return changed;
  }
  const Changes& changes() const { return changes_; }

 private:
  void begin() {
    values_ = std::make_unique<Block>(sections_);
    origins_.clear();
    places_.clear();
  }

  /// Notes the problems; false when the text is no YAML at all, so that nothing in it is known to be missing.
  bool read_main_file(std::string_view yaml, std::string_view name, Problems& problems) {
    file_ = name;
    auto read = read_yaml(yaml, name, OriginKind::file, *values_, origins_, places_);
    const bool readable = read || places_.contains("");
    problems.add(std::move(read));
    return readable;
  }

  /// Flags and environment, first for --config's sake alone, then on top of the file.
  Result<ParsedFlags> parse_command_line(std::span<const char* const> arguments, FlagObserver* observer) {
    // One struct of both: what is the program's own, and the sections.
    StructInfo info;
    Type all;
    all.kind = Kind::structure;
    all.structure = &info;
    for (Field field : own_.type.structure->fields) {
      field.offset += own_.offset;
      info.fields.push_back(field);
    }
    info.fields.insert(info.fields.end(), type().structure->fields.begin(), type().structure->fields.end());
    return parse_flags(arguments, all, values_->data(),
                       {.program = options_.program,
                        .about = options_.about,
                        .environment_prefix = options_.environment_prefix,
                        .check_required = false,
                        .observer = observer});
  }

  Result<void> read_yaml(std::string_view yaml, std::string_view name, OriginKind kind, Block& into, Origins& origins, Places& places) const {
    FileOrigins observer(origins, places, kind, name);
    ReadOptions read = kYamlOptions;
    read.max_problems = options_.max_problems;
    read.check_required = false;
    read.observer = &observer;
    return from_yaml(yaml, name, type(), into.data(), read);
  }

  Result<void> finish(Problems problems, bool readable) {
    read_secrets(*values_, origins_, problems);
    if (readable) check_required(problems);
    run_checks(*values_, origins_, problems);
    if (auto read = std::move(problems).result(); !read) return read;
    base_ = std::make_unique<Block>(sections_);
    base_->assign(*values_);
    base_origins_ = origins_;
    return {};
  }

  void check_required(Problems& problems) const {
    for_each_value(type(), object(), "", [&](const std::string& path, const Field& field, const void*) {
      if (!field.required || origins_.contains(path)) return;
      problems.add(
          Error(Code::invalid_argument,
                fmt::format("{}{} is required{}{}; set it in the file{} or by {}", place_of_missing(path), path, field.doc.empty() ? "" : ": ",
                            field.doc, options_.environment_prefix.empty() ? "" : ", the environment,", Configuration::flag_name(path))));
    });
  }

  /// "bank.yaml:3:1: " of the innermost mapping of the file that could hold the path; nothing without a file.
  std::string place_of_missing(std::string_view path) const {
    if (file_.empty()) return {};
    for (size_t dot = path.rfind('.'); dot != std::string_view::npos; dot = path.rfind('.', dot - 1)) {
      if (const auto found = places_.find(path.substr(0, dot)); found != places_.end()) return found->second + ": ";
    }
    return fmt::format("{}:1:1: ", file_);
  }

  /// Secret texts "file:PATH" become what the file holds, without the line feed at its end.
  void read_secrets(Block& block, Origins& origins, Problems& problems) const {
    for_each_value(type(), block.data(), "", [&](const std::string& path, const Field& field, const void* at) {
      if (!field.secret || field.type().kind != Kind::string) return;
      auto& text = *static_cast<std::string*>(const_cast<void*>(at));
      if (!text.starts_with(kSecretFile)) return;
      const std::string file = text.substr(kSecretFile.size());
      auto read = read_file(file, kMaxSecretBytes);
      if (!read) return problems.add(std::move(read.error()).wrap(fmt::format("{}: the secret {} cannot be read", origins[path].where, path)));
      while (read->ends_with('\n') || read->ends_with('\r')) read->pop_back();
      text = std::move(*read);
      Origin& origin = origins[path];
      origin.where += fmt::format(" ({}{})", kSecretFile, file);
    });
  }

  void run_checks(const Block& block, const Origins& origins, Problems& problems) const {
    size_t found = 0;
    for_each_field(type(), block.data(), "", [&](const std::string& path, const Field&, const void* at) {
      const auto check = checks_.find(path);
      if (check == checks_.end()) return;
      ++found;
      const Result<void> checked = check->second(at);
      if (checked) return;
      problems.add(Error(Code::invalid_argument, fmt::format("{}{}: {}", place_of(origins, path), path, checked.error().message())));
    });
    if (found == checks_.size()) return;
    fmt::print(stderr, "a check of the configuration names a path that is neither a value nor a mapping\n");
    std::abort();
  }

  Origin origin_of(std::string_view path) const {
    const auto found = origins_.find(path);
    return found == origins_.end() ? Origin{} : found->second;
  }

  /// The paths whose values differ in `next`; an error with all those that may not.
  Result<std::vector<std::string>> changes_to(const Block& next, const Origins& origins) const {
    std::vector<std::string> now;
    for_each_value(type(), object(), "", [&](const std::string&, const Field& field, const void* at) { now.push_back(shown(field, at, false)); });
    std::vector<std::string> changed;
    std::string fixed;
    size_t index = 0;
    for_each_value(type(), next.data(), "", [&](const std::string& path, const Field& field, const void* at) {
      if (shown(field, at, false) == now[index++]) return;
      changed.push_back(path);
      if (field.live) return;
      const auto from = origins.find(path);
      fixed += fmt::format("{}{}: {} cannot change while the program runs; change it in the file and start anew", fixed.empty() ? "" : "\n",
                           from == origins.end() ? "the dynamic configuration" : from->second.where, path);
    });
    if (!fixed.empty()) return fail(Code::failed_precondition, "{}", fixed);
    return changed;
  }

  /// Asks about each section with a changed path; after a refusal those that agreed are asked back.
  Result<void> ask(Block& next, std::span<const std::string> changed, const OnChange& on_change) {
    std::vector<const Section*> agreed;
    for (const auto& section : sections_.all()) {
      const bool differs = std::ranges::any_of(changed, [&](const std::string& path) {
        return path == section->path || (path.starts_with(section->path) && path.size() > section->path.size() && path[section->path.size()] == '.');
      });
      if (!differs) continue;
      auto asked = on_change({section->path, values_->at(*section), next.at(*section)});
      if (asked) {
        agreed.push_back(section.get());
        continue;
      }
      for (const Section* back : agreed) (void)on_change({back->path, next.at(*back), values_->at(*back)});
      return std::unexpected<Error>(std::move(asked.error()).wrap(fmt::format("\"{}\" refuses its new configuration", section->path)));
    }
    return {};
  }

  const ConfigurationOptions options_;
  Sections sections_;
  std::map<std::string, ValueCheck, std::less<>> checks_;  // by path
  const Section& own_ = sections_.add_unlisted(type_of<OwnFlags>());
  std::string file_;
  std::unique_ptr<Block> values_;  // in force
  Origins origins_;                // of values that are no defaults
  Places places_;                  // in the file
  std::unique_ptr<Block> base_;    // without the dynamic source
  Origins base_origins_;
  Changes changes_;
};

Configuration::Configuration(ConfigurationOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Configuration::~Configuration() = default;

void Configuration::add(std::string_view path, const Type& type, std::string_view doc, const void* initial) { impl_->add(path, type, doc, initial); }
void Configuration::check(std::string_view path, ValueCheck check) { impl_->check(path, std::move(check)); }
Result<ParsedFlags> Configuration::load(int argc, const char* const* argv) { return impl_->load(argc, argv); }
Result<void> Configuration::load_text(std::string_view yaml, std::string_view file_name) { return impl_->load_text(yaml, file_name); }
const void* Configuration::get(std::string_view path) const { return impl_->get(path); }
std::vector<ConfigValue> Configuration::values() const { return impl_->values(); }
Result<ConfigValue> Configuration::explain(std::string_view path) const { return impl_->explain(path); }
std::string Configuration::environment_name(std::string_view path) const { return impl_->environment_name(path); }
std::string Configuration::flag_name(std::string_view path) {
  std::string name = fmt::format("--{}", path);
  std::ranges::replace_if(name, [](char c) { return c == '.' || c == '_'; }, '-');
  return name;
}
const Type& Configuration::type() const { return impl_->type(); }
const void* Configuration::object() const { return impl_->object(); }
const std::string& Configuration::file() const { return impl_->file(); }
Result<std::vector<std::string>> Configuration::apply(std::string_view yaml, std::string_view source, const OnChange& on_change) {
  return impl_->apply(yaml, source, on_change);
}
const Configuration::Changes& Configuration::changes() const { return impl_->changes(); }

}  // namespace sofa::boot
