// sofa config check, show, schema, explain

#include <ranges>

#include "sofa/base/json_schema.h"
#include "sofa/base/text.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/config_sections.h"
#include "sofa/tool/json_tree.h"

namespace sofa::tool {

namespace {

using boot::Configuration;
using boot::ConfigValue;

constexpr CommandGroup kConfigCommands{"config", "checks, shows and explains configuration files"};

/// All sections; `prefix` is that of the environment, empty where it does not count.
class Sections : public Configuration {
 public:
  explicit Sections(std::string_view prefix = kEnvironmentPrefix) : Configuration({.program = "sofa", .environment_prefix = std::string(prefix)}) {
    add_config_sections(*this);
  }
  /// Reads a file (none when the name is empty) and what counts of the environment.
  Result<void> read(const std::string& file) {
    std::vector<const char*> arguments{"sofa"};
    if (!file.empty()) arguments.insert(arguments.end(), {"--config", file.c_str()});
    auto loaded = load(static_cast<int>(arguments.size()), arguments.data());
    if (!loaded) return forward_error(loaded);
    return {};
  }
};

struct CheckOptions : OutputFlags {
  std::string config;
  static void describe(Description<CheckOptions>& d) {
    d.inherit<OutputFlags>();
    d.field("config", &CheckOptions::config).alias("c").doc("the file (YAML)").required();
  }
};

/// A line that `sofa config check` tells; places begin with 1, and are 0 where the sentence is of no place in the file.
struct Mistake {
  std::string file{};
  uint32_t line = 0, column = 0;
  std::string message{};
  static void describe(Description<Mistake>& d) {
    d.field("file", &Mistake::file);
    d.field("line", &Mistake::line);
    d.field("column", &Mistake::column);
    d.field("message", &Mistake::message);
  }
};

/// Of "FILE:LINE:COLUMN: sentence".
Mistake mistake_of(std::string_view text, std::string_view file) {
  Mistake mistake{.file = std::string(file), .message = std::string(text)};
  if (!text.starts_with(file)) return mistake;
  text.remove_prefix(file.size());
  for (uint32_t* number : {&mistake.line, &mistake.column}) {
    if (!text.starts_with(':')) return mistake;
    text.remove_prefix(1);
    const size_t end = text.find(':');
    const auto read = whole_number<uint32_t>(text.substr(0, end));
    if (!read) return mistake;
    *number = *read;
    text.remove_prefix(end);
  }
  if (text.starts_with(": ")) mistake.message = text.substr(2);
  return mistake;
}

/// Mistakes of a file are an answer; a file that cannot be read is a wrong command line.
Exit tell(const Error& error, const CheckOptions& options, Terminal& terminal) {
  if (error.code() != Code::invalid_argument) return terminal.complain(error.to_string()), Exit::wrong_usage;
  const std::string text = error.to_string();
  if (!is_document(options.output)) return terminal.print_line(text), Exit::refused;
  std::vector<Mistake> mistakes;
  for (const auto line : std::views::split(text, '\n')) mistakes.push_back(mistake_of(std::string_view(line), options.config));
  print_rows<Mistake>(mistakes, options.output, terminal);
  return Exit::refused;
}

Exit check(Arguments<CheckOptions>& given, Terminal& terminal) {
  const CheckOptions& options = given.options;
  Sections sections("");
  if (const auto read = sections.read(options.config); !read) return tell(read.error(), options, terminal);
  if (is_document(options.output)) return print_rows<Mistake>({}, options.output, terminal), Exit::ok;
  terminal.print_line(fmt::format("{}: ok", options.config));
  return Exit::ok;
}

struct ShowOptions : OutputFlags {
  std::string config;
  bool changed = false;
  static void describe(Description<ShowOptions>& d) {
    d.inherit<OutputFlags>();
    d.field("config", &ShowOptions::config).alias("c").doc("the file (YAML); without it defaults and environment alone");
    d.field("changed", &ShowOptions::changed).doc("only values that are no defaults");
  }
};

/// A row of `sofa config show`.
struct Shown {
  std::string key;
  JsonTree value;
  std::string origin;
  std::string place;
  bool live = false;
  static void describe(Description<Shown>& d) {
    d.field("key", &Shown::key);
    d.field("value", &Shown::value);
    d.field("origin", &Shown::origin).doc("default, file, environment, flag or dynamic");
    d.field("place", &Shown::place).doc("FILE:LINE:COLUMN, or the variable's name");
    d.field("live", &Shown::live).doc("may change while the program runs");
  }
};

JsonTree tree_of(std::string_view json) { return JsonTree::parse(json, "value").value_or(JsonTree()); }

Exit show(Arguments<ShowOptions>& given, Terminal& terminal) {
  Sections sections;
  if (const auto read = sections.read(given.options.config); !read) {
    terminal.complain(read.error().to_string());
    return read.error().code() == Code::invalid_argument ? Exit::refused : Exit::wrong_usage;
  }
  std::vector<Shown> rows;
  for (const ConfigValue& value : sections.values()) {
    if (given.options.changed && value.origin.kind == boot::OriginKind::standard) continue;
    rows.push_back({value.path, tree_of(value.json), std::string(to_string(value.origin.kind)), value.origin.where, value.field->live});
  }
  const auto faint = [](std::string_view column, std::string_view cell) {
    return column == "origin" && cell == "default" ? std::optional(Colour::faint) : std::nullopt;
  };
  print_rows<Shown>(rows, given.options.output, terminal,
                    {.columns = {"key", "value", "origin", "place"}, .none = "Every value is the default.", .colour = faint});
  return Exit::ok;
}

struct SchemaOptions {
  static void describe(Description<SchemaOptions>& d) { d.doc("Prints the JSON Schema of configuration files."); }
};

Exit schema(Arguments<SchemaOptions>&, Terminal& terminal) {
  Sections sections;
  (void)sections.load_text("", "");  // what is required is missing, and the defaults are known all the same
  const std::string text = config_schema(sections.type(), sections.object(), {.title = "configuration of sofa"});
  terminal.print_line(indented(text));
  return Exit::ok;
}

/// What `sofa config explain` tells of one key.
struct Explained {
  std::string key;
  std::string takes;
  std::string unit;
  JsonTree standard;
  std::string means;
  bool required = false;
  bool live = false;
  bool secret = false;
  std::string flag;
  std::string environment;
  static void describe(Description<Explained>& d) {
    d.field("key", &Explained::key);
    d.field("means", &Explained::means);
    d.field("takes", &Explained::takes);
    d.field("unit", &Explained::unit).doc("of a number without one; durations and sizes may be texts: 800ms, 32MiB");
    d.field("default", &Explained::standard);
    d.field("required", &Explained::required);
    d.field("live", &Explained::live).doc("may change while the program runs");
    d.field("secret", &Explained::secret).doc("never shown; file:PATH reads it from a file");
    d.field("flag", &Explained::flag);
    d.field("environment", &Explained::environment);
  }
};

Explained explained(const Configuration& configuration, const ConfigValue& value) {
  const Field& field = *value.field;
  return {.key = value.path,
          .takes = input_of(field),
          .unit = std::string(field.unit),
          .standard = tree_of(value.json),
          .means = std::string(field.doc),
          .required = field.required,
          .live = field.live,
          .secret = field.secret,
          .flag = Configuration::flag_name(value.path),
          .environment = configuration.environment_name(value.path)};
}

struct ExplainOptions : OutputFlags {
  static void describe(Description<ExplainOptions>& d) { d.inherit<OutputFlags>(); }
};

Exit explain(Arguments<ExplainOptions>& given, Terminal& terminal) {
  Sections sections;
  (void)sections.load_text("", "");
  const std::string key = given.positional.empty() ? "" : given.positional[0];
  std::vector<Explained> rows;
  for (const ConfigValue& value : sections.values()) {
    if (value.path == key) return print_object(explained(sections, value), given.options.output, terminal), Exit::ok;
    if (key.empty() || value.path.starts_with(key + ".")) rows.push_back(explained(sections, value));
  }
  if (rows.empty()) {
    terminal.complain(sections.explain(key).error().to_string());
    return Exit::wrong_usage;
  }
  print_rows<Explained>(rows, given.options.output, terminal, {.columns = {"key", "default", "takes", "means"}});
  return Exit::ok;
}

constexpr std::string_view kCheckAbout =
    R"(Tells every mistake of a configuration file, one a line, FILE:LINE:COLUMN: what is wrong, and ends with 1 when there is one.

  sofa config check -c sofa.yaml

Environment variables do not count here: those of another shell are not those of the server.)";

constexpr std::string_view kShowAbout =
    R"(Shows every value that holds, and where it came from: the file, an environment variable (SOFA_SERVER_PORT), or the default. Secrets are hidden.

  sofa config show -c sofa.yaml --changed)";

constexpr std::string_view kSchemaAbout = R"(Prints the JSON Schema (2020-12) of configuration files. Editors complete and check by it:

  sofa config schema > sofa.schema.json

and as the first line of the file: # yaml-language-server: $schema=sofa.schema.json)";

constexpr std::string_view kExplainAbout = R"(Explains a key of the configuration, or every key of a section.

  sofa config explain server.port
  sofa config explain log)";

}  // namespace

Command config_check_command() {
  return command<CheckOptions, check>(
      {.group = &kConfigCommands, .name = "check", .summary = "tells every mistake of a configuration file", .about = kCheckAbout});
}

Command config_show_command() {
  return command<ShowOptions, show>({.group = &kConfigCommands, .name = "show", .summary = "shows every value and its origin", .about = kShowAbout});
}

Command config_schema_command() {
  return command<SchemaOptions, schema>(
      {.group = &kConfigCommands, .name = "schema", .summary = "prints the JSON Schema of configuration files", .about = kSchemaAbout});
}

Command config_explain_command() {
  return command<ExplainOptions, explain>(
      {.group = &kConfigCommands, .name = "explain", .usage = "[KEY]", .summary = "explains a key or a section", .about = kExplainAbout, .most = 1});
}

}  // namespace sofa::tool
