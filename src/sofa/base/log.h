#pragma once
// Logging by space: a named logger ("rpc", "transport", "log") writes one line an event, with key=value fields.
//
//   static const Logger log{"transport"};
//   log.warn("connection closed", {{"peer", peer}, {"reason", error}});
//
//   2026-03-01T10:00:00.123Z warn  transport connection closed peer=127.0.0.1:4711 reason="bad magic byte 0x7f: close the connection"
//
// Nothing is formatted or allocated when the level of the space is off. Values are escaped, so that hostile input cannot forge lines. Any thread may
// log; a line is written whole, and has left the process when the call returns. The levels and the sink are the process's, as stderr is.

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sofa/base/error.h"

namespace sofa {

template <class T>
class Description;
template <class E>
class EnumDescription;

enum class LogLevel : uint8_t { debug, info, warn, error, off };

std::string_view to_string(LogLevel level);
std::optional<LogLevel> parse_log_level(std::string_view name);
void describe(EnumDescription<LogLevel>& d);

/// A view of a value to be logged: text, bool, or anything that fmt can format (an Error prints its chain of causes). Borrowed: lives no longer than
/// the log call.
class LogValue {
 public:
  LogValue(std::string_view text) : text_(text) {}
  LogValue(const std::string& text) : text_(text) {}
  LogValue(const char* text) : text_(text) {}
  template <class T>
    requires fmt::is_formattable<T>::value
  LogValue(const T& value)
      : number_(std::is_arithmetic_v<T> && !std::is_same_v<T, char>),
        object_(&value),
        format_([](const void* object, fmt::memory_buffer& out) { fmt::format_to(fmt::appender(out), "{}", *static_cast<const T*>(object)); }) {}

  void append_to(fmt::memory_buffer& out) const {
    if (format_ == nullptr) {
      out.append(text_);
    } else {
      format_(object_, out);
    }
  }
  /// A number, or a bool: JSON has it without quotes.
  bool is_number() const { return number_; }

 private:
  std::string_view text_;
  bool number_ = false;
  const void* object_ = nullptr;
  void (*format_)(const void*, fmt::memory_buffer&) = nullptr;
};

struct LogField {
  std::string_view key;
  LogValue value;
};

using LogFields = std::initializer_list<LogField>;

/// Longest value and event text of a line, in bytes; the rest is cut off and its length told.
inline constexpr size_t kMaxLogValue = 4096;

/// Bounds the lines of one site that hostile input can cause. The next line that passes carries `suppressed=N`.
///
///   log.warn(bad_frames_, "frame refused", {{"peer", peer}});   // bad_frames_ is a LogRate, owned by the server
class LogRate {
 public:
  explicit LogRate(uint32_t lines_per_second) : limit_(lines_per_second) {}
  /// Whether a line may be written at this time: then the number of lines suppressed since the last that passed. Any thread.
  std::optional<uint64_t> admit(int64_t steady_milliseconds);
  /// Lines suppressed since the last that passed.
  uint64_t suppressed() const { return suppressed_.load(std::memory_order_relaxed); }

 private:
  const uint32_t limit_;
  std::atomic<int64_t> window_{-1};  // the second that `used_` counts in
  std::atomic<uint32_t> used_{0};
  std::atomic<uint64_t> suppressed_{0};
};

class Logger {
 public:
  /// Loggers of one name share one level. Cheap to copy; usually a static const of the .cpp file.
  explicit Logger(std::string_view space);

  bool enabled(LogLevel level) const { return level >= level_->load(std::memory_order_relaxed); }
  std::string_view space() const { return name_; }

  void debug(std::string_view event, LogFields fields = {}) const { write(LogLevel::debug, nullptr, event, fields); }
  void info(std::string_view event, LogFields fields = {}) const { write(LogLevel::info, nullptr, event, fields); }
  void warn(std::string_view event, LogFields fields = {}) const { write(LogLevel::warn, nullptr, event, fields); }
  void error(std::string_view event, LogFields fields = {}) const { write(LogLevel::error, nullptr, event, fields); }

  void debug(LogRate& rate, std::string_view event, LogFields fields = {}) const { write(LogLevel::debug, &rate, event, fields); }
  void info(LogRate& rate, std::string_view event, LogFields fields = {}) const { write(LogLevel::info, &rate, event, fields); }
  void warn(LogRate& rate, std::string_view event, LogFields fields = {}) const { write(LogLevel::warn, &rate, event, fields); }
  void error(LogRate& rate, std::string_view event, LogFields fields = {}) const { write(LogLevel::error, &rate, event, fields); }

 private:
  void write(LogLevel level, LogRate* rate, std::string_view event, LogFields fields) const {
    if (enabled(level)) write_enabled(level, rate, event, fields);
  }
  void write_enabled(LogLevel level, LogRate* rate, std::string_view event, LogFields fields) const;

  std::string_view name_;
  const std::atomic<LogLevel>* level_;
};

/// Sets the level of one space, also one that no Logger has named yet. Takes effect at once in all threads.
void set_log_level(std::string_view space, LogLevel level);
/// Sets the level of all spaces, now and later.
void set_log_level(LogLevel level);
/// "warn" sets all spaces, "info,rpc=debug,log=off" all and then single ones. Nothing is changed when a part is wrong.
Result<void> set_log_levels(std::string_view text);
/// Every space known so far, by name.
std::vector<std::pair<std::string, LogLevel>> log_levels();
/// Of spaces that nobody has named yet.
LogLevel default_log_level();

/// One event as sinks get it. `text` is the event and its fields, escaped and bounded; `event` and `fields` are what the caller gave.
struct LogLine {
  LogLevel level;
  std::string_view space;
  std::string_view text;
  std::string_view event{};
  std::span<const LogField> fields{};
  uint64_t suppressed = 0;
};

/// Where lines go. `write` is called by one thread at a time, and must not log.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(const LogLine& line) = 0;
};

/// Replaces the sink of the process and returns the former one. The first is stderr.
std::shared_ptr<LogSink> set_log_sink(std::shared_ptr<LogSink> sink);
/// Beside the sink every line goes to `tap`, too, whatever becomes of the sink; gives the former one. Null: nobody.
std::shared_ptr<LogSink> set_log_tap(std::shared_ptr<LogSink> tap);

/// `json`: an object a line, {"time","level","space","event","fields":{...}}.
enum class LogFormat : uint8_t { text, json };
void describe(EnumDescription<LogFormat>& d);

/// The logging part of a program's configuration.
struct LogOptions {
  std::string levels = "info";
  LogFormat format = LogFormat::text;
  std::string file{};
  std::string folder{};  ///< instead of `file`: files by space (make_folder_sink)
  uint64_t max_file_bytes = 64 << 20;
  uint32_t max_files = 5;
};
void describe(Description<LogOptions>& d);

/// Lines on stderr, with colours when it is a terminal.
std::shared_ptr<LogSink> make_stderr_sink(LogFormat format = LogFormat::text);
/// A file that is renamed to file.1, file.2, ... when it reaches `max_file_bytes`; the oldest of `max_files` is removed.
Result<std::shared_ptr<LogSink>> make_file_sink(const LogOptions& options);
/// Each space has a folder of its own below `folder`, where log collectors of SOFABoot look (sofaboot.md 5): SPACE/common-default.log, of
/// "sofa-runtime" sofa-default.log and of "rpc" rpc-default.log; lines of level error stand in SPACE/common-error.log, too. Each is renamed as
/// make_file_sink says. Fails when `folder` cannot be written into; a file that cannot be opened later is told once on stderr, and its lines go
/// there.
Result<std::shared_ptr<LogSink>> make_folder_sink(const LogOptions& options);
/// Levels and sink as the options say; nothing changes when they are wrong.
Result<void> configure_logging(const LogOptions& options);

}  // namespace sofa
