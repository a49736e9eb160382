// sofa status, sofa logs: looking into processes through the platform, or through their own admin ports

#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"
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

Exit status(Arguments<StatusOptions>& given, Terminal& terminal) {
  const AdminFlags& flags = given.options;
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

io::Task<Exit> pause(Duration length) { co_return co_await io::sleep_for(length) ? Exit::ok : Exit::interrupted; }

Exit logs(Arguments<LogsOptions>& given, Terminal& terminal) {
  const LogsOptions& options = given.options;
  LogQuery query;
  query.id = given.positional.empty() ? "" : given.positional.front();
  query.most = options.most;
  query.level = options.level;
  query.space = options.space;
  query.contains = options.contains;
  const std::string_view route = query.id.empty() ? "/v1/logs" : "/v1/processes/{id}/v1/logs";
  for (;;) {
    const std::string arguments = query.id.empty() ? arguments_of(static_cast<const LineQuery&>(query)) : arguments_of(query);
    const Exit asked =
        ask_admin(options, terminal, {.verb = "GET", .route = route, .arguments = arguments}, [&](std::string_view json) -> Result<void> {
          auto rows = show_lines(json, options.output, terminal);
          if (!rows) return forward_error(rows);
          query.after = rows->last;
          query.most = 2'000;
          return {};
        });
    if (asked != Exit::ok || !options.follow) return asked;
    if (const Exit paused = run_on_shard(pause(std::chrono::milliseconds(500))); paused != Exit::ok) return paused;
  }
}

}  // namespace

Command status_command() {
  return command<StatusOptions, status>({.name = "status", .summary = "lists the processes that have attached to a platform"});
}

Command logs_command() {
  return command<LogsOptions, logs>({.name = "logs",
                                     .usage = "[PROCESS]",
                                     .summary = "shows the last lines of a process's log, and further ones as they come",
                                     .about = "PROCESS is an id of `sofa status`; without one the log of the server that is asked.",
                                     .most = 1});
}

}  // namespace sofa::tool
