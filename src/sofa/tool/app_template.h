#pragma once
// The project that `sofa new app` makes: the files of templates/app, which is a project itself, called app-name.

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "sofa/base/bytes.h"
#include "sofa/base/error.h"

namespace sofa::tool {

struct TemplateFile {
  std::string_view path;  ///< below templates/app
  ByteSpan content;
};
std::span<const TemplateFile> app_template();

/// How an application is called: in files and programs, in packages and namespaces, as a type.
struct AppNames {
  std::string program{};     ///< "order-book", for app-name
  std::string identifier{};  ///< "order_book", for app_name
  std::string type{};        ///< "OrderBook", for AppName
};
/// Of a name of 1 to 40 lower-case letters, digits and single '-' between them that begins with a letter and is no word of C++; else a sentence.
Result<AppNames> app_names(std::string_view name);

/// The text with these names in place of the template's.
std::string with_names(std::string_view text, const AppNames& names);

/// Writes the project into a folder, which is made when it is missing and refused when something is in it.
Result<void> write_app(const std::filesystem::path& folder, const AppNames& names);

}  // namespace sofa::tool
