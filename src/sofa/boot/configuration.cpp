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

/// Notes where each value of a file comes from. A list or mapping replaces the former one, so what was known of its parts goes.
class FileOrigins final : public ReadObserver {
 public:
  FileOrigins(Origins& origins, OriginKind kind, std::string_view file) : origins_(origins), kind_(kind), file_(file) {}
  void on_value(std::string_view path, uint32_t line, uint32_t column) override {
    origins_.insert_or_assign(std::string(path), Origin{kind_, fmt::format("{}:{}:{}", file_, line, column)});
  }

 private:
  Origins& origins_;
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

/// Calls `visit(path, field, at)` for each value below an object.
template <class Visit>
void for_each_value(const Type& type, const void* object, const std::string& path, const Visit& visit) {
  for (const Field& field : type.structure->fields) {
    const std::string own = path.empty() ? std::string(field.name) : fmt::format("{}.{}", path, field.name);
    if (field.type().kind == Kind::structure && field.type().text_form == nullptr) {
      for_each_value(field.type(), field.in(object), own, visit);
    } else {
      visit(own, field, field.in(object));
    }
  }
}

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

  Result<ParsedFlags> load(int argc, const char* const* argv) {
    const std::span<const char* const> arguments(argv, static_cast<size_t>(argc));
    begin();
    auto parsed = parse_command_line(arguments, nullptr);
    if (!parsed || parsed->help) return parsed;
    std::string file = static_cast<const OwnFlags*>(values_->at(own_))->config;
    if (file.empty() && !options_.default_file.empty() && access(options_.default_file.c_str(), F_OK) == 0) file = options_.default_file;
    begin();
    if (!file.empty()) {
      const auto text = read_file(file, kYamlOptions.max_bytes);
      if (!text) return std::unexpected<Error>(Error(text.error()).wrap("the configuration cannot be loaded"));
      if (auto read = read_yaml(*text, file, OriginKind::file, *values_, origins_); !read) return forward_error(read);
      file_ = file;
    }
    FlagOrigins observer(origins_);
    parsed = parse_command_line(arguments, &observer);
    if (!parsed) return parsed;
    if (auto finished = finish(); !finished) return forward_error(finished);
    return parsed;
  }

  Result<void> load_text(std::string_view yaml, std::string_view file_name) {
    begin();
    file_ = file_name;
    if (auto read = read_yaml(yaml, file_name, OriginKind::file, *values_, origins_); !read) return read;
    return finish();
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
    for_each_value(type(), object(), "", [&](const std::string& path, const Field& field, const void* at) {
      all.push_back({path, shown(field, at, true), origin_of(path), &field});
    });
    std::ranges::sort(all, {}, &ConfigValue::path);
    return all;
  }

  Result<ConfigValue> explain(std::string_view path) const {
    const std::vector<ConfigValue> all = values();
    const auto found = std::ranges::find(all, path, &ConfigValue::path);
    if (found != all.end()) return *found;
    std::vector<std::string_view> paths;
    for (const ConfigValue& value : all) paths.push_back(value.path);
    const std::string_view near = nearest(path, paths);
    if (near.empty()) return fail(Code::not_found, "\"{}\" is no key of the configuration", path);
    return fail(Code::not_found, "\"{}\" is no key of the configuration; did you mean \"{}\"?", path, near);
  }

  const Type& type() const { return sections_.type(); }
  const void* object() const { return values_->data(); }
  const std::string& file() const { return file_; }

  Result<std::vector<std::string>> apply(std::string_view yaml, std::string_view source, const OnChange& on_change) {
    Block next(sections_);
    next.assign(*base_);
    Origins origins = base_origins_;
    if (auto read = read_yaml(yaml, source, OriginKind::dynamic, next, origins); !read) return forward_error(read);
    if (auto read = read_secrets(next, origins); !read) return forward_error(read);
    auto changed = changes_to(next, origins);
    if (!changed) return changed;
    if (auto asked = ask(next, *changed, on_change); !asked) return forward_error(asked);
    values_->assign(next);
    origins_ = std::move(origins);
    return changed;
  }

 private:
  void begin() {
    values_ = std::make_unique<Block>(sections_);
    origins_.clear();
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

  Result<void> read_yaml(std::string_view yaml, std::string_view name, OriginKind kind, Block& into, Origins& origins) const {
    FileOrigins observer(origins, kind, name);
    ReadOptions read = kYamlOptions;
    read.max_problems = options_.max_problems;
    read.check_required = false;
    read.observer = &observer;
    return from_yaml(yaml, name, type(), into.data(), read);
  }

  Result<void> finish() {
    if (auto read = read_secrets(*values_, origins_); !read) return read;
    if (auto checked = check_required(); !checked) return checked;
    base_ = std::make_unique<Block>(sections_);
    base_->assign(*values_);
    base_origins_ = origins_;
    return {};
  }

  Result<void> check_required() const {
    std::string missing;
    for_each_value(type(), object(), "", [&](const std::string& path, const Field& field, const void*) {
      if (!field.required || origins_.contains(path)) return;
      missing += fmt::format("{}{} is required{}{}; set it in the file, {}by --{}", missing.empty() ? "" : "\n", path, field.doc.empty() ? "" : ": ",
                             field.doc, options_.environment_prefix.empty() ? "" : "the environment, or ", flag_name(path));
    });
    if (missing.empty()) return {};
    return fail(Code::invalid_argument, "{}", missing);
  }

  static std::string flag_name(std::string path) {
    std::ranges::replace_if(path, [](char c) { return c == '.' || c == '_'; }, '-');
    return path;
  }

  /// Secret texts "file:PATH" become what the file holds, without the line feed at its end.
  Result<void> read_secrets(Block& block, Origins& origins) const {
    Result<void> done;
    for_each_value(type(), block.data(), "", [&](const std::string& path, const Field& field, const void* at) {
      if (!done || !field.secret || field.type().kind != Kind::string) return;
      auto& text = *static_cast<std::string*>(const_cast<void*>(at));
      if (!text.starts_with(kSecretFile)) return;
      const std::string file = text.substr(kSecretFile.size());
      auto read = read_file(file, kMaxSecretBytes);
      if (!read) {
        done = std::unexpected<Error>(std::move(read.error()).wrap(fmt::format("{}: the secret {} cannot be read", origins[path].where, path)));
        return;
      }
      while (read->ends_with('\n') || read->ends_with('\r')) read->pop_back();
      text = std::move(*read);
      Origin& origin = origins[path];
      origin.where += fmt::format(" ({}{})", kSecretFile, file);
    });
    return done;
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
  const Section& own_ = sections_.add_unlisted(type_of<OwnFlags>());
  std::string file_;
  std::unique_ptr<Block> values_;  // in force
  Origins origins_;                // of values that are no defaults
  std::unique_ptr<Block> base_;    // without the dynamic source
  Origins base_origins_;
};

Configuration::Configuration(ConfigurationOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Configuration::~Configuration() = default;

void Configuration::add(std::string_view path, const Type& type, std::string_view doc, const void* initial) { impl_->add(path, type, doc, initial); }
Result<ParsedFlags> Configuration::load(int argc, const char* const* argv) { return impl_->load(argc, argv); }
Result<void> Configuration::load_text(std::string_view yaml, std::string_view file_name) { return impl_->load_text(yaml, file_name); }
const void* Configuration::get(std::string_view path) const { return impl_->get(path); }
std::vector<ConfigValue> Configuration::values() const { return impl_->values(); }
Result<ConfigValue> Configuration::explain(std::string_view path) const { return impl_->explain(path); }
const Type& Configuration::type() const { return impl_->type(); }
const void* Configuration::object() const { return impl_->object(); }
const std::string& Configuration::file() const { return impl_->file(); }
Result<std::vector<std::string>> Configuration::apply(std::string_view yaml, std::string_view source, const OnChange& on_change) {
  return impl_->apply(yaml, source, on_change);
}

}  // namespace sofa::boot
