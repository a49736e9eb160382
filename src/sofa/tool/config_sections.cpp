#include "sofa/tool/config_sections.h"

#include "sofa/base/json_schema.h"
#include "sofa/base/markdown.h"
#include "sofa/boot/application.h"
#include "sofa/platform/platform.h"

namespace sofa::tool {

void add_config_sections(boot::Configuration& configuration) {
  boot::add_application_sections(configuration, {.name = "sofa"}, platform::admin_defaults());
  platform::add_section(configuration);
}

std::string config_reference(boot::Configuration& configuration) {
  (void)configuration.load_text("", "");  // what is required is missing, and the defaults are known all the same
  std::string text;
  std::string_view section;
  const std::vector<boot::ConfigValue> values = configuration.values();
  for (const boot::ConfigValue& value : values) {
    const std::string_view path = value.path;
    if (const std::string_view own = path.substr(0, path.find('.')); own != section) {
      section = own;
      const Field* field = configuration.type().structure->find(section);
      text +=
          fmt::format("{}### `{}`\n\n{}\n\n| key | takes | default | means |\n|---|---|---|---|\n", text.empty() ? "" : "\n", section, field->doc);
    }
    const std::string standing = value.field->secret ? "" : value.field->required ? "required" : fmt::format("`{}`", value.json);
    text += fmt::format("| `{}` | {} | {} | {}{} |\n", path, markdown_cell(input_of(*value.field)), markdown_cell(standing),
                        markdown_cell(value.field->doc), value.field->live ? " (live)" : "");
  }
  return text;
}

std::string with_reference(const std::string& page) {
  constexpr std::string_view kBegin = "<!-- reference -->\n\n";
  const size_t at = page.find(kBegin);
  if (at == std::string::npos) return {};
  boot::Configuration configuration({.program = "sofa"});
  add_config_sections(configuration);
  return page.substr(0, at + kBegin.size()) + config_reference(configuration);
}

}  // namespace sofa::tool
