// sofa status, sofa logs: looking into processes through the platform, or through their own admin ports

#include "sofa/base/json_object.h"
#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"
#include "sofa/tool/local_process.h"
#include "sofa/tool/outcome.h"

namespace sofa::tool {

namespace {

struct ProcessRow {
  std::string id{}, name{}, version{}, host{};
  uint32_t pid = 0;
  Moment started_at{}, attached_at{};
  std::string admin{};
  static void describe(Description<ProcessRow>& d) {
    d.field("id", &ProcessRow::id);
    d.field("name", &ProcessRow::name);
    d.field("version", &ProcessRow::version);
    d.field("host", &ProcessRow::host);
    d.field("pid", &ProcessRow::pid);
    d.field("started_at", &ProcessRow::started_at);
    d.field("attached_at", &ProcessRow::attached_at);
    d.field("admin", &ProcessRow::admin);
  }
};

struct StatusOptions : AdminFlags {
  static void describe(Description<StatusOptions>& d) { d.inherit<AdminFlags>(); }
};

/// A process that says itself that it runs.
struct LocalRow {
  std::string id{}, name{};
  uint32_t pid = 0;
  Moment started_at{};
  std::string admin{}, services{};
  static void describe(Description<LocalRow>& d) {
    d.field("id", &LocalRow::id);
    d.field("name", &LocalRow::name);
    d.field("pid", &LocalRow::pid);
    d.field("started_at", &LocalRow::started_at);
    d.field("admin", &LocalRow::admin);
    d.field("services", &LocalRow::services);
  }
};

void print_local(const std::vector<boot::RunningProcess>& processes, OutputFormat format, Terminal& terminal) {
  std::vector<LocalRow> rows;
  for (const boot::RunningProcess& one : processes) rows.push_back({one.id(), one.name, one.pid, {one.started_at}, one.admin, one.services});
  print_rows<LocalRow>(rows, format, terminal, {.columns = {"id", "pid", "started_at", "admin", "services"}, .none = "(none)", .colour = {}});
}

struct ComponentRow {
  std::string name{}, type{}, state{}, health{};
  static void describe(Description<ComponentRow>& d) {
    d.field("name", &ComponentRow::name);
    d.field("type", &ComponentRow::type);
    d.field("state", &ComponentRow::state);
    d.field("health", &ComponentRow::health);
  }
};

struct ComponentRows {
  std::vector<ComponentRow> components{};
  static void describe(Description<ComponentRows>& d) { d.field("components", &ComponentRows::components); }
};

/// The components of one process: of its own admin port when it is found on this machine, else through the platform.
Exit status_of(std::string_view id, const AdminFlags& flags, Terminal& terminal) {
  const auto local = local_process(id, flags);
  if (!local) return wrong_usage(local.error(), flags.output, terminal);
  const AdminRequest request{.verb = "GET",
                             .route = *local ? "/v1/components" : "/v1/processes/{id}/v1/components",
                             .arguments = *local ? "" : JsonObject().add_text("id", id).text()};
  return ask_admin(*local ? asked_at(**local, flags) : flags, terminal, request, [&](std::string_view json) -> Result<void> {
    if (is_document(flags.output)) return print_document(json, flags.output, terminal), Result<void>();
    auto answer = from_answer<ComponentRows>(json);
    if (!answer) return forward_error(answer);
    print_rows<ComponentRow>(answer->components, flags.output, terminal, {.columns = {}, .none = "(no components)", .colour = {}});
    return {};
  });
}

Exit status(Arguments<StatusOptions>& given, Terminal& terminal) {
  const AdminFlags& flags = given.options;
  if (!given.positional.empty()) return status_of(given.positional.front(), flags, terminal);
  if (is_without_platform(flags)) {
    const auto processes = local_processes();
    if (!processes) return wrong_usage(processes.error(), flags.output, terminal);
    if (!processes->empty()) {
      print_local(*processes, flags.output, terminal);
      return Exit::ok;
    }
  }
  return ask_admin(flags, terminal, {.verb = "GET", .route = "/v1/processes", .arguments = {}}, [&](std::string_view json) -> Result<void> {
    if (is_document(flags.output)) return print_document(json, flags.output, terminal), Result<void>();
    auto rows = from_answer<std::vector<ProcessRow>>(json);
    if (!rows) return forward_error(rows);
    print_rows<ProcessRow>(*rows, flags.output, terminal,
                           {.columns = {"id", "host", "pid", "started_at", "admin"}, .none = "(no process has attached)", .colour = {}});
    return {};
  });
}

struct LogRow {
  uint64_t number = 0;
  int64_t at = 0;
  std::string level{}, space{}, text{};
  static void describe(Description<LogRow>& d) {
    d.field("number", &LogRow::number);
    d.field("at", &LogRow::at);
    d.field("level", &LogRow::level);
    d.field("space", &LogRow::space);
    d.field("text", &LogRow::text);
  }
};

struct LogRows {
  std::vector<LogRow> lines{};
  uint64_t last = 0;
  static void describe(Description<LogRows>& d) {
    d.field("lines", &LogRows::lines);
    d.field("last", &LogRows::last);
  }
};

struct LogsOptions : AdminFlags {
  bool follow = false;
  uint32_t most = 100;
  std::string level = "debug", space{}, contains{};
  static void describe(Description<LogsOptions>& d) {
    d.field("follow", &LogsOptions::follow).alias("f").doc("wait for further lines, until Ctrl-C");
    d.field("most", &LogsOptions::most).alias("n").doc("lines to begin with").range(1, 2'000);
    d.field("level", &LogsOptions::level).doc("this and worse: debug, info, warn, error");
    d.field("space", &LogsOptions::space).doc("only of this space");
    d.field("contains", &LogsOptions::contains).doc("only lines with this text");
    d.inherit<AdminFlags>();
  }
};

/// What is asked for; the names of the route.
struct LineQuery {
  uint64_t after = 0;
  uint32_t most = 0;
  std::string level{}, space{}, contains{};
  static void describe(Description<LineQuery>& d) {
    d.field("after", &LineQuery::after);
    d.field("most", &LineQuery::most);
    d.field("level", &LineQuery::level);
    d.field("space", &LineQuery::space);
    d.field("contains", &LineQuery::contains);
  }
};

/// ... of one process.
struct LogQuery : LineQuery {
  std::string id{};
  static void describe(Description<LogQuery>& d) {
    d.inherit<LineQuery>();
    d.field("id", &LogQuery::id);
  }
};

std::string time_text(int64_t milliseconds) {
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(milliseconds)};
  const auto of_day = at.time_since_epoch() % std::chrono::days(1);
  const std::chrono::hh_mm_ss<std::chrono::milliseconds> parts(of_day);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", parts.hours().count(), parts.minutes().count(), parts.seconds().count(), parts.subseconds().count());
}

void print_log_line(const LogRow& row, Terminal& terminal) {
  const Colour colour = row.level == "error" ? Colour::red : row.level == "warn" ? Colour::yellow : Colour::faint;
  terminal.print_line(fmt::format("{} {} {} {}", terminal.paint(Colour::faint, time_text(row.at)),
                                  terminal.paint(colour, fmt::format("{:5}", row.level)), terminal.paint(Colour::cyan, printable(row.space)),
                                  printable(row.text)));
}

Result<LogRows> show_lines(std::string_view json, OutputFormat format, Terminal& terminal) {
  auto rows = from_answer<LogRows>(json);
  if (!rows) return rows;
  if (is_document(format)) {
    if (!rows->lines.empty()) print_document(json, format, terminal);
    return rows;
  }
  for (const LogRow& row : rows->lines) print_log_line(row, terminal);
  return rows;
}

/// Where a process is asked: at its own admin port when it is found on this machine by this name, else through the platform.
Exit logs(Arguments<LogsOptions>& given, Terminal& terminal) {
  const std::string_view id = given.positional.empty() ? "" : std::string_view(given.positional.front());
  const auto local = id.empty() ? Result<std::optional<boot::RunningProcess>>() : local_process(id, given.options);
  if (!local) return wrong_usage(local.error(), given.options.output, terminal);
  const LogsOptions options = *local ? asked_at(**local, given.options) : given.options;
  LogQuery query;
  if (!*local) query.id = id;
  query.most = options.most;
  query.level = options.level;
  query.space = options.space;
  query.contains = options.contains;
  const std::string_view route = query.id.empty() ? "/v1/logs" : "/v1/processes/{id}/v1/logs";
  const auto next = [&] {
    const std::string arguments = query.id.empty() ? arguments_of(static_cast<const LineQuery&>(query)) : arguments_of(query);
    return AdminRequest{.verb = "GET", .route = route, .arguments = arguments};
  };
  const auto show = [&](std::string_view json) -> Result<void> {
    auto rows = show_lines(json, options.output, terminal);
    if (!rows) return forward_error(rows);
    query.after = rows->last;
    query.most = 2'000;
    return {};
  };
  if (!options.follow) return ask_admin(options, terminal, next(), show);
  const auto show_more = [&](std::string_view json) -> Result<bool> {
    auto shown = show(json);
    if (!shown) return forward_error(shown);
    return false;
  };
  return poll_admin(options, terminal, {.next = next, .show = show_more});
}

constexpr std::string_view kAboutStatus =
    "Without PROCESS it lists the processes that have attached to a platform; where no server is named and no platform runs on this machine, the "
    "processes of this user that say in the run directory that they run ($SOFA_RUN_DIR, else $XDG_RUNTIME_DIR/sofa, /run/sofa for root, or "
    "/tmp/sofa-UID).\n\n"
    "PROCESS is an id, or the name of a process of this machine; then its components are shown, and how they are.";

}  // namespace

Command status_command() {
  return command<StatusOptions, status>({.name = "status",
                                         .usage = "[PROCESS]",
                                         .summary = "lists the processes of a platform or of this machine, or the components of one",
                                         .about = kAboutStatus,
                                         .most = 1});
}

Command logs_command() {
  return command<LogsOptions, logs>({.name = "logs",
                                     .usage = "[PROCESS]",
                                     .summary = "shows the last lines of a process's log, and further ones as they come",
                                     .about =
                                         "PROCESS is an id of `sofa status`, or the name of a process of this machine; without one the log of the "
                                         "server that is asked.",
                                     .most = 1});
}

}  // namespace sofa::tool
