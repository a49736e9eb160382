// sofa namespace list, add, remove

#include "sofa/identity/api.h"
#include "sofa/tool/admin_client.h"
#include "sofa/tool/commands.h"

namespace sofa::tool {

namespace {

namespace api = identity::api;

constexpr CommandGroup kNamespaceCommands{"namespace", "parts of an installation that users may be held to"};

struct NamespaceRow {
  std::string name{}, doc{};
  Moment created_at_ms{};
  static void describe(Description<NamespaceRow>& d) {
    d.field("name", &NamespaceRow::name);
    d.field("doc", &NamespaceRow::doc);
    d.field("created_at_ms", &NamespaceRow::created_at_ms);
  }
};

struct AddOptions : AdminFlags {
  std::string doc{};
  static void describe(Description<AddOptions>& d) {
    d.field("doc", &AddOptions::doc).doc("what it is for");
    d.inherit<AdminFlags>();
  }
};

Exit list(Arguments<AdminFlags>& given, Terminal& terminal) {
  return list_from_admin<NamespaceRow>(given.options, terminal, {.route = "/v1/namespaces", .member = "namespaces"},
                                       {.columns = {"name", "doc", "created_at_ms"}, .none = "There are no namespaces."});
}

Exit add(Arguments<AddOptions>& given, Terminal& terminal) {
  const AddOptions& options = given.options;
  const api::NewNamespaceRequest added{.name = given.positional[0], .doc = options.doc};
  return ask_admin(options, terminal, {.verb = "POST", .route = "/v1/namespaces", .arguments = arguments_of(added)},
                   [&](std::string_view json) { return show_one<NamespaceRow>(json, options.output, terminal); });
}

Exit remove(Arguments<AdminFlags>& given, Terminal& terminal) {
  return ask_admin(given.options, terminal,
                   {.verb = "DELETE", .route = "/v1/namespaces/{name}", .arguments = arguments_of(api::ByName{given.positional[0]})},
                   [](std::string_view) { return Result<void>(); });
}

}  // namespace

Command namespace_list_command() {
  return command<AdminFlags, list>({.group = &kNamespaceCommands, .name = "list", .summary = "lists the namespaces"});
}
Command namespace_add_command() {
  return command<AddOptions, add>(
      {.group = &kNamespaceCommands,
       .name = "add",
       .usage = "NAME",
       .summary = "adds a namespace",
       .about = "Users are held to namespaces by 'sofa user add NAME --namespace NAMESPACE'; permissions name one behind '@'.",
       .least = 1,
       .most = 1});
}
Command namespace_remove_command() {
  return command<AdminFlags, remove>({.group = &kNamespaceCommands,
                                      .name = "remove",
                                      .usage = "NAME",
                                      .summary = "removes a namespace that no user is held to",
                                      .least = 1,
                                      .most = 1});
}

}  // namespace sofa::tool
