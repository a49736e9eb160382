// sofa profile, sofa tasks, sofa connections: what a process is busy with, what waits in it, and who is connected to it

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <set>

#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"

namespace sofa::tool {

namespace {

/// What an operation of a process is asked, by its own names, and of which process.
template <class Own>
struct OfProcess : Own {
  std::string id{};
  static void describe(Description<OfProcess>& d) {
    d.template inherit<Own>();
    d.field("id", &OfProcess::id);
  }
};

struct Nothing {
  static void describe(Description<Nothing>&) {}
};

/// Asks the operation at `route` of a process, by its id of `sofa status`, through the platform; without a process, of the server that is asked.
template <class Own>
Exit ask_process(const AdminFlags& flags, Terminal& terminal, const std::vector<std::string>& process, const std::string& route, const Own& asked,
                 const std::function<Result<void>(std::string_view json)>& show) {
  if (process.empty()) return ask_admin(flags, terminal, {.verb = "GET", .route = route, .arguments = arguments_of(asked)}, show);
  const OfProcess<Own> of{asked, process.front()};
  const std::string passed = "/v1/processes/{id}" + route;
  return ask_admin(flags, terminal, {.verb = "GET", .route = passed, .arguments = arguments_of(of)}, show);
}

constexpr std::string_view kAboutProcess = "PROCESS is an id of `sofa status`; without one the server that is asked.";

// Profiles.

enum class ProfileKind : uint8_t { cpu, heap };
enum class ProfileForm : uint8_t { table, folded };

void describe(EnumDescription<ProfileKind>& d) { d.value("cpu", ProfileKind::cpu).value("heap", ProfileKind::heap); }
void describe(EnumDescription<ProfileForm>& d) { d.value("table", ProfileForm::table).value("folded", ProfileForm::folded); }

struct ProfileFlags : AdminFlags {
  ProfileKind kind = ProfileKind::cpu;
  ProfileForm form = ProfileForm::table;
  int64_t seconds = 5, hertz = 99;
  std::string out{};
  static void describe(Description<ProfileFlags>& d) {
    d.field("kind", &ProfileFlags::kind).doc("cpu: where the processors are; heap: what the allocator has");
    d.field("seconds", &ProfileFlags::seconds).alias("s").doc("how long").range(1, 60);
    d.field("hertz", &ProfileFlags::hertz).doc("samples of each busy thread a second").range(1, 1'000);
    d.field("form", &ProfileFlags::form)
        .doc("table: the functions that took most; folded: stacks for flame graphs. -o json has all, in place of both");
    d.field("out", &ProfileFlags::out).doc("a file for folded or -o json; empty: standard output");
    d.inherit<AdminFlags>();
  }
};

struct Sampling {
  int64_t seconds = 0, hertz = 0;
  static void describe(Description<Sampling>& d) {
    d.field("seconds", &Sampling::seconds);
    d.field("hertz", &Sampling::hertz);
  }
};

struct Stack {
  std::vector<size_t> frames{};
  uint64_t count = 0;
  static void describe(Description<Stack>& d) {
    d.field("frames", &Stack::frames);
    d.field("count", &Stack::count);
  }
};

struct Profile {
  std::string unit{};
  uint64_t lost = 0;
  std::vector<std::string> functions{};
  std::vector<Stack> stacks{};
  static void describe(Description<Profile>& d) {
    d.field("unit", &Profile::unit);
    d.field("lost", &Profile::lost);
    d.field("functions", &Profile::functions);
    d.field("stacks", &Profile::stacks);
  }
  std::string_view name(size_t function) const { return function < functions.size() ? std::string_view(functions[function]) : "?"; }
};

/// "main;serve;read 12", a line for each stack.
std::string folded(const Profile& profile) {
  std::string text;
  for (const Stack& stack : profile.stacks) {
    std::string line;
    for (const size_t frame : stack.frames) line += fmt::format("{}{}", line.empty() ? "" : ";", printable(profile.name(frame)));
    text += fmt::format("{} {}\n", line, stack.count);
  }
  return text;
}

struct FunctionRow {
  std::string function{}, share{};
  uint64_t self = 0, total = 0;
  static void describe(Description<FunctionRow>& d) {
    d.field("share", &FunctionRow::share).doc("of all, in the function itself");
    d.field("self", &FunctionRow::self).doc("in the function itself");
    d.field("total", &FunctionRow::total).doc("and in what it calls");
    d.field("function", &FunctionRow::function);
  }
};

/// The functions that took most themselves, each once a stack.
std::vector<FunctionRow> hottest(const Profile& profile, size_t most) {
  std::map<size_t, FunctionRow> rows;
  uint64_t all = 0;
  for (const Stack& stack : profile.stacks) {
    all += stack.count;
    if (!stack.frames.empty()) rows[stack.frames.back()].self += stack.count;
    for (const size_t frame : std::set<size_t>(stack.frames.begin(), stack.frames.end())) rows[frame].total += stack.count;
  }
  std::vector<FunctionRow> sorted;
  for (auto& [function, row] : rows) {
    row.function = printable(profile.name(function));
    row.share = fmt::format("{:.1f} %", 100.0 * static_cast<double>(row.self) / static_cast<double>(std::max<uint64_t>(all, 1)));
    sorted.push_back(std::move(row));
  }
  std::ranges::sort(sorted, std::greater{}, [](const FunctionRow& row) { return std::pair(row.self, row.total); });
  if (sorted.size() > most) sorted.resize(most);
  return sorted;
}

Result<void> put(const std::string& text, const std::string& file, Terminal& terminal) {
  if (file.empty()) return terminal.print(text), Result<void>();
  errno = 0;
  std::ofstream out(file);
  out << text;
  out.close();
  if (!out) return std::unexpected<Error>(errno_error(errno, fmt::format("{} cannot be written; name another file by --out", file)));
  return {};
}

Result<void> show_profile(std::string_view json, const ProfileFlags& flags, Terminal& terminal) {
  if (flags.output == OutputFormat::json) return put(std::string(json) + "\n", flags.out, terminal);
  if (flags.output == OutputFormat::yaml) return print_document(json, flags.output, terminal), Result<void>();
  auto profile = from_answer<Profile>(json);
  if (!profile) return forward_error(profile);
  if (flags.form == ProfileForm::folded) return put(folded(*profile), flags.out, terminal);
  constexpr size_t kRows = 30;
  print_rows<FunctionRow>(hottest(*profile, kRows), flags.output, terminal, {.none = "Nothing ran: there are no samples."});
  if (profile->lost > 0) terminal.note(fmt::format("{} samples were lost: ask for fewer by --hertz", profile->lost));
  return {};
}

Exit profile(Arguments<ProfileFlags>& given, Terminal& terminal) {
  const ProfileFlags& options = given.options;
  AdminFlags flags = options;
  flags.timeout += static_cast<double>(options.kind == ProfileKind::cpu ? options.seconds : 0);
  const auto show = [&](std::string_view json) { return show_profile(json, options, terminal); };
  if (options.kind == ProfileKind::heap) return ask_process(flags, terminal, given.positional, "/v1/profiles/heap", Nothing(), show);
  return ask_process(flags, terminal, given.positional, "/v1/profiles/cpu", Sampling{.seconds = options.seconds, .hertz = options.hertz}, show);
}

// Tasks.

struct TaskRow {
  std::string task{}, waits_in{};
  uint64_t count = 0, longest_ms = 0;
  std::vector<std::string> functions{};
  static void describe(Description<TaskRow>& d) {
    d.field("longest_ms", &TaskRow::longest_ms);
    d.field("count", &TaskRow::count);
    d.field("task", &TaskRow::task);
    d.field("waits_in", &TaskRow::waits_in).doc("the function that waits");
    d.field("functions", &TaskRow::functions).doc("outermost first");
  }
};

struct TaskRows {
  std::vector<TaskRow> tasks{};
  uint64_t left_off = 0;
  static void describe(Description<TaskRows>& d) {
    d.field("tasks", &TaskRows::tasks);
    d.field("left_off", &TaskRows::left_off);
  }
};

struct TasksOptions : AdminFlags {
  static void describe(Description<TasksOptions>& d) { d.inherit<AdminFlags>(); }
};

Exit tasks(Arguments<TasksOptions>& given, Terminal& terminal) {
  const AdminFlags& flags = given.options;
  return ask_process(flags, terminal, given.positional, "/v1/tasks", Nothing(), [&](std::string_view json) -> Result<void> {
    if (is_document(flags.output)) return print_document(json, flags.output, terminal), Result<void>();
    auto rows = from_answer<TaskRows>(json);
    if (!rows) return forward_error(rows);
    for (TaskRow& row : rows->tasks) row.waits_in = row.functions.empty() ? "" : printable(row.functions.back());
    print_rows<TaskRow>(rows->tasks, flags.output, terminal, {.columns = {"longest_ms", "count", "task", "waits_in"}, .none = "No task waits."});
    if (rows->left_off > 0) terminal.note(fmt::format("{} further tasks wait, which were not looked at", rows->left_off));
    return {};
  });
}

// Connections.

struct ConnectionRow {
  std::string id{}, direction{}, protocol{}, peer{}, local{};
  bool tls = false;
  Moment opened_at_ms{};
  uint64_t requests = 0, bytes_in = 0, bytes_out = 0, shard = 0;
  static void describe(Description<ConnectionRow>& d) {
    d.field("id", &ConnectionRow::id);
    d.field("direction", &ConnectionRow::direction);
    d.field("protocol", &ConnectionRow::protocol);
    d.field("peer", &ConnectionRow::peer);
    d.field("local", &ConnectionRow::local);
    d.field("tls", &ConnectionRow::tls);
    d.field("opened_at_ms", &ConnectionRow::opened_at_ms);
    d.field("requests", &ConnectionRow::requests);
    d.field("bytes_in", &ConnectionRow::bytes_in);
    d.field("bytes_out", &ConnectionRow::bytes_out);
    d.field("shard", &ConnectionRow::shard);
  }
};

struct ConnectionRows {
  std::vector<ConnectionRow> connections{};
  uint64_t left_off = 0;
  static void describe(Description<ConnectionRows>& d) {
    d.field("connections", &ConnectionRows::connections);
    d.field("left_off", &ConnectionRows::left_off);
  }
};

struct ConnectionsOptions : AdminFlags {
  static void describe(Description<ConnectionsOptions>& d) { d.inherit<AdminFlags>(); }
};

Exit connections(Arguments<ConnectionsOptions>& given, Terminal& terminal) {
  const AdminFlags& flags = given.options;
  return ask_process(flags, terminal, given.positional, "/v1/connections", Nothing(), [&](std::string_view json) -> Result<void> {
    if (is_document(flags.output)) return print_document(json, flags.output, terminal), Result<void>();
    auto rows = from_answer<ConnectionRows>(json);
    if (!rows) return forward_error(rows);
    print_rows<ConnectionRow>(
        rows->connections, flags.output, terminal,
        {.columns = {"direction", "protocol", "peer", "local", "requests", "bytes_in", "bytes_out"}, .none = "Nobody is connected."});
    if (rows->left_off > 0) terminal.note(fmt::format("{} further connections are open", rows->left_off));
    return {};
  });
}

}  // namespace

Command profile_command() {
  return command<ProfileFlags, profile>({.name = "profile",
                                         .usage = "[PROCESS]",
                                         .summary = "shows where the processors of a process are, or its memory",
                                         .about = "PROCESS is an id of `sofa status`; without one the server that is asked. For a flame graph:\n"
                                                  "  sofa profile bank-ledger-4711 --form folded --out ledger.folded",
                                         .most = 1});
}

Command tasks_command() {
  return command<TasksOptions, tasks>({.name = "tasks",
                                       .usage = "[PROCESS]",
                                       .summary = "lists what waits in a process: where, how many, how long",
                                       .about = kAboutProcess,
                                       .most = 1});
}

Command connections_command() {
  return command<ConnectionsOptions, connections>(
      {.name = "connections", .usage = "[PROCESS]", .summary = "lists the open connections of a process", .about = kAboutProcess, .most = 1});
}

}  // namespace sofa::tool
