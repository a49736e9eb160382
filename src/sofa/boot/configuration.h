#pragma once
// Configuration: the described structs of a program, one section each, filled in layers: defaults < file < environment < flags < dynamic source.
//
//   Configuration configuration({.program = "bank-ledger", .environment_prefix = "BANK"});
//   configuration.add("log", type_of<LogOptions>());
//   configuration.add("payments.journal", type_of<JournalConfig>());      // the section `journal` of the mapping `payments`
//   auto loaded = configuration.load(argc, argv);                         // --config bank.yaml, BANK_LOG_LEVELS, --payments-journal-folder
//   const auto& journal = configuration.get<JournalConfig>("payments.journal");
//
// All sections together are one described struct made at run time, so that files, flags, help, docs and schema know them as they know any struct.
// Unknown keys and bad values are errors with line, column and the nearest right key; every one is told. Every value knows where it came from.
//
// One thread at a time; objects that get() gave stay where they are, and change only in apply().

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sofa/base/description.h"
#include "sofa/base/error.h"
#include "sofa/base/flags.h"

namespace sofa::boot {

/// The layers, weakest first.
enum class OriginKind : uint8_t { standard, file, environment, flag, dynamic };
/// "default", "file", "environment", "flag", "dynamic".
std::string_view to_string(OriginKind kind);

/// Where a value came from: kind, and the place in it ("bank.yaml:3:5", "BANK_LOG_LEVELS", "--log-levels"; empty for a default).
struct Origin {
  OriginKind kind = OriginKind::standard;
  std::string where{};
};

/// One value as it is in force: a scalar, or a list or map as a whole.
struct ConfigValue {
  std::string path{};      ///< "payments.journal.folder"
  std::string json{};      ///< "\"/srv/bank\""; "\"***\"" for a secret
  std::string standard{};  ///< what it is where nothing says otherwise, likewise; empty of what stands in a map that is empty then
  Origin origin{};
  const Field* field = nullptr;  ///< its description
};

/// A live value that apply() has changed.
struct ConfigChange {
  std::string section;
  const void* before;  ///< the section's object as it was; valid during the callback
  const void* now;     ///< as it is
};

struct ConfigurationOptions {
  std::string program{};             ///< shown by --help
  std::string about{};               ///< one or more sentences for --help
  std::string environment_prefix{};  ///< "BANK" reads BANK_LOG_LEVELS; empty: the environment is not read
  std::string default_file{};        ///< read when it is there and --config is not given
  size_t max_problems = 64;          ///< told of one file
};

class Configuration {
 public:
  explicit Configuration(ConfigurationOptions options);
  ~Configuration();
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  /// Before load(): a section, a described struct or a map or list of such, at a path of words with dots between. `initial`, an object of the type,
  /// gives other defaults than the type's own. A path that stands already, or that lies inside another section, is a fault of the code and ends the
  /// program with a sentence.
  void add(std::string_view path, const Type& type, std::string_view doc = {}, const void* initial = nullptr);
  template <class T>
  void add(std::string_view path, std::string_view doc = {}, const T& initial = {}) {
    add(path, type_of<T>(), doc, &initial);
  }

  /// Before load(): what a value must be beyond its type and range, asked in load() and apply(). What it says is told with the value's place and
  /// path: "bank.yaml:3:9: log.levels: ...", of a mapping with that of the first key that is given in it. A path that is neither a value nor a
  /// mapping of a described struct ends the program when the configuration is loaded.
  using ValueCheck = std::function<Result<void>(const void* value)>;
  void check(std::string_view path, ValueCheck check);
  template <class T>
  void check(std::string_view path, Result<void> (*check_value)(const T& value)) {
    check(path, [check_value](const void* value) { return check_value(*static_cast<const T*>(value)); });
  }

  /// Reads file, environment and command line; call it once. `--config FILE` (-c) names the file, `--help` is answered by ParsedFlags::help. The
  /// error has a line for each problem of every layer; of a file each begins with FILE:LINE:COLUMN, that of the mapping for what is missing in it.
  Result<ParsedFlags> load(int argc, const char* const* argv);
  /// The file's part of load(): for tests, and for `sofa config check`, which has no command line.
  Result<void> load_text(std::string_view yaml, std::string_view file_name);

  /// The section's object; a path that was not added ends the program.
  const void* get(std::string_view path) const;
  template <class T>
  const T& get(std::string_view path) const {
    return *static_cast<const T*>(get(path));
  }

  /// Every value by path, secrets hidden.
  std::vector<ConfigValue> values() const;
  /// What is known of one value; not_found names the nearest, or what stands in a mapping that the path names.
  Result<ConfigValue> explain(std::string_view path) const;
  /// The environment variable and the flag that set a value: BANK_LOG_LEVELS (empty where the environment is not read), --log-levels.
  std::string environment_name(std::string_view path) const;
  static std::string flag_name(std::string_view path);
  /// The type of all sections together, and their object.
  const Type& type() const;
  const void* object() const;
  /// Where the file was, empty when none was read.
  const std::string& file() const;

  using OnChange = std::function<Result<void>(const ConfigChange& change)>;
  /// Puts a YAML text of the dynamic source on top of the other layers, in place of the former one. Values that are not marked live must stay as they
  /// are; one that would change is an error with its path, and then nothing changes. `on_change` is asked once for each section that differs, before
  /// anyone sees the new values; when it refuses, those that were asked before are asked back, and nothing changes. Gives the changed paths.
  Result<std::vector<std::string>> apply(std::string_view yaml, std::string_view source, const OnChange& on_change);
  /// How often apply() has changed something, and the paths of the last time.
  struct Changes {
    uint64_t times = 0;
    std::vector<std::string> last{};
  };
  const Changes& changes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sofa::boot
