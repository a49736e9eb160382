#include "sofa/base/log.h"

#include <chrono>
#include <map>
#include <mutex>

#include "sofa/base/description.h"
#include "sofa/base/log_levels.h"

namespace sofa {

namespace {

struct Registry {
  std::mutex mutex;  // guards the map and the default level
  std::map<std::string, std::atomic<LogLevel>, std::less<>> spaces;
  LogLevel default_level = LogLevel::info;

  std::mutex sink_mutex;  // held while a line is written
  std::shared_ptr<LogSink> sink = make_stderr_sink();
  std::shared_ptr<LogSink> tap;  // null: nobody

  std::pair<const std::string, std::atomic<LogLevel>>& space(std::string_view name) {
    auto it = spaces.find(name);
    if (it == spaces.end()) it = spaces.try_emplace(std::string(name), default_level).first;
    return *it;
  }
};

/// Never destroyed: destructors of static objects may log.
Registry& registry() {
  static Registry* made = new Registry;
  return *made;
}

/// Appends text with every byte that could forge a line or a field escaped.
void append_escaped(fmt::memory_buffer& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append(std::string_view("\\n"));
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(fmt::appender(out), "\\x{:02x}", byte);
    } else {
      out.push_back(c);
    }
  }
}

bool is_plain(std::string_view value) {
  return !value.empty() && std::ranges::none_of(value, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7f || c == '"' || c == '=' || c == '\\';
  });
}

std::string_view cut(std::string_view text) { return text.substr(0, kMaxLogValue); }

void append_omitted(fmt::memory_buffer& out, size_t size) {
  if (size > kMaxLogValue) fmt::format_to(fmt::appender(out), "...({} more bytes)", size - kMaxLogValue);
}

void append_field(fmt::memory_buffer& out, const LogField& field) {
  fmt::memory_buffer value;
  field.value.append_to(value);
  const std::string_view text = cut({value.data(), value.size()});
  out.push_back(' ');
  out.append(field.key);
  out.push_back('=');
  if (is_plain(text)) {
    out.append(text);
  } else {
    out.push_back('"');
    append_escaped(out, text);
    out.push_back('"');
  }
  append_omitted(out, value.size());
}

int64_t steady_milliseconds() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      return "error";
    case LogLevel::off:
      break;
  }
  return "off";
}

std::optional<LogLevel> parse_log_level(std::string_view name) {
  for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error, LogLevel::off}) {
    if (to_string(level) == name) return level;
  }
  return std::nullopt;
}

void describe(EnumDescription<LogLevel>& d) {
  for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error, LogLevel::off}) d.value(to_string(level), level);
}

std::optional<uint64_t> LogRate::admit(int64_t steady_milliseconds) {
  const int64_t second = steady_milliseconds / 1000;
  int64_t window = window_.load(std::memory_order_relaxed);
  if (second != window && window_.compare_exchange_strong(window, second, std::memory_order_relaxed)) used_.store(0, std::memory_order_relaxed);
  if (used_.fetch_add(1, std::memory_order_relaxed) >= limit_) {
    used_.fetch_sub(1, std::memory_order_relaxed);  // stays near the limit, never wraps
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return suppressed_.exchange(0, std::memory_order_relaxed);
}

Logger::Logger(std::string_view space) {
  std::lock_guard lock(registry().mutex);
  auto& [name, level] = registry().space(space);
  name_ = name;
  level_ = &level;
}

void Logger::write_enabled(LogLevel level, LogRate* rate, std::string_view event, LogFields fields) const {
  uint64_t suppressed = 0;
  if (rate != nullptr) {
    const auto admitted = rate->admit(steady_milliseconds());
    if (!admitted) return;
    suppressed = *admitted;
  }
  fmt::memory_buffer line;
  append_escaped(line, cut(event));
  append_omitted(line, event.size());
  for (const LogField& field : fields) append_field(line, field);
  if (suppressed > 0) append_field(line, {"suppressed", suppressed});
  std::lock_guard lock(registry().sink_mutex);
  const LogLine whole{.level = level,
                      .space = name_,
                      .text = {line.data(), line.size()},
                      .event = event,
                      .fields = {fields.begin(), fields.size()},
                      .suppressed = suppressed};
  registry().sink->write(whole);
  if (registry().tap != nullptr) registry().tap->write(whole);
}

void set_log_level(std::string_view space, LogLevel level) {
  std::lock_guard lock(registry().mutex);
  registry().space(space).second.store(level, std::memory_order_relaxed);
}

void set_log_level(LogLevel level) {
  std::lock_guard lock(registry().mutex);
  registry().default_level = level;
  for (auto& space : registry().spaces) space.second.store(level, std::memory_order_relaxed);
}

namespace {
using ParsedLevels = std::vector<std::pair<std::string_view, LogLevel>>;  // an empty name means all spaces

Result<ParsedLevels> parse_levels(std::string_view text) {
  ParsedLevels parsed;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const size_t equals = part.find('=');
    const std::string_view space = equals == std::string_view::npos ? std::string_view{} : part.substr(0, equals);
    const auto level = parse_log_level(equals == std::string_view::npos ? part : part.substr(equals + 1));
    if (!level || (equals != std::string_view::npos && space.empty())) {
      return fail(Code::invalid_argument, "log level '{}' is wrong; write debug, info, warn, error or off, or space=level", part);
    }
    parsed.emplace_back(space, *level);
  }
  return parsed;
}

void apply_levels(const ParsedLevels& levels) {
  for (auto [space, level] : levels) {
    if (space.empty()) {
      set_log_level(level);
    } else {
      set_log_level(space, level);
    }
  }
}
}  // namespace

Result<void> check_log_levels(std::string_view text) {
  auto parsed = parse_levels(text);
  if (!parsed) return forward_error(parsed);
  return {};
}

Result<void> set_log_levels(std::string_view text) {
  auto parsed = parse_levels(text);
  if (!parsed) return forward_error(parsed);
  apply_levels(*parsed);
  return {};
}

LogLevel default_log_level() {
  std::lock_guard lock(registry().mutex);
  return registry().default_level;
}

std::vector<std::pair<std::string, LogLevel>> log_levels() {
  std::lock_guard lock(registry().mutex);
  std::vector<std::pair<std::string, LogLevel>> all;
  for (const auto& space : registry().spaces) all.emplace_back(space.first, space.second.load(std::memory_order_relaxed));
  return all;
}

std::shared_ptr<LogSink> set_log_sink(std::shared_ptr<LogSink> sink) {
  assert(sink != nullptr);
  std::lock_guard lock(registry().sink_mutex);
  return std::exchange(registry().sink, std::move(sink));
}

std::shared_ptr<LogSink> set_log_tap(std::shared_ptr<LogSink> tap) {
  std::lock_guard lock(registry().sink_mutex);
  return std::exchange(registry().tap, std::move(tap));
}

}  // namespace sofa
