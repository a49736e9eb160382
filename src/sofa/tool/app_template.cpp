#include "sofa/tool/app_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>

#include "sofa/base/text.h"

namespace sofa::tool {

namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 40;

/// What no namespace of an application can be called, std and those of this project among them: the template's code says "using namespace sofa".
const std::set<std::string_view>& taken_words() {
  static const std::set<std::string_view> words{
      "alignas", "alignof", "and", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char", "class", "compl", "concept", "const",
      "continue", "decltype", "default", "delete", "do", "double", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend",
      "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "nullptr", "operator", "or", "private", "protected",
      "public", "register", "requires", "return", "short", "signed", "sizeof", "sofa", "static", "std", "struct", "switch", "template", "this",
      "throw", "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void", "volatile", "while", "xor",
      "consteval", "constexpr", "constinit", "google", "protobuf", "fmt", "linux", "unix", "main", "testing",
      // Namespaces of sofa, and the function of the template's client.
      "admin", "bolt", "boot", "cluster", "console", "detail", "dubbo", "grpc", "hessian", "http", "identity", "io", "jraft", "load", "log",
      "platform", "raft", "rest", "rpc", "tool", "transport", "greet",
      // Targets that CMake makes itself.
      "all", "clean", "help", "install", "package", "test"};
  return words;
}

/// What the service cannot be called: types that the template declares, or uses without their namespace.
const std::set<std::string_view>& taken_types() {
  static const std::set<std::string_view> types{"ConfiguredGreetings", "GreetReply", "GreetRequest",    "Greeter", "Greeting",
                                                "GreetingRoutes",      "Greetings",  "GreetingsConfig", "Result",  "SailorsGreetings"};
  return types;
}

bool is_plain_name(std::string_view name) {
  const auto fits = [](char c) { return is_digit(c) || c == '-' || (is_alpha(c) && lower(c) == c); };
  return !name.empty() && name.size() <= kLongestName && is_alpha(name.front()) && name.back() != '-' && !name.contains("--") &&
         std::ranges::all_of(name, fits);
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) text.replace(at, what.size(), with);
}

Result<void> refuse_full(const fs::path& folder) {
  std::error_code code;
  const bool there = fs::exists(folder, code);
  if (!there) return {};
  if (!fs::is_directory(folder, code)) return fail(Code::already_exists, "{} is no folder: name another by --dir", folder.string());
  if (!fs::is_empty(folder, code) || code) {
    return fail(Code::already_exists, "the folder {} is not empty: name another by --dir, so that nothing is overwritten", folder.string());
  }
  return {};
}

Result<void> write_file(const fs::path& path, std::string_view text) {
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  if (code) return fail(Code::failed_precondition, "cannot make the folder {}: {}", path.parent_path().string(), code.message());
  errno = 0;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return std::unexpected<Error>(errno_error(errno, fmt::format("{} cannot be written", path.string())));
  return {};
}

}  // namespace

Result<AppNames> app_names(std::string_view name) {
  if (!is_plain_name(name)) {
    return fail(
        Code::invalid_argument,
        "\"{}\" cannot be the name of an application: it has 1 to {} lower-case letters, digits and single '-' between them, and begins with a "
        "letter, as in order-book",
        name, kLongestName);
  }
  AppNames names{.program = std::string(name), .identifier = std::string(name)};
  std::ranges::replace(names.identifier, '-', '_');
  bool begins = true;
  for (const char c : name) {
    if (c != '-') names.type += begins && is_alpha(c) ? static_cast<char>(c - 'a' + 'A') : c;
    begins = c == '-';
  }
  if (taken_words().contains(names.identifier) || taken_types().contains(names.type)) {
    return fail(
        Code::invalid_argument,
        "\"{}\" is a word that C++, CMake or the code of a new project has for itself: call the application otherwise, for example {}-service", name,
        name);
  }
  return names;
}

std::string with_names(std::string_view text, const AppNames& names) {
  std::string filled(text);
  replace_all(filled, "app-name", names.program);
  replace_all(filled, "app_name", names.identifier);
  replace_all(filled, "AppName", names.type);
  return filled;
}

Result<void> write_app(const fs::path& folder, const AppNames& names) {
  if (auto empty = refuse_full(folder); !empty) return empty;
  for (const TemplateFile& file : app_template()) {
    const std::string_view text(reinterpret_cast<const char*>(file.content.data()), file.content.size());
    if (auto written = write_file(folder / with_names(file.path, names), with_names(text, names)); !written) return written;
  }
  return {};
}

}  // namespace sofa::tool
