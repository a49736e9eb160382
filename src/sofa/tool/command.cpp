#include "sofa/tool/command.h"

#include "sofa/base/json.h"
#include "sofa/base/json_schema.h"
#include "sofa/base/type_object.h"
#include "sofa/boot/configuration.h"
#include "sofa/io/runtime.h"
#include "sofa/rpc/exception.h"

namespace sofa::tool {

std::string Command::full_name() const { return group == nullptr ? std::string(name) : fmt::format("{} {}", group->name, name); }

namespace {

FlagOptions flag_options(const Command& command, std::string_view program) {
  return {.program = program, .about = command.about.empty() ? command.summary : command.about, .positional_usage = command.usage};
}

}  // namespace

namespace detail {

Parsed parse(const Command& command, std::span<const char* const> arguments, const Type& type, void* options, Terminal& terminal) {
  const std::string program = "sofa " + command.full_name();
  FlagOptions how = flag_options(command, program);
  how.max_positional = command.most;
  auto flags = parse_flags(arguments, type, options, how);
  if (flags && flags->help) {
    terminal.print(flags->help_text);
    return {};
  }
  if (flags && flags->positional.size() >= command.least) return {.positional = std::move(flags->positional), .run = true};
  if (!flags) {
    terminal.complain(flags.error().to_string());
  } else {
    terminal.complain(fmt::format("'sofa {0}' needs {1}; 'sofa help {0}' explains them.", command.full_name(), command.usage));
  }
  return {.exit = Exit::wrong_usage};
}

}  // namespace detail

std::vector<FlagWords> flags_of(const Command& command) {
  std::vector<FlagWords> flags;
  const TypeObject options(command.options());
  for (const Field& field : command.options().structure->fields) {
    const Type& type = field.type();
    FlagWords flag{.name = boot::Configuration::flag_name(field.name), .doc = std::string(field.doc), .takes_value = type.kind != Kind::boolean};
    if (!field.alias.empty()) flag.alias = fmt::format("-{}", field.alias);
    if (type.kind == Kind::enumeration) {
      for (const std::string_view value : names_of(*type.enumeration)) flag.values.emplace_back(value);
    }
    if (flag.takes_value) flag.takes = input_of(field);
    const std::string value = to_json(type, field.in(options.get()), {.hide_secrets = true}).value_or("");
    const bool is_none = value == "null" || value == "\"\"" || value == "[]" || value == "{}" || value == "false";
    flag.standing = field.required ? "required" : is_none ? "" : value;
    flags.push_back(std::move(flag));
  }
  flags.push_back({.name = "--help", .doc = "shows what the command does", .takes_value = false});
  return flags;
}

std::string help_of(const Command& command) {
  const std::string program = "sofa " + command.full_name();
  const Type& type = command.options();
  TypeObject options(type);
  const char* const ask[] = {"sofa", "--help"};
  auto flags = parse_flags(ask, type, options.get(), flag_options(command, program));
  return flags ? flags->help_text : flags.error().to_string();
}

Exit run_on_shard(io::Task<Exit> task) {
  const auto number = [](io::Task<Exit> work) -> io::Task<int> {
    const io::Scope& scope = co_await io::current_scope();
    const Exit exit = co_await std::move(work);
    co_return static_cast<int>(scope.cancelled() ? Exit::interrupted : exit);
  };
  return static_cast<Exit>(io::run(number(std::move(task)), {.shards = 1, .blocking_threads = 1, .file_threads = 1}));
}

Exit exit_of(const Error& error) {
  if (error.detail<rpc::JavaException>() != nullptr) return Exit::refused;
  switch (error.code()) {
    case Code::cancelled:
      return Exit::interrupted;
    case Code::unavailable:
    case Code::deadline_exceeded:
      return Exit::no_answer;
    default:
      return Exit::refused;
  }
}

}  // namespace sofa::tool
