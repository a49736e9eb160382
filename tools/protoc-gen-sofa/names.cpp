#include "names.h"

#include <algorithm>
#include <array>

namespace sofa::protoc {

namespace {

constexpr std::array kWords = {"alignas",   "alignof",  "and",      "asm",     "auto",      "bool",      "break",     "case",         "catch",
                               "char",      "class",    "concept",  "const",   "consteval", "constexpr", "constinit", "continue",     "co_await",
                               "co_return", "co_yield", "decltype", "default", "delete",    "do",        "double",    "dynamic_cast", "else",
                               "enum",      "explicit", "export",   "extern",  "false",     "float",     "for",       "friend",       "goto",
                               "if",        "inline",   "int",      "long",    "mutable",   "namespace", "new",       "noexcept",     "not",
                               "nullptr",   "operator", "or",       "private", "protected", "public",    "register",  "requires",     "return",
                               "short",     "signed",   "sizeof",   "static",  "struct",    "switch",    "template",  "this",         "throw",
                               "true",      "try",      "typedef",  "typeid",  "typename",  "union",     "unsigned",  "using",        "virtual",
                               "void",      "volatile", "while",    "xor",     "methods",   "caller",    "set_caller"};  // the last three: members of
                                                                                                                         // rpc::Interface

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string cpp_namespace(std::string_view package) {
  std::string name;
  for (const char c : package) {
    if (c == '.') {
      name += "::";
    } else {
      name += c;
    }
  }
  return name;
}

std::string cpp_type(const google::protobuf::Descriptor& message) {
  std::string name = message.name();
  for (const auto* outer = message.containing_type(); outer != nullptr; outer = outer->containing_type()) name = outer->name() + "_" + name;
  const std::string& package = message.file()->package();
  return package.empty() ? "::" + name : "::" + cpp_namespace(package) + "::" + name;
}

std::string field_name(std::string_view method) {
  std::string name;
  for (size_t i = 0; i < method.size(); ++i) {
    // A new word: an upper letter behind a lower one, or before a lower one ("GetURLOf" is get_url_of).
    const bool next_lower = i + 1 < method.size() && !is_upper(method[i + 1]) && method[i + 1] != '_';
    const bool begins = i > 0 && is_upper(method[i]) && method[i - 1] != '_' && (!is_upper(method[i - 1]) || next_lower);
    if (begins) name += '_';
    name += lower(method[i]);
  }
  if (std::find(kWords.begin(), kWords.end(), name) != kWords.end()) name += '_';
  return name;
}

}  // namespace sofa::protoc
