// Where lines go: stderr, a file, a folder of files by space; as text or as JSON.
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "sofa/base/description.h"
#include "sofa/base/json_object.h"
#include "sofa/base/log.h"
#include "sofa/base/log_levels.h"

namespace sofa {

namespace {

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %^%-5l%$ %n %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})";

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::off:
      break;
  }
  return spdlog::level::off;
}

std::string json_of(const LogField& field) {
  fmt::memory_buffer buffer;
  field.value.append_to(buffer);
  const std::string_view text(buffer.data(), buffer.size());
  const bool finite = !text.empty() && text.find("nan") == std::string_view::npos && text.find("inf") == std::string_view::npos;
  return field.value.is_number() && finite ? std::string(text) : json_quoted(text.substr(0, kMaxLogValue));
}

/// What stands behind the time.
std::string json_of(const LogLine& line) {
  JsonObject fields;
  for (const LogField& field : line.fields) fields.add(field.key, json_of(field));
  if (line.suppressed > 0) fields.add_number("suppressed", static_cast<int64_t>(line.suppressed));
  JsonObject object;
  object.add_quoted("level", to_string(line.level)).add_quoted("space", line.space).add_quoted("event", line.event.substr(0, kMaxLogValue));
  if (!fields.empty()) object.add("fields", fields.text());
  const std::string text = object.text();
  return text.substr(1, text.size() - 2);
}

/// spdlog gives the terminals, files, rotation and time formats; its own locks and registry are not used.
class SpdlogSink : public LogSink {
 public:
  SpdlogSink(std::unique_ptr<spdlog::sinks::sink> sink, LogFormat format) : sink_(std::move(sink)), format_(format) {
    const char* const pattern = format == LogFormat::json ? kJsonPattern : kTextPattern;
    sink_->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  }
  void write(const LogLine& line) override {
    if (format_ == LogFormat::json) {
      write(line, json_of(line));
    } else {
      write(line, line.text);
    }
  }

 private:
  void write(const LogLine& line, std::string_view text) {
    const spdlog::details::log_msg message({line.space.data(), line.space.size()}, to_spdlog(line.level), {text.data(), text.size()});
    try {
      sink_->log(message);
      sink_->flush();
    } catch (const spdlog::spdlog_ex& e) {
      report_once(e.what());
    }
  }
  // A full disk must not stop the program, nor fill stderr.
  void report_once(const char* what) {
    if (!std::exchange(reported_, true)) fmt::print(stderr, "logging failed, lines are lost: {}\n", what);
  }
  std::unique_ptr<spdlog::sinks::sink> sink_;
  const LogFormat format_;
  bool reported_ = false;
};

std::string_view default_file_of(std::string_view space) {
  if (space == "sofa-runtime") return "sofa-default.log";
  if (space == "rpc") return "rpc-default.log";
  return "common-default.log";
}

/// Opens the files of a space with its first line. Spaces are named in code: there are few.
class FolderSink final : public LogSink {
 public:
  explicit FolderSink(LogOptions options) : options_(std::move(options)) {}
  void write(const LogLine& line) override {
    const auto [at, fresh] = spaces_.try_emplace(std::string(line.space));
    Files& files = at->second;
    if (fresh) files = {.all = open(line.space, default_file_of(line.space)), .errors = open(line.space, "common-error.log")};
    files.all->write(line);
    if (line.level >= LogLevel::error && files.errors != files.all) files.errors->write(line);
  }

 private:
  struct Files {
    std::shared_ptr<LogSink> all, errors;
  };
  std::shared_ptr<LogSink> open(std::string_view space, std::string_view name) {
    LogOptions options = options_;
    options.file = fmt::format("{}/{}/{}", options_.folder, space, name);
    auto file = make_file_sink(options);
    if (file) return *file;
    fmt::print(stderr, "{}; lines of {} go to stderr\n", file.error().message(), space);
    return stderr_;
  }
  const LogOptions options_;
  const std::shared_ptr<LogSink> stderr_ = make_stderr_sink(options_.format);
  std::map<std::string, Files> spaces_;
};

Result<std::shared_ptr<LogSink>> sink_of(const LogOptions& options) {
  if (!options.file.empty() && !options.folder.empty()) {
    return fail(Code::invalid_argument, "the log has a file, '{}', and a folder, '{}'; leave one of them out", options.file, options.folder);
  }
  if (!options.folder.empty()) return make_folder_sink(options);
  if (!options.file.empty()) return make_file_sink(options);
  return make_stderr_sink(options.format);
}

}  // namespace

void describe(EnumDescription<LogFormat>& d) { d.value("text", LogFormat::text).value("json", LogFormat::json); }

void describe(Description<LogOptions>& d) {
  d.doc("Where log lines go, and which.");
  d.field("levels", &LogOptions::levels).doc("debug, info, warn, error or off for all spaces, then single ones: info,rpc=debug").live();
  d.field("format", &LogOptions::format).doc("text, or json: an object a line");
  d.field("file", &LogOptions::file).doc("a file for the lines; empty: stderr");
  d.field("folder", &LogOptions::folder)
      .doc("instead of `file`: a folder with a folder for each space, errors beside all lines, as SOFABoot has them");
  d.field("max_file_bytes", &LogOptions::max_file_bytes).doc("a file is renamed when it is this large").unit("bytes").range(4096, 1LL << 40);
  d.field("max_files", &LogOptions::max_files).doc("renamed files that are kept").range(1, 1000);
}

std::shared_ptr<LogSink> make_stderr_sink(LogFormat format) {
  return std::make_shared<SpdlogSink>(std::make_unique<spdlog::sinks::stderr_color_sink_st>(), format);
}

Result<std::shared_ptr<LogSink>> make_file_sink(const LogOptions& options) {
  try {
    auto file = std::make_unique<spdlog::sinks::rotating_file_sink_st>(options.file, options.max_file_bytes, options.max_files);
    return std::make_shared<SpdlogSink>(std::move(file), options.format);
  } catch (const spdlog::spdlog_ex& e) {
    return fail(Code::invalid_argument, "log file '{}' cannot be opened ({}); set another `file` or `folder`", options.file, e.what());
  }
}

Result<std::shared_ptr<LogSink>> make_folder_sink(const LogOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (!error && ::access(options.folder.c_str(), W_OK) != 0) error = {errno, std::generic_category()};
  if (error) return fail(Code::invalid_argument, "log folder '{}' cannot be written ({}); set another `folder`", options.folder, error.message());
  return std::make_shared<FolderSink>(options);
}

Result<void> configure_logging(const LogOptions& options) {
  if (auto checked = check_log_levels(options.levels); !checked) return checked;
  auto sink = sink_of(options);
  if (!sink) return forward_error(sink);
  set_log_sink(std::move(*sink));
  return set_log_levels(options.levels);
}

}  // namespace sofa
