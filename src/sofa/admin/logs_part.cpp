#include "sofa/admin/logs_part.h"

#include "sofa/base/unix_time.h"

#include "sofa/base/text.h"
#include "sofa/io/shard.h"

namespace sofa::admin {

namespace {

using namespace std::chrono_literals;

constexpr Duration kLook = 200ms;       // how often a stream looks for new lines
constexpr uint32_t kMostLines = 2'000;  // of one answer

struct LogQuery {
  uint64_t after = 0;
  uint32_t most = 200;
  LogLevel level = LogLevel::debug;
  std::string space{};
  std::string contains{};

  bool takes(const KeptLogLine& line) const {
    return line.level >= level && (space.empty() || line.space == space) && (contains.empty() || line.text.find(contains) != std::string::npos);
  }
  static void describe(Description<LogQuery>& d) {
    d.doc("Which lines.");
    d.field("after", &LogQuery::after).doc("only lines with a greater number");
    d.field("most", &LogQuery::most).doc("the newest of them, at most so many").range(1, kMostLines);
    d.field("level", &LogQuery::level).doc("this and worse");
    d.field("space", &LogQuery::space).doc("of this space alone; empty: of all");
    d.field("contains", &LogQuery::contains).doc("whose text holds this");
  }
};

struct LogEntry {
  uint64_t number = 0;
  int64_t at = 0;
  LogLevel level{};
  std::string space{}, text{};
  static void describe(Description<LogEntry>& d) {
    d.java_type("sofa.LogEntry");
    d.field("number", &LogEntry::number).doc("from 1, one for each line of the process");
    d.field("at", &LogEntry::at).unit("ms since 1970");
    d.field("level", &LogEntry::level);
    d.field("space", &LogEntry::space);
    d.field("text", &LogEntry::text).doc("the event, and its fields as key=value");
  }
};

struct LogEntries {
  std::vector<LogEntry> lines{};
  uint64_t last = 0;
  static void describe(Description<LogEntries>& d) {
    d.java_type("sofa.LogEntries");
    d.field("lines", &LogEntries::lines).doc("oldest first");
    d.field("last", &LogEntries::last).doc("number of the last line that was looked at: `after` of the next question");
  }
};

struct SpaceLevel {
  std::string space{};
  LogLevel level{};
  static void describe(Description<SpaceLevel>& d) {
    d.java_type("sofa.SpaceLevel");
    d.field("space", &SpaceLevel::space).required();
    d.field("level", &SpaceLevel::level).required();
  }
};

LogEntry entry_of(const KeptLogLine& line) { return {line.number, unix_ms(line.at), line.level, line.space, line.text}; }

LogEntries lines_of(const LogTail& tail, const LogQuery& query) {
  const std::vector<KeptLogLine> kept = tail.after(query.after, SIZE_MAX);
  LogEntries answer{.lines = {}, .last = kept.empty() ? query.after : kept.back().number};
  for (const KeptLogLine& line : kept) {
    if (query.takes(line)) answer.lines.push_back(entry_of(line));
  }
  if (answer.lines.size() > query.most) answer.lines.erase(answer.lines.begin(), answer.lines.end() - static_cast<ptrdiff_t>(query.most));
  return answer;
}

std::vector<SpaceLevel> levels() {
  std::vector<SpaceLevel> all;
  for (auto& [space, level] : log_levels()) all.push_back({space, level});
  return all;
}

Result<SpaceLevel> set_level(const SpaceLevel& wanted, const Caller& caller) {
  for (const auto& [space, level] : log_levels()) {
    if (space != wanted.space) continue;
    set_log_level(wanted.space, wanted.level);
    Logger("admin").info("log level changed",
                         {{"space", space}, {"from", to_string(level)}, {"to", to_string(wanted.level)}, {"by", caller.principal.name}});
    return wanted;
  }
  std::vector<std::string_view> known;
  const auto all = log_levels();
  for (const auto& [space, level] : all) known.push_back(space);
  return fail(Code::not_found, "nothing logs in the space '{}'; there are {}", wanted.space, fmt::join(known, ", "));
}

}  // namespace

void LogsPart::add_to(Routes& routes) {
  routes.get("GetLines", "/v1/logs", "logs:read", [this](LogQuery query) { return lines_of(*tail_, query); }).doc("The last lines of the log.");
  routes
      .get("WatchLines", "/v1/logs/stream", "logs:read",
           [this](LogQuery query, Stream<LogEntries>& out) -> io::Task<Result<void>> {
             for (;;) {
               LogEntries lines = lines_of(*tail_, query);
               query.after = lines.last;
               if (!lines.lines.empty()) co_await io::or_return(co_await out.send(lines));
               co_await io::or_return(co_await io::sleep_for(kLook));
             }
           })
      .doc("Lines as they come, a few times a second; those that are kept first.");
  routes.get("GetLevels", "/v1/logs/levels", "logs:read", []() { return levels(); }).doc("The level of each space.");
  routes.put("SetLevel", "/v1/logs/levels/{space}", "logs:write", [](SpaceLevel wanted, const Caller& caller) { return set_level(wanted, caller); })
      .doc("Changes the level of a space, until the program ends.");
}

}  // namespace sofa::admin
