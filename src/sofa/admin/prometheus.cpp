#include "sofa/admin/prometheus.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <sstream>
#include <utility>

namespace sofa::admin {

namespace {

/// How a unit is written: the end of the name, and what a value is multiplied by.
struct Unit {
  std::string_view suffix;
  double factor;
};

Unit unit_of(std::string_view unit) {
  if (unit == "ns") return {"seconds", 1e-9};
  if (unit == "us") return {"seconds", 1e-6};
  if (unit == "ms") return {"seconds", 1e-3};
  if (unit == "s") return {"seconds", 1};
  return {unit, 1};
}

/// Upper bounds of the buckets of a histogram of times, in seconds, and of others.
constexpr std::array kSeconds{0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                              0.05,    0.1,      0.25,    0.5,    1.0,     2.5,    5.0,   10.0,   25.0,  60.0};
constexpr std::array kSizes{16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0, 67108864.0};

bool is_name_byte(char c, bool first) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  return letter || (!first && c >= '0' && c <= '9');
}

std::string legal(std::string_view name, bool colon_allowed) {
  std::string out;
  for (const char c : name) out += is_name_byte(c, out.empty()) && (colon_allowed || c != ':') ? c : '_';
  return out.empty() ? "_" : out;
}

std::string family_name(const MetricId& id, const Unit& unit) {
  std::string name = legal(id.name, true);
  if (name.ends_with("_total")) name.resize(name.size() - 6);
  const std::string suffix = unit.suffix.empty() ? "" : "_" + legal(unit.suffix, false);
  return name.ends_with(suffix) ? name : name + suffix;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

/// `a="x",b="y"`: the labels of a series, without braces.
std::string labels_of(const MetricLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!out.empty()) out += ',';
    out += legal(name, false);
    out += "=\"";
    append_escaped(out, value, true);
    out += '"';
  }
  return out;
}

/// The shortest text that reads back as the same number.
std::string number(double value, MetricsFormat format) {
  std::string text = std::isinf(value) ? "+Inf" : fmt::format("{}", value);
  if (format == MetricsFormat::openmetrics && text.find_first_of(".eI") == std::string::npos) text += ".0";  // of "le", as its canonical form
  return text;
}

std::string scaled(double value, double factor) {
  if (factor == 1) return fmt::format("{}", value);
  return fmt::format("{:.12g}", value * factor);
}

class Writer {
 public:
  Writer(std::string& out, MetricsFormat format) : out_(out), format_(format) {}

  void head(std::string_view family, const MetricValue& value, const Unit& unit) {
    const bool counter = value.kind == MetricKind::counter;
    // In the older format a counter's family has the name of its samples.
    const std::string name = counter && format_ == MetricsFormat::prometheus ? fmt::format("{}_total", family) : std::string(family);
    const std::string_view kind = counter ? "counter" : value.kind == MetricKind::gauge ? "gauge" : "histogram";
    fmt::format_to(std::back_inserter(out_), "# HELP {} ", name);
    append_escaped(out_, value.id.doc.empty() ? value.id.name : value.id.doc, format_ == MetricsFormat::openmetrics);
    fmt::format_to(std::back_inserter(out_), "\n# TYPE {} {}\n", name, kind);
    if (format_ == MetricsFormat::openmetrics && !unit.suffix.empty()) fmt::format_to(std::back_inserter(out_), "# UNIT {} {}\n", name, unit.suffix);
  }

  void series(std::string_view family, const MetricValue& value, const Unit& unit) {
    const std::string labels = labels_of(value.id.labels);
    switch (value.kind) {
      case MetricKind::counter:
        return sample(family, "_total", labels, scaled(static_cast<double>(value.number), unit.factor));
      case MetricKind::gauge:
        return sample(family, "", labels, scaled(static_cast<double>(value.number), unit.factor));
      case MetricKind::histogram:
        return histogram(family, labels, value.histogram, unit);
    }
  }

 private:
  void sample(std::string_view family, std::string_view suffix, std::string_view labels, std::string_view value) {
    out_.append(family).append(suffix);
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_.append(" ").append(value).append("\n");
  }

  void histogram(std::string_view family, std::string_view labels, const HistogramSnapshot& values, const Unit& unit) {
    const bool times = unit.suffix == "seconds";
    const std::span<const double> bounds = times ? std::span<const double>(kSeconds) : std::span<const double>(kSizes);
    const std::string_view comma = labels.empty() ? "" : ",";
    std::string exemplar = exemplar_of(values, unit);
    const double shown = values.exemplar() ? static_cast<double>(values.exemplar()->value) * unit.factor : 0;
    for (const double bound : bounds) {
      const auto up_to = static_cast<uint64_t>(std::llround(bound / unit.factor));
      const std::string mark = shown <= bound ? std::exchange(exemplar, {}) : "";
      sample(family, "_bucket", fmt::format("{}{}le=\"{}\"", labels, comma, number(bound, format_)),
             fmt::format("{}{}", values.count_up_to(up_to), mark));
    }
    sample(family, "_bucket", fmt::format("{}{}le=\"+Inf\"", labels, comma), fmt::format("{}{}", values.count(), exemplar));
    sample(family, "_sum", labels, scaled(static_cast<double>(values.sum()), unit.factor));
    sample(family, "_count", labels, fmt::format("{}", values.count()));
  }

  /// " # {trace_id="..."} VALUE TIME", which stands at the bucket of the value; empty where there is none, and in Prometheus' own format.
  std::string exemplar_of(const HistogramSnapshot& values, const Unit& unit) const {
    const auto& exemplar = values.exemplar();
    if (!exemplar || format_ != MetricsFormat::openmetrics) return {};
    std::string id;
    append_escaped(id, exemplar->trace_id, true);
    return fmt::format(" # {{trace_id=\"{}\"}} {} {:.3f}", id, scaled(static_cast<double>(exemplar->value), unit.factor),
                       static_cast<double>(exemplar->at_ms) / 1000);
  }

  std::string& out_;
  const MetricsFormat format_;
};

MetricValue gauge(std::string_view name, std::string_view unit, std::string_view doc, int64_t value) {
  return {.id = {.name = std::string(name), .doc = std::string(doc), .unit = std::string(unit)},
          .kind = MetricKind::gauge,
          .number = value,
          .histogram = {}};
}

/// The fields of /proc/self/stat behind the name, the state first; empty when it cannot be read.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t end = text.rfind(") ");
  if (end == std::string::npos) return {};
  std::istringstream words(text.substr(end + 2));
  return {std::istream_iterator<std::string>(words), {}};
}

int64_t number_in(const std::vector<std::string>& fields, size_t at) { return at < fields.size() ? std::atoll(fields[at].c_str()) : 0; }

ProcessUse use_in(const std::vector<std::string>& stat) {
  const int64_t ticks = number_in(stat, 11) + number_in(stat, 12);
  return {.cpu = std::chrono::nanoseconds(ticks * (1'000'000'000 / ::sysconf(_SC_CLK_TCK))),
          .resident_bytes = number_in(stat, 21) * ::sysconf(_SC_PAGESIZE)};
}

int64_t boot_seconds() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::atoll(line.c_str() + 6);
  }
  return 0;
}

int64_t open_files() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
  if (folder == nullptr) return 0;
  int64_t count = -3;  // ".", "..", and the folder's own
  while (::readdir(folder.get()) != nullptr) ++count;
  return count;
}

}  // namespace

MetricsFormat metrics_format_of(std::string_view accept) {
  return accept.find("application/openmetrics-text") == std::string_view::npos ? MetricsFormat::prometheus : MetricsFormat::openmetrics;
}

std::string_view content_type_of(MetricsFormat format) {
  return format == MetricsFormat::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                              : "text/plain; version=0.0.4; charset=utf-8";
}

WrittenMetric written_as(const MetricId& id, MetricKind kind) {
  const Unit unit = unit_of(id.unit);
  return {.name = family_name(id, unit) + (kind == MetricKind::counter ? "_total" : ""), .unit = std::string(unit.suffix), .factor = unit.factor};
}

std::string metrics_text(const std::vector<MetricValue>& values, MetricsFormat format) {
  // Different names may become one family: its series stand together.
  std::map<std::string, std::vector<const MetricValue*>> families;
  for (const MetricValue& value : values) families[family_name(value.id, unit_of(value.id.unit))].push_back(&value);
  std::string out;
  Writer writer(out, format);
  for (const auto& [family, series] : families) {
    writer.head(family, *series.front(), unit_of(series.front()->id.unit));
    for (const MetricValue* value : series) {
      if (value->kind == series.front()->kind) writer.series(family, *value, unit_of(value->id.unit));
    }
  }
  if (format == MetricsFormat::openmetrics) out += "# EOF\n";
  return out;
}

ProcessUse process_use() { return use_in(stat_fields()); }

std::vector<MetricValue> process_metrics() {
  const std::vector<std::string> fields = stat_fields();
  const int64_t ticks = ::sysconf(_SC_CLK_TCK);
  const ProcessUse use = use_in(fields);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  std::vector<MetricValue> all;
  all.push_back({.id = {.name = "process_cpu", .doc = "Time that the process has used of processors, in user and in system mode.", .unit = "ns"},
                 .kind = MetricKind::counter,
                 .number = use.cpu.count(),
                 .histogram = {}});
  all.push_back(gauge("process_resident_memory", "bytes", "Memory of the process that is in main memory.", use.resident_bytes));
  all.push_back(gauge("process_virtual_memory", "bytes", "Address space of the process.", number_in(fields, 20)));
  all.push_back(
      gauge("process_start_time", "ms", "When the process began, since 1970.", boot_seconds() * 1000 + number_in(fields, 19) * 1000 / ticks));
  all.push_back(gauge("process_threads", "", "Threads of the process.", number_in(fields, 17)));
  all.push_back(gauge("process_open_fds", "", "Files and sockets that are open.", open_files()));
  all.push_back(gauge("process_max_fds", "", "Files and sockets that may be open.", static_cast<int64_t>(files.rlim_cur)));
  return all;
}

}  // namespace sofa::admin
